import type { CallOptions, ClientBehaviour, RequestOptions } from "@backplane/client";
import {
  type Clock,
  checkMembers,
  checkMethods,
  type Era,
  isRevision,
  type JsonObject,
  type JsonSchema,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
  type Principal,
  type Revision,
  type StandardSchemaV1,
  systemClock,
} from "@backplane/protocol";
import type { ScriptedAnswers } from "./answers.ts";
import type { ChaosTransportOptions } from "./chaos-transport.ts";

/** What `new MCPTestClient` takes beside the server: everything that an `MCPClient` may be told, and more. */
export interface MCPTestClientOptions
  extends Omit<ClientBehaviour, "protocol" | "handlers" | "clock" | "eraCache"> {
  /** `http` is real HTTP on a free port of this machine. Default `memory`; for a URL, `http`. */
  readonly transport?: "memory" | "http";
  /**
   * What the client speaks: the newest revision of an era, one revision, or what it agrees on with the
   * server. Default `auto`.
   */
  readonly protocol?: "auto" | Era | Revision;
  /**
   * Who is calling, in memory; a string is an id without scopes and roles. Over HTTP the server
   * establishes that itself: give `auth` or `headers`.
   */
  readonly principal?: Principal | string;
  /** Answers to what the server asks. Default: nothing can be asked. */
  readonly answers?: ScriptedAnswers;
  /**
   * The clock of the client, and of a server whose function passes it on: what expires, waits between
   * attempts, delays of `chaos`. Deadlines of requests run on the machine's monotonic clock. Default: the
   * machine's.
   */
  readonly clock?: Clock;
  /** Faults of the connection, in memory. Default none. */
  readonly chaos?: Omit<ChaosTransportOptions, "clock">;
  /** How many messages `traffic` keeps, a whole number of 1 or more. Default 10,000. */
  readonly maxTraffic?: number;
}

/** What a call of a tool takes. */
export interface ToolCallOptions extends RequestOptions {
  /** Default none. */
  readonly arguments?: JsonObject;
}

/** What a call for a tool's value takes. */
export interface ToolValueOptions<Output extends StandardSchemaV1 | JsonSchema>
  extends CallOptions<Output> {
  /** Default none. */
  readonly arguments?: JsonObject;
}

const OWN = [
  "transport",
  "protocol",
  "principal",
  "answers",
  "clock",
  "chaos",
  "maxTraffic",
] as const satisfies readonly (keyof MCPTestClientOptions)[];

/** The client checks these itself, by their names. */
const OF_CLIENT = [
  "info",
  "auth",
  "headers",
  "timeoutMs",
  "maxTotalTimeoutMs",
  "connectTimeoutMs",
  "maxRetries",
  "retry",
  "circuitBreaker",
  "bulkhead",
  "trustAnnotations",
  "cache",
  "limits",
  "onLog",
  "logger",
] as const satisfies readonly (keyof MCPTestClientOptions)[];

/** The options with every default filled in. */
export interface ResolvedTestClientOptions {
  readonly transport: "memory" | "http";
  readonly protocol: "auto" | Revision;
  readonly principal: Principal | undefined;
  readonly answers: ScriptedAnswers;
  readonly clock: Clock;
  readonly chaos: Omit<ChaosTransportOptions, "clock"> | undefined;
  readonly maxTraffic: number;
  readonly behaviour: Omit<ClientBehaviour, "protocol" | "handlers" | "clock" | "eraCache">;
}

/**
 * Fills defaults and rejects nonsense.
 * @throws {TypeError} that names the option and what it takes.
 */
export function resolveTestClientOptions(
  options: MCPTestClientOptions,
  hasUrl: boolean,
): ResolvedTestClientOptions {
  checkMembers("MCPTestClient", options, [...OWN, ...OF_CLIENT]);
  const {
    transport = hasUrl ? "http" : "memory",
    protocol = "auto",
    principal,
    answers = {},
    clock = systemClock,
    chaos,
    maxTraffic = 10_000,
    ...behaviour
  } = options;
  if (transport !== "memory" && transport !== "http") fail("transport", '"memory" or "http"');
  if (hasUrl && transport === "memory") fail("transport", '"http" for the URL of a server');
  checkMethods("MCPTestClient", "clock", clock, ["now", "after"]);
  if (transport === "http" && principal !== undefined) {
    throw new TypeError(
      'MCPTestClient: option "principal" is for memory; over HTTP the server asks for credentials: use "auth" or "headers"',
    );
  }
  if (transport === "http" && chaos !== undefined) {
    throw new TypeError(
      'MCPTestClient: option "chaos" is for memory, where one connection carries every message',
    );
  }
  if (transport === "memory" && (behaviour.auth ?? behaviour.headers) !== undefined) {
    throw new TypeError(
      'MCPTestClient: options "auth" and "headers" are for HTTP; in memory say who is calling with "principal"',
    );
  }
  return {
    transport,
    protocol: revisionOf(protocol),
    principal: typeof principal === "string" ? { id: principal, scopes: [], roles: [] } : principal,
    answers,
    clock,
    chaos,
    maxTraffic,
    // A test wants to see the fault, and not what a client makes good of it.
    behaviour: { maxRetries: 0, circuitBreaker: false, ...behaviour },
  };
}

function revisionOf(protocol: "auto" | Era | Revision): "auto" | Revision {
  if (protocol === "modern") return LATEST_MODERN_REVISION;
  if (protocol === "legacy") return LATEST_LEGACY_REVISION;
  if (protocol !== "auto" && !isRevision(protocol)) {
    fail("protocol", '"auto", "modern", "legacy" or a protocol revision');
  }
  return protocol;
}

function fail(option: string, wanted: string): never {
  throw new TypeError(`MCPTestClient: option "${option}" must be ${wanted}`);
}
