// The yardstick for stdio: a line echo that parses each message and stringifies the answer.
let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { id, params } = JSON.parse(line);
    const content = [{ type: "text", text: params.arguments.message }];
    const answer = { jsonrpc: "2.0", id, result: { resultType: "complete", content } };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
});
