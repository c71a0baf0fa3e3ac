import { redisEntryOf } from "../lib/cache-catalogue.mjs";
import { measureClients } from "../lib/client-scenario.mjs";

export const scenario = {
  id: "cache-redis-1",
  title: "Cache over Redis: a hit, 1 in flight",
  about:
    "`get` of what is kept in a Redis on the other core, beside a GET of as many bytes and `JSON.parse`.",
  servers: ["bare", "backplane"],
  run: ({ selected, ...context }) =>
    measureClients({ ...context, entries: selected.map((id) => redisEntryOf(id, 1)) }),
};
