import { clientEntryOf } from "../lib/client-catalogue.mjs";
import { measureClients } from "../lib/client-scenario.mjs";

const FEW = 32;
const MANY = 256;

function configurationsOf(id) {
  const at = (inFlight, more) =>
    clientEntryOf(id, { inFlight, suffix: `@${inFlight}`, note: `${inFlight} callers`, ...more });
  if (id === "bare") {
    return [clientEntryOf(id, { inFlight: FEW, note: `${FEW} callers` }), at(MANY)];
  }
  const pool = { label: "Backplane, `MCPConnectionPool`", file: "backplane-pool.mjs" };
  return [at(FEW, pool), at(MANY, pool)];
}

export const scenario = {
  id: "client-pool",
  title: "Client: a pool of 32 connections with 32 and 256 callers",
  about:
    "The same pool configuration; only the number of callers differs, and those beyond 32 wait for " +
    "a connection. undici opens a connection for each of its callers.",
  servers: ["bare", "backplane"],
  run: ({ selected, ...context }) =>
    measureClients({ ...context, entries: selected.flatMap(configurationsOf) }),
};
