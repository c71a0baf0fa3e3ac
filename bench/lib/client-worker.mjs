// Runs in a client process: makes calls as the runner orders over IPC.

/** Where the server is. */
export const url = process.env.URL ?? "http://127.0.0.1:3000/mcp";
export const clientInfo = { name: "bench-client", version: "1.0.0" };
/** How many connections a pool may open. */
export const maxConnections = Number(process.env.MAX_CONNECTIONS ?? 32);

const DISTINCT_MESSAGES = 4096;
const FIRST_MESSAGE = 100_000;

let warnings = 0;
process.on("warning", () => {
  warnings += 1;
});

/** All messages have the same length. */
const messageOf = (index) => `message number ${FIRST_MESSAGE + (index % DISTINCT_MESSAGES)}`;

/** Counts the calls that were answered between the two times, which begin now. */
async function keepInFlight({
  call,
  inFlight,
  fromMs = 0,
  untilMs,
  calls = Number.POSITIVE_INFINITY,
}) {
  let now = performance.now();
  const from = now + fromMs;
  const until = now + (untilMs ?? Number.POSITIVE_INFINITY);
  let begun = 0;
  let requests = 0;
  const caller = async () => {
    while (begun < calls && now < until) {
      begun += 1;
      await call(messageOf(begun));
      now = performance.now();
      if (now >= from && now < until) requests += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return { requests };
}

async function check(call, count) {
  const texts = [];
  for (let index = 0; index < count; index += 1) {
    const sent = messageOf(index);
    texts.push({ sent, received: await call(sent) });
  }
  return texts;
}

/** `call(message)` makes one call and resolves with the text of the answer. */
export function serveOrders(call) {
  process.on("message", async (order) => {
    if (order.kind === "check") {
      process.send(await check(call, order.count));
    } else if (order.kind === "load") {
      process.send({ ...(await keepInFlight({ ...order, call })), warnings });
    }
  });
  process.on("disconnect", () => process.exit());
  process.send("ready");
}
