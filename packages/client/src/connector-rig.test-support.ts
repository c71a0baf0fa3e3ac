import { systemClock } from "@backplane/protocol";
import type { ConnectorParts } from "./connector.ts";
import { createEraCache, type EraCache } from "./era-cache.ts";
import { type RecordedLog, recordLog } from "./recorders.test-support.ts";
import type { ClientTransport } from "./transport.ts";

export const MODERN = "2026-07-28";
export const LEGACY = "2025-11-25";
export const info: ConnectorParts["info"] = { name: "test", version: "1.0.0" };

export interface ConnectorRig {
  readonly parts: ConnectorParts;
  /** The transports that were asked for so far. */
  readonly made: ClientTransport[];
  readonly log: RecordedLog;
  readonly cache: EraCache;
}

const opened: ClientTransport[] = [];

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
}

export function connectorRig(
  carrier: ConnectorParts["carrier"],
  make: (carrier: string, log: RecordedLog) => ClientTransport,
  more: Partial<ConnectorParts> = {},
): ConnectorRig {
  const log = recordLog();
  const made: ClientTransport[] = [];
  const cache = createEraCache();
  const parts: ConnectorParts = {
    info,
    capabilities: { elicitation: { form: {} } },
    protocol: "auto",
    carrier,
    makeTransport(over) {
      const transport = make(over, log);
      made.push(transport);
      opened.push(transport);
      return transport;
    },
    eraCache: cache,
    eraKey: "server",
    connectTimeoutMs: 10_000,
    signal: undefined,
    clock: systemClock,
    logger: log,
    ...more,
  };
  return { parts, made, log, cache };
}
