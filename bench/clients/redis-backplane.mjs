import { MCPCache } from "../../packages/cache/dist/index.js";
import { prefix, redisUrl, ttlMs, valueFor } from "../lib/cache-work.mjs";
import { serveOrders } from "../lib/client-worker.mjs";

const cache = new MCPCache({ backend: "redis", url: redisUrl, prefix });
const known = new Set();

serveOrders(async (message) => {
  if (!known.has(message)) {
    known.add(message);
    await cache.set(message, valueFor(message), { ttlMs });
  }
  return (await cache.get(message)).text;
});
