// Keeps a fixed number of calls in flight over a pipe. Answers are counted, not parsed: each is one
// line, and the first ones have been checked, so that the generator costs less than any server.
const NEWLINE = 10;

function countLines(chunk) {
  let count = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) {
    count += 1;
  }
  return count;
}

/** Reads answers as parsed messages until `count` have come. */
export function readMessages(stream, count) {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (chunk) => {
      text += chunk;
      const lines = text.split("\n");
      if (lines.length > count) {
        stream.off("data", onData);
        clearTimeout(timer);
        resolve(lines.slice(0, count).map((line) => JSON.parse(line)));
      }
    };
    const timer = setTimeout(() => reject(new Error("no answer in time")), 15_000);
    stream.on("data", onData);
  });
}

/** Keeps calls in flight; `{ requests, bytes }` are those answered between the two times, which begin now. */
export function runStdioLoad({ child, lines, inFlight, fromMs, untilMs }) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    let next = 0;
    let answered = 0;
    let pending = 0;
    let bytes = 0;

    const send = (count) => {
      let batch = "";
      for (let sent = 0; sent < count; sent += 1) {
        batch += lines[next];
        next = (next + 1) % lines.length;
      }
      pending += count;
      child.stdin.write(batch);
    };
    const finish = () => {
      child.stdout.off("data", onData);
      child.off("close", onClose);
      resolve({ requests: answered, bytes });
    };
    const onClose = () => reject(new Error("the server ended under load"));
    const onData = (chunk) => {
      const count = countLines(chunk);
      const elapsedMs = performance.now() - startedAt;
      const isEnding = elapsedMs >= untilMs;
      pending -= count;
      if (elapsedMs >= fromMs && !isEnding) {
        bytes += chunk.length;
        answered += count;
      }
      if (!isEnding) {
        send(count);
      } else if (pending === 0) {
        finish();
      }
    };
    child.once("close", onClose);
    child.stdout.on("data", onData);
    send(inFlight);
  });
}
