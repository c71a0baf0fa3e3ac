// Which caches take part.
import { clientEntryOf } from "./client-catalogue.mjs";

const peer = { file: "fixed.mjs" };

const caches = {
  bare: { label: "a Map of JSON", file: "cache-map.mjs" },
  backplane: { label: "Backplane, `MCPCache` in memory", file: "cache-backplane.mjs" },
  cacheable: { label: "cacheable", file: "cache-cacheable.mjs" },
  bentocache: { label: "bentocache", file: "cache-bentocache.mjs" },
};

/** Names and versions of these are recorded with the results. */
export const cachePackages = ["bentocache", "cacheable", "ioredis"];

/** One measured cache. `work` is `hit` or `miss`. */
export function cacheEntryOf(id, work, { suffix = "", env = {}, ...more } = {}) {
  return clientEntryOf(id, {
    inFlight: 1,
    peer,
    protocol: undefined,
    ...caches[id],
    suffix,
    env: { WORK: work, ...env },
    ...more,
  });
}

/** What stands around the JSON of an entry of ours with such a key: `bp2`, the key's length, the key, its time, no tags, and the end. */
const AROUND_BYTES = "bp2\n23\ne:message number 100000\n1234567890123\n\n\n".length;

/** A bare GET or a cache over Redis, with so many calls in flight. */
export function redisEntryOf(id, inFlight) {
  const bare = {
    label: "bare `ioredis` GET",
    file: "redis-bare.mjs",
    env: { PADDING: String(AROUND_BYTES) },
  };
  const ours = { label: "Backplane, `MCPCache` over Redis", file: "redis-backplane.mjs", env: {} };
  return clientEntryOf(id, {
    ...(id === "bare" ? bare : ours),
    inFlight,
    peer,
    protocol: undefined,
  });
}
