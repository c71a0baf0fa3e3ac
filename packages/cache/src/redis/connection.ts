import { checkMembers, wholeNumber } from "@backplane/protocol";
import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from "ioredis";

/** Where Redis is, and how it is reached. */
export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`; instead of `host` and `port`. */
  readonly url?: string;
  /** Default `localhost`. */
  readonly host?: string;
  /** Default 6379. */
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  /** Default 0. */
  readonly db?: number;
  /** Any options of `ioredis` beside these: `tls`, `sentinels`, `name`, … They win over the defaults here. */
  readonly redis?: RedisOptions;
  /** Connects to a cluster instead. */
  readonly cluster?: { readonly nodes: readonly ClusterNode[]; readonly options?: ClusterOptions };
  /** How long a connection may take, in milliseconds. Default 1,000. */
  readonly connectTimeoutMs?: number;
}

/** A connection that can be shared: by stores, event buses and rate limits. */
export interface RedisConnection {
  /** For whatever else takes a client of `ioredis`, such as `createRedisRateLimitStore`. */
  readonly client: Redis | Cluster;
  /** Waits for the first connection; resolves in any case, after `connectTimeoutMs` at the latest. */
  ready(): Promise<void>;
  /** A second connection to the same place, which its user closes. */
  duplicate(): RedisConnection;
  close(): Promise<void>;
}

const SUBJECT = "createRedisConnection";
const MEMBERS: readonly string[] = [
  "url",
  "host",
  "port",
  "username",
  "password",
  "db",
  "redis",
  "cluster",
  "connectTimeoutMs",
] satisfies (keyof RedisConnectionOptions)[];
/** Without an answer for so long, a connection is given up: the other end may be gone without a word. */
const SOCKET_TIMEOUT_MS = 10_000;
const MAX_RECONNECT_MS = 1_000;
/** How long the first command waits for a client of somebody else's to connect. */
const BORROWED_CONNECT_MS = 1_000;

/**
 * A connection on which nothing waits: while it is down every command fails at once, and what was under way is
 * not sent again. It is made on first use, and again by itself whenever it breaks.
 * @throws {TypeError} that names the option.
 */
export function createRedisConnection(options: RedisConnectionOptions = {}): RedisConnection {
  checkMembers(SUBJECT, options, MEMBERS);
  const { url, host, port, cluster, redis = {} } = options;
  if (url !== undefined && (host !== undefined || port !== undefined)) {
    throw new TypeError(`${SUBJECT}: give "url", or "host" and "port", not both`);
  }
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new TypeError(`${SUBJECT}: option "port" must be 1 to 65535, not ${String(port)}`);
  }
  if ("keyPrefix" in redis || cluster?.options?.keyPrefix !== undefined) {
    throw new TypeError(`${SUBJECT}: "keyPrefix" is not for stores; use their option "prefix"`);
  }
  const timeoutMs = wholeNumber(SUBJECT, "connectTimeoutMs", options.connectTimeoutMs ?? 1_000);
  const behaviour: RedisOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Whoever subscribes does that again by itself, because it must know when it is done.
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    socketTimeout: SOCKET_TIMEOUT_MS,
    retryStrategy: (attempt) => reconnectDelay(attempt),
    ...definedOnly({ username: options.username, password: options.password, db: options.db }),
    ...redis,
  };
  if (cluster !== undefined) {
    return connectionOf(
      () =>
        new Cluster([...cluster.nodes], {
          lazyConnect: true,
          enableOfflineQueue: false,
          clusterRetryStrategy: (attempt) => reconnectDelay(attempt),
          ...cluster.options,
          redisOptions: { ...behaviour, ...cluster.options?.redisOptions },
        }),
      timeoutMs,
    );
  }
  const where = definedOnly({ host, port });
  return connectionOf(
    () => (url === undefined ? new Redis({ ...where, ...behaviour }) : new Redis(url, behaviour)),
    timeoutMs,
  );
}

/** A client that is the caller's: it is used and never closed, and its own options hold. */
export function borrowedConnection(subject: string, client: Redis | Cluster): RedisConnection {
  const options = client.options as { readonly keyPrefix?: string } | undefined;
  if (options?.keyPrefix !== undefined && options.keyPrefix !== "") {
    throw new TypeError(`${subject}: a client with "keyPrefix" hides its keys; use "prefix" here`);
  }
  let first: Promise<void> | undefined;
  return {
    client,
    ready: () => {
      first ??= firstConnection(client, BORROWED_CONNECT_MS);
      return first;
    },
    duplicate: () =>
      connectionOf(
        () =>
          client instanceof Redis
            ? client.duplicate({ lazyConnect: true, autoResubscribe: false })
            : client.duplicate([], { lazyConnect: true }),
        BORROWED_CONNECT_MS,
      ),
    close: async () => {},
  };
}

function connectionOf(make: () => Redis | Cluster, timeoutMs: number): RedisConnection {
  const client = make();
  // Each is told to whoever sent a command; without a listener the client would write to the console.
  client.on("error", () => {});
  let first: Promise<void> | undefined;
  return {
    client,
    ready: () => {
      first ??= firstConnection(client, timeoutMs);
      return first;
    },
    duplicate: () => connectionOf(make, timeoutMs),
    close: async () => {
      client.disconnect();
    },
  };
}

async function firstConnection(client: Redis | Cluster, timeoutMs: number): Promise<void> {
  if (client.status === "ready") return;
  let stop = (): void => {};
  const waited = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    client.once("ready", resolve);
    stop = () => {
      clearTimeout(timer);
      client.off("ready", resolve);
    };
    // One that is in vain is followed by others, as the client sees fit, and nobody waits for those.
    if (client.status === "wait") client.connect().then(resolve, resolve);
  });
  await waited;
  stop();
}

/** Between half and all of a delay that doubles, so that replicas do not come back as one. */
function reconnectDelay(attempt: number): number {
  const limit = Math.min(25 * 2 ** attempt, MAX_RECONNECT_MS);
  return limit / 2 + Math.random() * (limit / 2);
}

function definedOnly<Options extends object>(options: Options): Partial<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<Options>;
}
