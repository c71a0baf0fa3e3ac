import {
  checkMembers,
  isLoopbackHost,
  type Logger,
  type MessageTransport,
  type Principal,
  writesToStdout,
} from "@backplane/protocol";

/** Serve HTTP. */
export interface StartHttpOptions {
  readonly transport?: "http";
  /** 0 for any free port. Default 8080. */
  readonly port?: number;
  /** Default `127.0.0.1`. Anything beyond loopback needs the server's option `allowedHosts`. */
  readonly host?: string;
  /** How long `stop` keeps the listener open while `/ready` says 503. Default 0. */
  readonly drainDelayMs?: number;
  /** How long `stop` waits for running work before it aborts it. Default 10,000. */
  readonly drainTimeoutMs?: number;
  /** Default 65,000: above the 60 s of common proxies, so that the proxy closes first. */
  readonly keepAliveTimeoutMs?: number;
  /** Time a client has for its headers; 0 for any. Default 10,000, or `requestTimeoutMs` if that is shorter. */
  readonly headersTimeoutMs?: number;
  /** Time a client has for its whole request; 0 for any. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Stops the server on SIGTERM and SIGINT. Never exits the process. Default false. */
  readonly signals?: boolean;
}

/** Serve one client over stdin and stdout. */
export interface StartStdioOptions {
  readonly transport: "stdio";
  /**
   * What a client would send over HTTP to say who it is, taken from the environment, such as
   * `{ authorization: `Bearer ${process.env.MCP_TOKEN}` }`. Needed with the server's option `auth`, which
   * checks it once, and refuses every request after its end.
   */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly drainTimeoutMs?: number;
  readonly signals?: boolean;
}

/** What `start` takes. */
export type StartOptions = StartHttpOptions | StartStdioOptions;

/** What `connect` takes beside a transport. */
export interface ConnectOptions {
  readonly kind?: "stdio" | "in-memory";
  /** Who is at the other end: a transport without headers has no other way to say so. */
  readonly principal?: Principal;
}

/** A client that is served over a transport of its own. */
export interface ServerConnection {
  readonly transport: MessageTransport;
  /** Resolves when the client is gone or `close` was called. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** The HTTP options with every default filled in. */
export type ResolvedStartHttp = Required<Omit<StartHttpOptions, "transport">>;

const HTTP_DEFAULTS: ResolvedStartHttp = {
  port: 8080,
  host: "127.0.0.1",
  drainDelayMs: 0,
  drainTimeoutMs: 10_000,
  keepAliveTimeoutMs: 65_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  signals: false,
};
const STDIO_MEMBERS: readonly string[] = ["drainTimeoutMs", "signals", "headers"];

/**
 * Fills defaults and rejects nonsense.
 * @throws {TypeError} for an unknown or illegal option, or a host beyond loopback without `allowedHosts`.
 */
export function resolveStartHttp(
  options: StartHttpOptions,
  allowedHosts: readonly string[] | undefined,
): ResolvedStartHttp {
  const { transport, ...given } = options;
  if (transport !== undefined && transport !== "http") {
    throw new TypeError('start: option "transport" must be "http" or "stdio"');
  }
  checkMembers("start", options, ["transport", ...Object.keys(HTTP_DEFAULTS)]);
  for (const [option, value] of Object.entries(given)) {
    checkKind(option, value, HTTP_DEFAULTS[option as keyof ResolvedStartHttp]);
  }
  const resolved = { ...HTTP_DEFAULTS, ...shorterHeadersTimeout(given), ...given };
  const { headersTimeoutMs, requestTimeoutMs } = resolved;
  if (requestTimeoutMs > 0 && headersTimeoutMs > requestTimeoutMs) {
    throw new TypeError(
      `start: option "headersTimeoutMs" (${headersTimeoutMs}) must not be longer than "requestTimeoutMs" (${requestTimeoutMs}), which the headers are part of`,
    );
  }
  if (!isLoopbackHost(resolved.host) && allowedHosts === undefined) {
    throw new TypeError(
      `start: binding "${resolved.host}" makes the server reachable from outside; list the host names it is called by in the option "allowedHosts" of MCPServer`,
    );
  }
  return resolved;
}

/** The default gives way to a shorter limit of the whole request. */
function shorterHeadersTimeout({ requestTimeoutMs = 0 }: StartHttpOptions): StartHttpOptions {
  const shorter = requestTimeoutMs > 0 && requestTimeoutMs < HTTP_DEFAULTS.headersTimeoutMs;
  return shorter ? { headersTimeoutMs: requestTimeoutMs } : {};
}

/** @throws {TypeError} for an illegal option, for one that stdio does not have, and for a logger on stdout. */
export function checkStartStdio(options: StartStdioOptions, logger: Logger): void {
  if (writesToStdout(logger)) {
    throw new TypeError(
      'start: the option "logger" of MCPServer writes to stdout, which over stdio carries the protocol alone; send it to stderr, as pino(pino.destination(2)) does',
    );
  }
  const { transport, ...given } = options;
  for (const [option, value] of Object.entries(given)) {
    if (!STDIO_MEMBERS.includes(option)) {
      throw new TypeError(`start: option "${option}" does not exist with transport "${transport}"`);
    }
    const example = option === "headers" ? {} : HTTP_DEFAULTS[option as keyof ResolvedStartHttp];
    checkKind(option, value, example);
  }
}

function checkKind(option: string, value: unknown, example: unknown): void {
  const legal =
    typeof example === "number"
      ? Number.isSafeInteger(value) && (value as number) >= 0
      : typeof value === typeof example;
  if (!legal) {
    throw new TypeError(
      `start: option "${option}" must be a ${typeof example === "number" ? "whole number of 0 or more" : typeof example}, not ${String(value)}`,
    );
  }
}
