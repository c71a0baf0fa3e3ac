import {
  checkBoolean,
  checkMembers,
  type ObservedClient,
  type ObservedServer,
  wholeNumber,
} from "@backplane/protocol";
import { apiIsMissing } from "../api-is-missing.ts";
import { ClientMetrics } from "./client-metrics.ts";
import type { OpenTelemetryOptions } from "./opentelemetry.ts";
import type { TableOptions } from "./operation-table.ts";
import { ServerMetrics } from "./server-metrics.ts";
import { type MCPStats, statsOf } from "./stats.ts";

/** What `new MCPMetrics` takes: a server, clients, or both. */
export interface MCPMetricsOptions {
  /** The server whose requests are counted: this one alone, however many there are in the process. */
  readonly server?: ObservedServer;
  /** Clients and pools whose requests are counted. Default none. */
  readonly clients?: readonly ObservedClient[];
  /** Histograms of durations, from which averages and percentiles come. Default true. */
  readonly collectRequestDuration?: boolean;
  /** Tells tools and prompts apart. Default true. */
  readonly collectToolExecutionStats?: boolean;
  /** Tells errors from what went well, and from each other. Default true. */
  readonly collectErrorRates?: boolean;
  /** Tools, and prompts, that are told apart; what comes after is counted as `_OTHER`. Default 2,000. */
  readonly maxTargets?: number;
  /**
   * Makes OpenTelemetry instruments of the same numbers, by the conventions for MCP: `true` with the meter
   * provider that is registered, or with one that is given. Default false, which loads no code of it.
   */
  readonly openTelemetry?: boolean | OpenTelemetryOptions;
}

const SUBJECT = "MCPMetrics";
const COLLECTED = [
  "collectRequestDuration",
  "collectToolExecutionStats",
  "collectErrorRates",
] as const satisfies (keyof MCPMetricsOptions)[];
const MEMBERS: readonly string[] = [
  "server",
  "clients",
  ...COLLECTED,
  "maxTargets",
  "openTelemetry",
] satisfies (keyof MCPMetricsOptions)[];

/**
 * Counts what a server, or clients, do: from the moment it is made, by what they tell on channels. Nothing of
 * a request is kept, and the number of time series is bounded.
 */
export class MCPMetrics {
  /** Resolves when OpenTelemetry hears too; at once without the option. Rejects when it cannot. */
  readonly ready: Promise<void>;
  readonly #since: string = new Date().toISOString();
  readonly #server: ServerMetrics | undefined;
  readonly #clients: ClientMetrics;
  #closeInstruments: (() => void) | undefined;
  #closed = false;

  /** @throws {TypeError} that names the option. */
  constructor(options: MCPMetricsOptions) {
    const table = resolve(options);
    const { server, clients = [], openTelemetry = false } = options;
    this.#server = server && new ServerMetrics(server, table);
    this.#clients = new ClientMetrics(clients, table);
    this.ready =
      openTelemetry === false
        ? Promise.resolve()
        : this.#instrument(openTelemetry === true ? {} : openTelemetry);
    // Whoever wants to know awaits it; nobody has to.
    this.ready.catch(() => {});
  }

  /** What was counted so far. */
  async getStats(): Promise<MCPStats> {
    return statsOf(this.#since, this.#server, this.#clients);
  }

  /** What is counted of the server, for exporters; undefined without one. */
  get serverMetrics(): ServerMetrics | undefined {
    return this.#server;
  }

  /** What is counted of the clients, for exporters. */
  get clientMetrics(): ClientMetrics {
    return this.#clients;
  }

  /** Stops counting. What was counted stays. */
  close(): void {
    this.#closed = true;
    this.#server?.close();
    this.#clients.close();
    this.#closeInstruments?.();
  }

  async #instrument(options: OpenTelemetryOptions): Promise<void> {
    const { createInstruments } = await import("./opentelemetry.ts").catch(apiIsMissing);
    if (this.#closed) return;
    this.#closeInstruments = createInstruments(options, this.#server, this.#clients);
  }
}

function resolve(options: MCPMetricsOptions): TableOptions {
  checkMembers(SUBJECT, options, MEMBERS);
  const { server, clients, maxTargets = 2_000, openTelemetry } = options;
  if (server === undefined && clients === undefined) {
    throw new TypeError(`${SUBJECT}: give the option "server", "clients", or both`);
  }
  if (server !== undefined && typeof server?.serverId !== "string") {
    throw new TypeError(`${SUBJECT}: option "server" must be a server, which has a serverId`);
  }
  if (clients !== undefined && !isListOfClients(clients)) {
    throw new TypeError(`${SUBJECT}: option "clients" must be a list of clients and pools`);
  }
  for (const option of COLLECTED) {
    checkBoolean(SUBJECT, option, options[option]);
  }
  if (openTelemetry !== undefined && typeof openTelemetry !== "boolean") {
    checkMembers(`${SUBJECT}: openTelemetry`, openTelemetry, ["meterProvider"]);
  }
  return {
    durations: options.collectRequestDuration ?? true,
    targets: options.collectToolExecutionStats ?? true,
    errors: options.collectErrorRates ?? true,
    maxTargets: wholeNumber(SUBJECT, "maxTargets", maxTargets),
  };
}

function isListOfClients(clients: unknown): boolean {
  return (
    Array.isArray(clients) &&
    clients.every((client) => typeof (client as Partial<ObservedClient>)?.clientId === "string")
  );
}
