import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { keyOf, maxEntries, ttlMs, valueFor } from "../lib/cache-work.mjs";
import { serveOrders } from "../lib/client-worker.mjs";

const cache = new BentoCache({
  default: "memory",
  stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: maxEntries })) },
});

serveOrders(async (message) => {
  const key = keyOf(message);
  const value = await cache.getOrSet({ key, ttl: ttlMs, factory: () => valueFor(message) });
  return value.text;
});
