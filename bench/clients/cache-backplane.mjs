import { MCPCache } from "../../packages/cache/dist/index.js";
import { keyOf, maxEntries, prefix, redisUrl, ttlMs, valueFor } from "../lib/cache-work.mjs";
import { serveOrders } from "../lib/client-worker.mjs";

const cache =
  process.env.BACKEND === "tiered"
    ? new MCPCache({ backend: "tiered", url: redisUrl, prefix, maxEntries, localTtlMs: ttlMs })
    : new MCPCache({ maxEntries });
// The tier keeps nothing in front before it hears the others.
await cache.set("first", 1);
await new Promise((resolve) => setTimeout(resolve, 200));

const options = { ttlMs };

serveOrders(async (message) => {
  const value = await cache.getOrSet(keyOf(message), () => valueFor(message), options);
  return value.text;
});
