// `ioredis` with its defaults: one GET, and the JSON that comes back.
import { Redis } from "ioredis";
import { prefix, redisUrl, ttlMs, valueFor } from "../lib/cache-work.mjs";
import { serveOrders } from "../lib/client-worker.mjs";

const client = new Redis(redisUrl);
/** As long as an entry of ours, with its version, key and time. */
const padding = "x".repeat(Number(process.env.PADDING ?? 0));
const known = new Set();

serveOrders(async (message) => {
  const key = prefix + message;
  if (!known.has(message)) {
    known.add(message);
    await client.set(key, padding + JSON.stringify(valueFor(message)), "PX", ttlMs);
  }
  return JSON.parse((await client.get(key)).slice(padding.length)).text;
});
