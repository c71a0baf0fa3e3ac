import { clientEntryOf } from "../lib/client-catalogue.mjs";
import { measureClients } from "../lib/client-scenario.mjs";

const entries = {
  bare: { file: "memory-dispatch.mjs", label: "direct dispatch" },
  backplane: { file: "test-client.mjs", label: "Backplane, `MCPTestClient`" },
};

export const scenario = {
  id: "test-client",
  title: "Test client: `tools/call` in memory",
  about:
    "One call after another, as tests make them, with server and client in the process under test; the " +
    "responder on the other core has nothing to do. The direct dispatch hands the request to the server as text and parses " +
    "the answer, and that is all; the test client is a whole client that records the traffic.",
  servers: ["bare", "backplane"],
  run: ({ selected, ...context }) =>
    measureClients({
      ...context,
      entries: selected.map((id) =>
        clientEntryOf(id, { inFlight: 1, peer: { file: "fixed.mjs" }, ...entries[id] }),
      ),
    }),
};
