import { clientEntryOf } from "../lib/client-catalogue.mjs";
import { measureClients } from "../lib/client-scenario.mjs";

export const scenario = {
  id: "client-call",
  title: "Client: `tools/call` to a fixed responder",
  about:
    "The client is the process under test, with 32 calls in flight; `servers/fixed.mjs` answers on " +
    "the other core. The bare client is a pool of undici that sends the same bodies. SDK v1 does " +
    "not know 2026-07-28, so that its requests are smaller.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1"],
  run: ({ selected, ...context }) =>
    measureClients({ ...context, entries: selected.map((id) => clientEntryOf(id)) }),
};
