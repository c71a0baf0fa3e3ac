import {
  type Clock,
  checkMethods,
  compileUrlPolicy,
  isLoopbackHost,
  type Logger,
  redactText,
  type SafeUrlPolicy,
  silentLogger,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import { algorithmOf, type DpopOptions } from "./dpop-options.ts";
import { createMemoryTokenStore } from "./memory-token-store.ts";
import { createMemoryRefreshLock, type RefreshLock } from "./refresh-lock.ts";
import type { TokenStore } from "./token-store.ts";

/** What every source of OAuth tokens takes. */
export interface TokenSourceOptions {
  /** Scopes to ask for from the start, separated by blanks, beside those that the server asks for. */
  readonly scope?: string;
  /** Where registrations and tokens are kept. Default: this process's memory. */
  readonly store?: TokenStore;
  /** Whose tokens these are, where one store serves several users. Default "". */
  readonly account?: string;
  /** Keeps replicas that share a store from refreshing at once. Default: within this process. */
  readonly lock?: RefreshLock;
  /** Binds tokens to a key of this client (RFC 9449); unbound ones are refused then. Default false. */
  readonly dpop?: boolean | DpopOptions;
  /**
   * Where the metadata of servers may lead. Default: https to the public internet, the MCP server's own
   * origin, and this machine when the MCP server is on it.
   */
  readonly urlPolicy?: SafeUrlPolicy;
  /**
   * Sends the requests of the flows, for a proxy or another runtime. It must not follow redirects. Default:
   * on Node a client that checks the addresses that names resolve to, which a `fetch` of your own does not.
   */
  readonly fetch?: typeof globalThis.fetch;
  /** For each request of a flow, in milliseconds. Default 10,000. */
  readonly requestTimeoutMs?: number;
  /** How long before its end a token is renewed, in milliseconds, half its life at most. Default 30,000. */
  readonly refreshSkewMs?: number;
  /** Learns which stage refused, never what was refused. Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** {@link TokenSourceOptions}, complete. */
export interface ResolvedTokenSourceOptions {
  readonly scope: string | undefined;
  readonly store: TokenStore;
  readonly account: string;
  readonly lock: RefreshLock;
  readonly dpop: DpopOptions | undefined;
  readonly urlPolicy: SafeUrlPolicy;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly requestTimeoutMs: number;
  readonly refreshSkewMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

export const COMMON_OPTIONS: readonly (keyof TokenSourceOptions)[] = [
  "scope",
  "store",
  "account",
  "lock",
  "dpop",
  "urlPolicy",
  "fetch",
  "requestTimeoutMs",
  "refreshSkewMs",
  "logger",
  "clock",
];

/** One lock for a store: whoever shares the one shares the other. */
const locks = new WeakMap<TokenStore, RefreshLock>();

/** @throws {TypeError} that names the option. */
export function resolveCommonOptions(
  subject: string,
  options: TokenSourceOptions,
): ResolvedTokenSourceOptions {
  checkMethods(subject, "store", options.store, ["get", "set", "delete"]);
  checkMethods(subject, "lock", options.lock, ["acquire"]);
  checkMethods(subject, "logger", options.logger, ["debug", "info", "warn", "error"]);
  checkMethods(subject, "clock", options.clock, ["now", "after"]);
  compileUrlPolicy(options.urlPolicy);
  const { scope, clock = systemClock, store = createMemoryTokenStore() } = options;
  if (
    scope !== undefined &&
    !/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(scope)
  ) {
    throw new TypeError(
      `${subject}: option "scope" must be scopes separated by single blanks (RFC 6749, 3.3), not ${JSON.stringify(scope)}`,
    );
  }
  return {
    scope,
    store,
    account: options.account ?? "",
    lock: options.lock ?? lockOf(store, clock),
    dpop: resolveDpop(subject, options.dpop),
    urlPolicy: options.urlPolicy ?? {},
    fetch: options.fetch,
    requestTimeoutMs: wholeNumber(subject, "requestTimeoutMs", options.requestTimeoutMs ?? 10_000),
    refreshSkewMs: wholeNumber(subject, "refreshSkewMs", options.refreshSkewMs ?? 30_000),
    logger: options.logger ?? silentLogger,
    clock,
  };
}

function resolveDpop(
  subject: string,
  dpop: boolean | DpopOptions = false,
): DpopOptions | undefined {
  if (dpop === false) return undefined;
  if (dpop === true) return {};
  if (dpop.keyPair !== undefined) {
    const algorithm = algorithmOf(dpop.keyPair.privateKey);
    if (dpop.algorithm !== undefined && dpop.algorithm !== algorithm) {
      throw new TypeError(
        `${subject}: option "dpop.algorithm" is ${dpop.algorithm}, but the key in "dpop.keyPair" signs with ${algorithm}; leave the algorithm out`,
      );
    }
  }
  return dpop;
}

function lockOf(store: TokenStore, clock: Clock): RefreshLock {
  const lock = locks.get(store) ?? createMemoryRefreshLock(clock);
  locks.set(store, lock);
  return lock;
}

/** An https URL, or a loopback one where plain http never leaves the machine (OAuth 2.1, 2.3.1). */
export function assertHttpsOrLoopback(subject: string, option: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const secure =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackHost(url.hostname));
  const plain = url?.hash === "" && url.username === "" && url.password === "";
  if (url === undefined || !secure || !plain) {
    throw new TypeError(
      `${subject}: option "${option}" must be an https URL, or http on this machine, without fragment or credentials; not ${redactText(JSON.stringify(value))}`,
    );
  }
  return url;
}
