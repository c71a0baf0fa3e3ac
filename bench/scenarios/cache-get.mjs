import { cacheEntryOf } from "../lib/cache-catalogue.mjs";
import { measureClients } from "../lib/client-scenario.mjs";

export const scenario = {
  id: "cache-get",
  title: "Cache: `getOrSet` of what is kept",
  about:
    "One after another, in one process, 4,096 keys. Every cache gives a copy but cacheable, which gives the kept object " +
    "itself. The tier has Redis behind it and asks it nothing.",
  servers: ["bare", "backplane", "cacheable", "bentocache"],
  run: ({ selected, ...context }) =>
    measureClients({ ...context, entries: selected.flatMap(entriesOf) }),
};

function entriesOf(id) {
  if (id !== "backplane") return [cacheEntryOf(id, "hit")];
  const label = "Backplane, `MCPCache` in tiers";
  const tiered = cacheEntryOf(id, "hit", { suffix: "-tiered", label, env: { BACKEND: "tiered" } });
  return [cacheEntryOf(id, "hit"), tiered];
}
