import {
  type ClientAuth,
  type Clock,
  checkBoolean,
  checkMembers,
  checkMethods,
  filledNumbers,
  type Implementation,
  isRevision,
  type Logger,
  silentLogger,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import { type EraCache, processEraCache } from "./era-cache.ts";
import { checkInputHandlers } from "./input/check-handlers.ts";
import type { InputHandlers } from "./input-handlers.ts";
import { unfailing } from "./internal/guarded.ts";
import type { ClientBehaviour, ClientLimits, ClientTarget, MCPClientOptions } from "./options.ts";
import type { ListLimits } from "./pagination.ts";
import { type ResubscribeOptions, resolveResubscribe } from "./subscriptions/resubscribe.ts";

const DEFAULT_LIMITS: ClientLimits = {
  maxResponseBytes: 16 * 1024 * 1024,
  maxJsonDepth: 64,
  maxStreamEvents: 100_000,
  maxPages: 1_000,
  maxItems: 100_000,
  maxInputRounds: 16,
  maxInputRequests: 64,
  maxRequestStateLength: 65_536,
};

const DEFAULT_INFO: Implementation = { name: "backplane-client", version: "0.1.0" };

const TARGETS: readonly (keyof ClientTarget)[] = ["url", "stdio", "transport"];

const BEHAVIOUR: readonly string[] = [
  "info",
  "protocol",
  "auth",
  "headers",
  "handlers",
  "timeoutMs",
  "maxTotalTimeoutMs",
  "connectTimeoutMs",
  "maxRetries",
  "retry",
  "resubscribe",
  "circuitBreaker",
  "bulkhead",
  "trustAnnotations",
  "cache",
  "eraCache",
  "limits",
  "onLog",
  "logger",
  "clock",
] satisfies (keyof ClientBehaviour)[];

/** RFC 9110, section 5.6.2 and 5.5; what comes from elsewhere could otherwise smuggle a second header. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that the protocol or HTTP itself sets. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "connection",
  "content-length",
  "content-type",
  "host",
  "last-event-id",
  "mcp-method",
  "mcp-name",
  "mcp-protocol-version",
  "mcp-session-id",
  "transfer-encoding",
]);

/** {@link ClientBehaviour} with everything filled in that does not belong to a part of its own. */
export interface ResolvedBehaviour {
  readonly info: Implementation;
  readonly protocol: NonNullable<ClientBehaviour["protocol"]>;
  readonly auth: ClientAuth | undefined;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly handlers: InputHandlers;
  readonly timeoutMs: number;
  readonly maxTotalTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly trustAnnotations: boolean;
  readonly resubscribe: ResubscribeOptions;
  readonly eraCache: EraCache;
  readonly limits: ClientLimits;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Fills defaults and rejects nonsense.
 * @param subject the class whose options they are.
 * @param further names of the options that the class has beside {@link ClientBehaviour}.
 * @throws {TypeError} that names the option and what it takes.
 */
export function resolveBehaviour(
  subject: string,
  options: ClientBehaviour,
  further: readonly string[],
): ResolvedBehaviour {
  checkMembers(subject, options, [...further, ...BEHAVIOUR]);
  const { protocol = "auto", trustAnnotations = true, handlers = {} } = options;
  if (protocol !== "auto" && !isRevision(protocol)) {
    throw new TypeError(
      `${subject}: option "protocol" must be "auto" or a protocol revision, not ${JSON.stringify(protocol)}`,
    );
  }
  checkBoolean(subject, "trustAnnotations", trustAnnotations);
  checkInputHandlers(subject, handlers);
  checkMethods(subject, "logger", options.logger, ["debug", "info", "warn", "error"]);
  checkMethods(subject, "clock", options.clock, ["now", "after"]);
  checkMethods(subject, "eraCache", options.eraCache, ["get", "set", "delete"]);
  if (options.cache !== false)
    checkMethods(subject, "cache", options.cache, ["get", "set", "mark", "changed"]);
  return {
    info: options.info ?? DEFAULT_INFO,
    protocol,
    auth: resolveAuth(subject, options.auth),
    headers: checkedHeaders(subject, options.headers ?? {}),
    handlers,
    timeoutMs: milliseconds(subject, "timeoutMs", options.timeoutMs, 30_000),
    maxTotalTimeoutMs: milliseconds(
      subject,
      "maxTotalTimeoutMs",
      options.maxTotalTimeoutMs,
      300_000,
    ),
    connectTimeoutMs: milliseconds(subject, "connectTimeoutMs", options.connectTimeoutMs, 30_000),
    trustAnnotations,
    resubscribe: resolveResubscribe(subject, options.resubscribe),
    eraCache: options.eraCache ?? processEraCache,
    limits: filledNumbers(subject, "limits", DEFAULT_LIMITS, options.limits),
    logger: options.logger === undefined ? silentLogger : unfailing(options.logger),
    clock: options.clock ?? systemClock,
  };
}

/** The bounds of lists, as the options say. */
export function listLimitsOf({ limits, maxTotalTimeoutMs }: ResolvedBehaviour): ListLimits {
  return { maxPages: limits.maxPages, maxItems: limits.maxItems, maxTotalTimeoutMs };
}

/** @throws {TypeError} unless exactly one target is given. */
export function resolveTarget(subject: string, options: MCPClientOptions): ClientTarget {
  const given = TARGETS.filter((target) => options[target] !== undefined);
  if (given.length !== 1) {
    throw new TypeError(
      `${subject}: exactly one of the options "url", "stdio" and "transport" is needed; given: ${given.join(", ") || "none"}`,
    );
  }
  if (options.url !== undefined) return { url: resolveUrl(subject, options.url) };
  if (options.auth !== undefined || options.headers !== undefined) {
    throw new TypeError(
      `${subject}: options "auth" and "headers" are for HTTP; a local server takes credentials from its environment (spec: basic/authorization)`,
    );
  }
  return options;
}

/** @throws {TypeError} for what is no http(s) URL, or carries credentials. */
export function resolveUrl(subject: string, given: string | URL): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch (cause) {
    throw new TypeError(
      `${subject}: option "url" is no absolute URL: ${JSON.stringify(String(given))}`,
      {
        cause,
      },
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(
      `${subject}: option "url" must be http or https, not "${url.protocol}"; for a local process use "stdio"`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(
      `${subject}: option "url" must not carry credentials: they end up in logs; use "auth" or "headers"`,
    );
  }
  return url;
}

/**
 * Headers as the transports take them.
 * @throws {TypeError} for what is no header, and for one that the protocol sets itself.
 */
export function flatHeaders(
  subject: string,
  headers: Readonly<Record<string, string>>,
): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name) || typeof value !== "string" || !HEADER_VALUE.test(value)) {
      // The value may be a secret: only the name is shown.
      throw new TypeError(
        `${subject}: option "headers": ${JSON.stringify(name)} is no valid header`,
      );
    }
    if (OWN_HEADERS.has(lower) || lower.startsWith("mcp-param-")) {
      throw new TypeError(`${subject}: option "headers": "${name}" is set by the protocol`);
    }
    return [lower, value];
  });
}

function checkedHeaders(
  subject: string,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  flatHeaders(subject, headers);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function resolveAuth(
  subject: string,
  auth: string | ClientAuth | undefined,
): ClientAuth | undefined {
  if (typeof auth !== "string") {
    checkMethods(subject, "auth", auth, ["headers", "onChallenge"]);
    return auth;
  }
  if (!/^[\x21-\x7e]+$/.test(auth)) {
    throw new TypeError(
      `${subject}: option "auth" is no bearer token: it must be visible ASCII without spaces and without "Bearer"`,
    );
  }
  const headers = Promise.resolve({ authorization: `Bearer ${auth}` });
  return { headers: () => headers, onChallenge: async () => "fail" };
}

/** `Infinity` is no limit. */
function milliseconds(
  subject: string,
  option: string,
  value: number | undefined,
  fallback: number,
): number {
  if (value === undefined) return fallback;
  return value === Number.POSITIVE_INFINITY ? value : wholeNumber(subject, option, value);
}
