import { pairEntryOf } from "../lib/client-catalogue.mjs";
import { measureClients } from "../lib/client-scenario.mjs";

/** The server that belongs to each client: of SDK v1 the one with sessions, which is the faster. */
const serverOf = {
  bare: "bare",
  backplane: "backplane",
  "sdk-v2": "sdk-v2",
  "sdk-v1": "sdk-v1-session",
};

export const scenario = {
  id: "client-end-to-end",
  title: "Client to server of the same library",
  about:
    "32 calls in flight, the client on one core and its own library's server on the other. The " +
    "tool answers with its argument.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1"],
  run: ({ selected, ...context }) =>
    measureClients({ ...context, entries: selected.map((id) => pairEntryOf(id, serverOf[id])) }),
};
