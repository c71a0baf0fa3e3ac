import { cacheEntryOf } from "../lib/cache-catalogue.mjs";
import { measureClients } from "../lib/client-scenario.mjs";

export const scenario = {
  id: "cache-miss",
  title: "Cache: `getOrSet` of what is not kept",
  about: "One after another, in one process, each key new, a loader that answers at once.",
  servers: ["bare", "backplane", "cacheable", "bentocache"],
  run: ({ selected, ...context }) =>
    measureClients({ ...context, entries: selected.map((id) => cacheEntryOf(id, "miss")) }),
};
