// Preloaded into processes whose memory or event loop is measured. Collects garbage twice on request and reports;
// watches how late the event loop is between two requests.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

const NANOSECONDS_PER_MILLISECOND = 1e6;
const loop = monitorEventLoopDelay({ resolution: 1 });

process.on("disconnect", () => process.exit());
process.on("message", async (order) => {
  if (order === "watch the loop") {
    loop.reset();
    loop.enable();
    process.send({});
    return;
  }
  if (order === "loop") {
    loop.disable();
    const [p50Ms, p99Ms] = [50, 99].map(
      (one) => loop.percentile(one) / NANOSECONDS_PER_MILLISECOND,
    );
    process.send({ p50Ms, p99Ms, maxMs: loop.max / NANOSECONDS_PER_MILLISECOND });
    return;
  }
  if (order !== "memory") {
    return;
  }
  for (let round = 0; round < 2; round += 1) {
    globalThis.gc();
    await delay(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send({ heapUsed, external, rss });
});
