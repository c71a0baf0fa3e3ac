// Load by autocannon, in a process of its own. Reads its job as JSON from stdin.
import { readFileSync } from "node:fs";
import autocannon from "autocannon";

const { port, connections, seconds, timeoutSeconds, requests } = JSON.parse(
  readFileSync(0, "utf8"),
);
let index = 0;

const result = await autocannon({
  url: `http://127.0.0.1:${port}/mcp`,
  connections,
  duration: seconds,
  timeout: timeoutSeconds,
  requests: [
    {
      method: "POST",
      setupRequest: (request) => {
        index = (index + 1) % requests.length;
        const { headers, body } = requests[index];
        return { ...request, headers: { ...request.headers, ...headers }, body };
      },
    },
  ],
});

const outcome = {
  requests: result.requests.total,
  durationUs: result.duration * 1e6,
  bytes: result.throughput.total,
  p50Us: result.latency.p50 * 1000,
  p99Us: result.latency.p99 * 1000,
  failed: result.errors + result.timeouts + result.non2xx,
};
process.stdout.write(`\n${JSON.stringify(outcome)}\n`);
