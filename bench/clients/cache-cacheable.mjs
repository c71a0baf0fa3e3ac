import { Cacheable } from "cacheable";
import { keyOf, ttlMs, valueFor } from "../lib/cache-work.mjs";
import { serveOrders } from "../lib/client-worker.mjs";

const cache = new Cacheable({ ttl: ttlMs });

serveOrders(async (message) => {
  const value = await cache.getOrSet(keyOf(message), async () => valueFor(message), { ttl: ttlMs });
  return value.text;
});
