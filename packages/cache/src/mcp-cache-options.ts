import {
  type Clock,
  checkMembers,
  checkMethods,
  type KeyValueStore,
  type Logger,
  silentLogger,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";

/** Where values are kept: in this process, in Redis, or in this process in front of Redis. */
export type CacheBackend = "memory" | "redis" | "tiered";

/** What holds for every cache. */
export interface CommonCacheOptions {
  /** In logs, metrics and health reports. Default `default`. */
  readonly name?: string;
  /** How long a value is fresh unless its own options say, in milliseconds. Default 300,000. */
  readonly defaultTtlMs?: number;
  /**
   * Share of each lifetime that is taken away at random, 0 to 1, so that what was kept together does not end
   * together. Default 0.
   */
  readonly ttlJitter?: number;
  /** A value that is larger as JSON is not kept. Counted in UTF-16 code units. Default 1,048,576. */
  readonly maxEntryLength?: number;
  /** Values held in memory: of the backend memory, in front of Redis, or instead of it. Default 10,000. */
  readonly maxEntries?: number;
  /** Bytes of them. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Learns once that the shared store is away, and that it is back. Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** What holds where a store is shared by processes. */
export interface SharedCacheOptions {
  /** How long the shared store may take for one operation, in milliseconds. Default 500. */
  readonly timeoutMs?: number;
  /** How long it is left alone after it has failed, in milliseconds. Default 1,000. */
  readonly retryMs?: number;
  /**
   * How long a load is left to the process that began it, in milliseconds, while others wait for its result;
   * 0 lets each process load for itself. Default 5,000.
   */
  readonly leaseMs?: number;
}

/** Where Redis is. What is not here goes into `redis` or `cluster`, as `ioredis` knows it. */
export interface RedisCacheOptions extends SharedCacheOptions {
  /** `redis://` or `rediss://`; instead of `host` and `port`. */
  readonly url?: string;
  /** Default `localhost`. */
  readonly host?: string;
  /** Default 6379. */
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  /** Options of `ioredis`, passed on: `tls`, `sentinels`, … */
  readonly redis?: object;
  /** Nodes and options of an `ioredis` `Cluster`, passed on. */
  readonly cluster?: { readonly nodes: readonly unknown[]; readonly options?: object };
  /** A client of `ioredis` of your own, which stays yours to close. */
  readonly client?: object;
  /** Begins every key; has a part in braces. Default `{backplane:cache}:`. */
  readonly prefix?: string;
}

/** What `new MCPCache` takes. */
export type MCPCacheOptions = CommonCacheOptions &
  (
    | { readonly backend?: "memory" }
    | (RedisCacheOptions & { readonly backend: "redis" })
    | (RedisCacheOptions & {
        readonly backend: "tiered";
        /** How long a value stays in front without asking Redis, in milliseconds. Default 30,000. */
        readonly localTtlMs?: number;
      })
    | (SharedCacheOptions & {
        /** A store of your own, instead of a backend. It is closed with the cache. */
        readonly store: KeyValueStore;
      })
  );

/** {@link MCPCacheOptions}, complete. */
export interface ResolvedCacheOptions {
  readonly name: string;
  readonly backend: CacheBackend | "store";
  readonly store: KeyValueStore | undefined;
  readonly defaultTtlMs: number;
  readonly ttlJitter: number;
  readonly maxEntryLength: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly retryMs: number;
  readonly leaseMs: number;
  readonly localTtlMs: number;
  readonly prefix: string | undefined;
  readonly client: object | undefined;
  /** For `createRedisConnection`, as given. */
  readonly connection: Readonly<Record<string, unknown>>;
  readonly logger: Logger;
  readonly clock: Clock;
}

const SUBJECT = "MCPCache";
const COMMON: readonly string[] = [
  "name",
  "backend",
  "defaultTtlMs",
  "ttlJitter",
  "maxEntryLength",
  "maxEntries",
  "maxBytes",
  "logger",
  "clock",
];
const SHARED: readonly string[] = ["timeoutMs", "retryMs", "leaseMs"];
const CONNECTION: readonly string[] = [
  "url",
  "host",
  "port",
  "username",
  "password",
  "db",
  "redis",
  "cluster",
];
const REDIS: readonly string[] = [...COMMON, ...SHARED, ...CONNECTION, "client", "prefix"];
const KNOWN: Readonly<Record<CacheBackend | "store", readonly string[]>> = {
  memory: COMMON,
  redis: REDIS,
  tiered: [...REDIS, "localTtlMs"],
  store: [...COMMON, ...SHARED, "store"],
};
const STORE_METHODS = ["getMany", "set", "setIfAbsent", "delete", "clear", "close"] as const;

/** @throws {TypeError} that names the option, those of another backend too. */
export function resolveCacheOptions(options: MCPCacheOptions): ResolvedCacheOptions {
  checkMembers(SUBJECT, options, [...new Set(Object.values(KNOWN).flat())]);
  const given = options as Readonly<Record<string, unknown>>;
  const backend = backendOf(given);
  checkMembers(
    `${SUBJECT} with ${backend === "store" ? "a store" : `backend "${backend}"`}`,
    options,
    KNOWN[backend],
  );
  checkMethods(SUBJECT, "store", given.store, STORE_METHODS);
  checkMethods(SUBJECT, "logger", given.logger, ["debug", "info", "warn", "error"]);
  checkMethods(SUBJECT, "clock", given.clock, ["now", "after"]);
  const { name = "default", logger = silentLogger, clock = systemClock } = options;
  if (typeof name !== "string" || !/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
    throw new TypeError(
      `${SUBJECT}: option "name" must be 1 to 64 of letters, digits, "_", "." and "-"`,
    );
  }
  const number = (option: string, usual: number): number =>
    wholeNumber(SUBJECT, option, given[option] ?? usual);
  return {
    name,
    backend,
    store: given.store as KeyValueStore | undefined,
    defaultTtlMs: number("defaultTtlMs", 300_000),
    ttlJitter: shareOf(given.ttlJitter ?? 0),
    maxEntryLength: number("maxEntryLength", 1_048_576),
    maxEntries: number("maxEntries", 10_000),
    maxBytes: number("maxBytes", 64 * 1024 * 1024),
    timeoutMs: number("timeoutMs", 500),
    retryMs: number("retryMs", 1_000),
    leaseMs: given.leaseMs === 0 ? 0 : number("leaseMs", 5_000),
    localTtlMs: number("localTtlMs", 30_000),
    prefix: given.prefix as string | undefined,
    client: given.client as object | undefined,
    connection: connectionOf(given),
    logger,
    clock,
  };
}

function backendOf(given: Readonly<Record<string, unknown>>): CacheBackend | "store" {
  const { backend, store } = given;
  if (store !== undefined && backend !== undefined) {
    throw new TypeError(`${SUBJECT}: give one of the options "backend" and "store"`);
  }
  if (store !== undefined) return "store";
  if (backend === undefined || backend === "memory") return "memory";
  if (backend === "redis" || backend === "tiered") return backend;
  throw new TypeError(
    `${SUBJECT}: option "backend" must be "memory", "redis" or "tiered", not ${String(backend)}`,
  );
}

function connectionOf(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const options = Object.fromEntries(
    CONNECTION.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  );
  if (given.client !== undefined && Object.keys(options).length > 0) {
    throw new TypeError(
      `${SUBJECT}: with a "client" of your own, leave out ${Object.keys(options).join(", ")}`,
    );
  }
  return options;
}

function shareOf(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new TypeError(`${SUBJECT}: option "ttlJitter" must be 0 to 1, not ${String(value)}`);
}
