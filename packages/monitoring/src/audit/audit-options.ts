import { checkMembers, checkMethods, type Logger, Secret, wholeNumber } from "@backplane/protocol";
import type { AuditHead } from "./audit-record.ts";
import type { AuditSink } from "./audit-sink.ts";

/** What an audit needs of its server; an `MCPServer` is one. */
export interface AuditedServer {
  readonly serverId: string;
  onStop?(name: string, close: () => Promise<void>): unknown;
}

/** What `new AuditLog` takes. */
export interface AuditOptions {
  /** Whose requests are recorded. It closes the audit when it stops. */
  readonly server: AuditedServer;
  /** Where the lines go: `auditFile` of `@backplane/monitoring/node`, `auditStream`, a sink or function of your own. */
  readonly sink: AuditSink | AuditSink["write"];
  /**
   * Makes each hash an HMAC, so that only who has the key can write a chain that verifies. At least 32 bytes;
   * a string counts as UTF-8. Default none: then the chain shows accidents, and tampering only below a head
   * that is kept elsewhere.
   */
  readonly key?: Uint8Array | string | Secret;
  /** Is given the end of the chain now and then, and at the close, to be kept elsewhere. */
  readonly onHead?: (head: AuditHead) => void | Promise<void>;
  /** Longest time between two heads while there are new records, in milliseconds. Default 60,000. */
  readonly headEveryMs?: number;
  /** Most records that wait to be written. When there are as many, new ones are lost, and counted. Default 10,000. */
  readonly maxBuffered?: number;
  /** Longest time that a record waits before it is written, in milliseconds. Default 100. */
  readonly flushMs?: number;
  /**
   * Routes beside MCP whose requests are not recorded, as they were registered. Default `/health` and `/ready`,
   * which an orchestrator asks every few seconds. Of other routes a record says who was answered what, or what
   * refused them; what a public route answers to a GET or HEAD is no decision, and never recorded.
   */
  readonly skipRoutes?: readonly string[];
  /** Told once when records cannot be written, and once when they can again. Default: nobody. */
  readonly logger?: Logger;
}

/** The options with every default filled in. */
export interface ResolvedAudit {
  readonly server: AuditedServer;
  readonly sink: AuditSink;
  readonly key: Uint8Array | undefined;
  readonly onHead: AuditOptions["onHead"];
  readonly headEveryMs: number;
  readonly maxBuffered: number;
  readonly flushMs: number;
  readonly skipRoutes: ReadonlySet<string>;
  readonly logger: Logger | undefined;
}

const SUBJECT = "AuditLog";
const MIN_KEY_BYTES = 32;
const PROBES: readonly string[] = ["/health", "/ready"];
const MEMBERS: readonly string[] = [
  "server",
  "sink",
  "key",
  "onHead",
  "headEveryMs",
  "maxBuffered",
  "flushMs",
  "skipRoutes",
  "logger",
] satisfies (keyof AuditOptions)[];

/** @throws {TypeError} that names the option and what it takes. */
export function resolveAudit(options: AuditOptions): ResolvedAudit {
  checkMembers(SUBJECT, options, MEMBERS);
  const { server, sink, key, onHead, skipRoutes = PROBES, logger } = options;
  if (typeof (server as AuditedServer | undefined)?.serverId !== "string") {
    throw new TypeError('AuditLog: option "server" must be a server');
  }
  const resolved = typeof sink === "function" ? { write: sink } : sink;
  checkMethods(SUBJECT, "sink", resolved ?? null, ["write"]);
  if (onHead !== undefined && typeof onHead !== "function") {
    throw new TypeError('AuditLog: option "onHead" must be a function');
  }
  if (!Array.isArray(skipRoutes) || !skipRoutes.every((path) => typeof path === "string")) {
    throw new TypeError(
      'AuditLog: option "skipRoutes" must be a list of paths, such as ["/health"]',
    );
  }
  checkMethods(SUBJECT, "logger", logger, ["warn", "info"]);
  return {
    server,
    sink: resolved,
    key: key === undefined ? undefined : keyBytes(SUBJECT, key),
    onHead,
    headEveryMs: wholeNumber(SUBJECT, "headEveryMs", options.headEveryMs ?? 60_000),
    maxBuffered: wholeNumber(SUBJECT, "maxBuffered", options.maxBuffered ?? 10_000),
    flushMs: wholeNumber(SUBJECT, "flushMs", options.flushMs ?? 100),
    skipRoutes: new Set(skipRoutes),
    logger,
  };
}

/** @throws {TypeError} for what is no key, or too short to resist guessing (RFC 2104, 3). */
export function keyBytes(subject: string, key: Uint8Array | string | Secret): Uint8Array {
  const value = key instanceof Secret ? key.reveal() : key;
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length < MIN_KEY_BYTES) {
    throw new TypeError(`${subject}: option "key" must have at least ${MIN_KEY_BYTES} bytes`);
  }
  return bytes;
}
