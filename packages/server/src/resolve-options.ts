import {
  checkBoolean,
  checkMembers,
  checkMethods,
  createMemoryEventBus,
  createMemoryEventLog,
  createMemorySessionStore,
  createProcessKeyRing,
  DEFAULT_MESSAGE_LIMITS,
  filledNumbers,
  type Implementation,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import { checkCacheHint } from "./cache-hint.ts";
import { parseProxy, TrustedProxies } from "./http/trusted-proxies.ts";
import type {
  CacheableOperation,
  Deadlines,
  MCPServerOptions,
  ResolvedOptions,
  ServerLimits,
  SessionOptions,
} from "./options.ts";
import { createStderrLogger } from "./stderr-logger.ts";

const SUBJECT = "MCPServer";

const DEFAULT_LIMITS: ServerLimits = {
  ...DEFAULT_MESSAGE_LIMITS,
  maxInFlight: 2048,
  maxSessions: 10_000,
  maxStreams: 10_000,
  maxStreamsPerPrincipal: 100,
  maxSubscriptions: 1_000,
  maxSubscriptionsPerPrincipal: 10_000,
  maxQueuedBytes: 1024 * 1024,
  maxBatch: 50,
  maxHeaderBytes: 16 * 1024,
};
const DEFAULT_DEADLINES: Deadlines = { idleMs: 60_000, totalMs: 600_000, inputMs: 600_000 };
const DEFAULT_SESSIONS: SessionOptions = {
  ttlMs: 1_800_000,
  evictIdleMs: 60_000,
  resumeWindowMs: 60_000,
};
/** What each seam must be able to do, so that a wrong object fails here and not with the first request. */
const SEAM_METHODS = {
  auth: ["authenticate"],
  policy: ["decide"],
  sessionStore: ["create", "get", "touch", "patch", "setSubscription", "delete", "count", "close"],
  eventLog: ["append", "end", "read", "delete", "close"],
  eventBus: ["publish", "subscribe", "close"],
  keyRing: ["current", "find"],
  logger: ["debug", "info", "warn", "error"],
  clock: ["now", "after"],
} as const satisfies Partial<Record<keyof MCPServerOptions, readonly string[]>>;
const DECLARABLE: readonly string[] = ["tools", "prompts", "resources"];
const CACHEABLE: readonly string[] = [
  "server/discover",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
] satisfies CacheableOperation[];
/** A name or address as it stands in `Host`, without the port. */
const HOST_NAME = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i;
const KNOWN: readonly string[] = [
  "name",
  "version",
  "title",
  "description",
  "websiteUrl",
  "icons",
  "instructions",
  "auth",
  "policy",
  "path",
  "allowedHosts",
  "allowedOrigins",
  "trustProxy",
  "legacy",
  "legacySse",
  "declare",
  "pageSize",
  "cacheHints",
  "limits",
  "deadlines",
  "sessions",
  "requestStateTtlMs",
  "sessionStore",
  "eventLog",
  "eventBus",
  "keyRing",
  "logger",
  "clock",
] satisfies (keyof MCPServerOptions)[];

/**
 * Fills defaults and rejects nonsense.
 * @throws {TypeError} that names the option and what it takes.
 */
export function resolveOptions(options: MCPServerOptions): ResolvedOptions {
  checkMembers(SUBJECT, options, KNOWN);
  for (const option of ["name", "version"] as const) {
    if (typeof options[option] !== "string" || options[option] === "") {
      throw new TypeError(`MCPServer: option "${option}" must be a non-empty string`);
    }
  }
  if (options.instructions !== undefined && typeof options.instructions !== "string") {
    throw new TypeError('MCPServer: option "instructions" must be a string');
  }
  checkSeams(options);
  const path = options.path ?? "/mcp";
  if (!/^\/[^?#\s]*$/.test(path)) {
    throw new TypeError(
      `MCPServer: option "path" must begin with "/" and hold no query: "${path}"`,
    );
  }
  const legacy = options.legacy ?? "sessions";
  if (legacy !== "sessions" && legacy !== "stateless" && legacy !== false) {
    throw new TypeError('MCPServer: option "legacy" must be "sessions", "stateless" or false');
  }
  const legacySse = options.legacySse ?? false;
  checkBoolean("MCPServer", "legacySse", legacySse);
  if (legacySse && legacy !== "sessions") {
    throw new TypeError('MCPServer: option "legacySse" needs legacy: "sessions"');
  }
  const limits = filledNumbers(SUBJECT, "limits", DEFAULT_LIMITS, options.limits);
  if (options.sessionStore !== undefined && options.limits?.maxSessions !== undefined) {
    throw new TypeError(
      'MCPServer: option "limits.maxSessions" is for the in-memory store and would do nothing beside the option "sessionStore"; give the bound to that store, as createMemorySessionStore({ maxSessions }) takes it',
    );
  }
  const clock = options.clock ?? systemClock;
  for (const host of options.allowedHosts ?? []) checkHost(host);
  for (const origin of options.allowedOrigins ?? []) checkOrigin(origin);
  for (const capability of options.declare ?? []) {
    if (!DECLARABLE.includes(capability)) {
      throw new TypeError(
        `MCPServer: option "declare" holds "${capability}"; it takes ${DECLARABLE.join(", ")}`,
      );
    }
  }
  const ownSeams = new Map<string, { close(): Promise<void> }>();
  const own = <Seam extends { close(): Promise<void> }>(option: string, seam: Seam): Seam => {
    ownSeams.set(option, seam);
    return seam;
  };
  return {
    serverInfo: serverInfoOf(options),
    instructions: options.instructions,
    auth: options.auth,
    policy: options.policy,
    path,
    allowedHosts: options.allowedHosts?.map((host) => host.toLowerCase()),
    allowedOrigins: options.allowedOrigins ?? [],
    trustProxy: options.trustProxy && readProxies(options.trustProxy),
    legacy,
    legacySse,
    declare: new Set(options.declare),
    pageSize: wholeNumber(SUBJECT, "pageSize", options.pageSize ?? 1_000),
    cacheHints: checkHints(options.cacheHints ?? {}),
    limits,
    deadlines: filledNumbers(SUBJECT, "deadlines", DEFAULT_DEADLINES, options.deadlines),
    sessions: filledNumbers(SUBJECT, "sessions", DEFAULT_SESSIONS, options.sessions),
    requestStateTtlMs: wholeNumber(
      SUBJECT,
      "requestStateTtlMs",
      options.requestStateTtlMs ?? 600_000,
    ),
    sessionStore:
      options.sessionStore ??
      own("sessionStore", createMemorySessionStore({ maxSessions: limits.maxSessions, clock })),
    eventLog: options.eventLog ?? own("eventLog", createMemoryEventLog({ clock })),
    eventBus: options.eventBus ?? own("eventBus", createMemoryEventBus()),
    keyRing: options.keyRing ?? createProcessKeyRing(),
    processKeyRing: options.keyRing === undefined,
    logger: options.logger ?? createStderrLogger(),
    clock,
    ownSeams,
  };
}

/** @throws {TypeError} for what is no address, and for everybody, whose word would be worth nothing. */
function readProxies(proxies: readonly string[]): ResolvedOptions["trustProxy"] {
  if (!Array.isArray(proxies) || proxies.length === 0) {
    throw new TypeError(
      'MCPServer: option "trustProxy" must list addresses or CIDR blocks, such as ["10.0.0.0/8"], or "loopback"; leave it out to believe nobody',
    );
  }
  const ranges = proxies.flatMap((proxy) => {
    const read = typeof proxy === "string" ? parseProxy(proxy) : undefined;
    if (read !== undefined) return read;
    throw new TypeError(
      `MCPServer: option "trustProxy" holds ${JSON.stringify(proxy)}; it takes addresses, CIDR blocks of a part of the addresses, and "loopback"`,
    );
  });
  return new TrustedProxies(ranges);
}

function serverInfoOf(options: MCPServerOptions): Implementation {
  const { name, version, title, description, websiteUrl, icons } = options;
  return {
    name,
    version,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(websiteUrl !== undefined && { websiteUrl }),
    ...(icons !== undefined && { icons }),
  };
}

function checkSeams(options: MCPServerOptions): void {
  for (const [option, methods] of Object.entries(SEAM_METHODS)) {
    checkMethods(SUBJECT, option, options[option as keyof typeof SEAM_METHODS], methods);
  }
}

/** A name that no `Host` header can equal would refuse every request without saying why. */
function checkHost(host: string): void {
  if (typeof host !== "string" || !HOST_NAME.test(host)) {
    throw new TypeError(
      `MCPServer: option "allowedHosts" holds "${host}"; a host is a name or address without scheme and port, such as "mcp.example" or "[::1]"`,
    );
  }
}

function checkOrigin(origin: string): void {
  if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
    throw new TypeError(
      `MCPServer: option "allowedOrigins" holds "${origin}"; an origin is scheme, host and port, such as "https://app.example"`,
    );
  }
}

function checkHints(hints: NonNullable<MCPServerOptions["cacheHints"]>): typeof hints {
  for (const [operation, hint] of Object.entries(hints)) {
    if (!CACHEABLE.includes(operation)) {
      throw new TypeError(
        `MCPServer: option "cacheHints" holds "${operation}"; it takes ${CACHEABLE.join(", ")}`,
      );
    }
    checkCacheHint(`MCPServer: option "cacheHints" for ${operation}`, hint ?? {});
  }
  return hints;
}
