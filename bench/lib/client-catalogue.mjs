// Which clients take part, and what each one talks to.
import { existsSync } from "node:fs";
import { servers } from "./catalogue.mjs";

const clientEntry = new URL("../../packages/client/dist/index.js", import.meta.url);

export const backplaneClientIsBuilt = existsSync(clientEntry);

/** By the same ids as the servers, so that `--servers` chooses among both. */
const clients = {
  bare: { label: "bare undici", file: "bare.mjs", protocol: "modern" },
  backplane: { label: "Backplane, `MCPClient`", file: "backplane.mjs", protocol: "modern" },
  "sdk-v2": { label: "SDK v2 client", file: "sdk-v2.mjs", protocol: "modern" },
  "sdk-v1": { label: "SDK v1 client", file: "sdk-v1.mjs", protocol: "stateless" },
};

/** Names and versions of these are recorded with the results. */
export const clientPackages = ["@modelcontextprotocol/client", "undici"];

/** Calls of a client that are in flight at a time, unless a scenario is about that number. */
export const IN_FLIGHT = 32;

const fixed = { file: "fixed.mjs", answersFixed: true };

/** One measured client, which talks to the fixed responder. */
export function clientEntryOf(id, { inFlight = IN_FLIGHT, suffix = "", ...more } = {}) {
  const client = clients[id];
  return { id: `${id}${suffix}`, server: id, inFlight, peer: fixed, ...client, ...more };
}

/** One client together with a server of the same library. */
export function pairEntryOf(id, serverId) {
  const { file, env, label, plain = "session" } = servers[serverId];
  const { label: clientLabel } = clients[id];
  return clientEntryOf(id, {
    label: `${clientLabel} to ${label}`,
    protocol: plain,
    peer: { file, env: { ...env, TOOLS: "1", TOOL: "echo" } },
  });
}
