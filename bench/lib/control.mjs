// Preloaded into processes whose memory is measured: collects garbage twice on request and reports.
import { setTimeout as delay } from "node:timers/promises";

process.on("disconnect", () => process.exit());
process.on("message", async (order) => {
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
