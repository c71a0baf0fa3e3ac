import {
  CHANNELS,
  type ChannelEvents,
  type CircuitEvent,
  type ClientConnectionEvent,
  type ClientRequestEndEvent,
  type ObservedClient,
} from "@backplane/protocol";
import { BoundedDurations } from "./bounded-durations.ts";
import { OpenCounter } from "./counter.ts";
import type { Instruments } from "./instruments.ts";
import { OperationTable, type TableOptions } from "./operation-table.ts";

/** Everything that is counted of the clients and pools that were given. */
export class ClientMetrics {
  readonly clients: readonly ObservedClient[];
  readonly operations: OperationTable;
  readonly connections: OpenCounter = new OpenCounter();
  readonly connectionDurations: BoundedDurations = new BoundedDurations();
  /** By the id of the client; a circuit that never opened is not in it. */
  readonly circuits: Map<string, CircuitEvent> = new Map();
  instruments: Instruments | undefined = undefined;
  readonly #ids: ReadonlySet<string>;
  readonly #ends: readonly (() => void)[];

  constructor(clients: readonly ObservedClient[], options: TableOptions) {
    this.clients = clients;
    this.operations = new OperationTable(options);
    this.#ids = new Set(clients.map(({ clientId }) => clientId));
    this.#ends = [
      this.#on("clientRequestEnd", (event) => this.#request(event)),
      this.#on("clientConnection", (event) => this.#connection(event)),
      this.#on("circuit", (event) => void this.circuits.set(event.clientId, event)),
    ];
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  #on<Name extends "clientRequestEnd" | "clientConnection" | "circuit">(
    name: Name,
    listener: (event: ChannelEvents[Name]) => void,
  ): () => void {
    const hear = (message: unknown): void => {
      const event = message as ChannelEvents[Name];
      if (this.#ids.has(event.clientId)) listener(event);
    };
    CHANNELS[name].subscribe(hear);
    return () => void CHANNELS[name].unsubscribe(hear);
  }

  #request(event: ClientRequestEndEvent): void {
    const { method, target, server, outcome, errorCode, durationMs } = event;
    const went = outcome === "ok" || outcome === "input_required";
    const kind = method === "tools/call" ? "tool" : method === "prompts/get" ? "prompt" : undefined;
    const series = this.operations.record({
      method,
      kind,
      name: target,
      era: event.era,
      revision: event.revision,
      transport: server.startsWith("http") ? "http" : "stdio",
      server,
      errorType: went ? undefined : outcome === "error" ? String(errorCode ?? "error") : outcome,
      durationMs,
    });
    this.instruments?.operation(series, durationMs);
  }

  #connection({ delta, durationMs }: ClientConnectionEvent): void {
    if (delta === 1) {
      this.connections.begin();
      return;
    }
    this.connections.end(durationMs);
    if (durationMs === undefined) return;
    this.connectionDurations.record(durationMs);
    this.instruments?.session("client", durationMs);
  }
}
