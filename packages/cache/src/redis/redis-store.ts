import { checkMembers, checkRedisPrefix, type KeyValueStore } from "@backplane/protocol";
import { type Cluster, Redis } from "ioredis";
import { borrowedConnection, type RedisConnection } from "./connection.ts";

/** What {@link createRedisStore} takes: a connection of `createRedisConnection`, or a client. */
export interface RedisStoreOptions {
  /** Stays the caller's: the store never closes it. */
  readonly connection?: RedisConnection;
  /** A client of `ioredis`, or a `Cluster` of it. Stays the caller's. */
  readonly client?: Redis | Cluster;
  /**
   * Begins every key. In braces, so that a cluster keeps all keys of this store on one node and answers many
   * at once. Default `{backplane:cache}:`.
   */
  readonly prefix?: string;
}

interface Waiter {
  readonly from: number;
  readonly count: number;
  readonly resolve: (texts: readonly (string | undefined)[]) => void;
  readonly reject: (error: unknown) => void;
}

const SUBJECT = "createRedisStore";
const DEFAULT_PREFIX = "{backplane:cache}:";
const MAX_BATCH_KEYS = 1_000;
const SCAN_COUNT = "1000";

class RedisStore implements KeyValueStore {
  readonly shared: boolean = true;
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  #keys: string[] = [];
  #waiters: Waiter[] = [];
  readonly #flush: () => void = () => this.#readTogether();

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  /** Reads of one tick go together, as one command. */
  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    if (keys.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      // After the promises of this tick: an answer to many wakes many, and each asks again.
      if (this.#waiters.length === 0) process.nextTick(this.#flush);
      this.#waiters.push({ from: this.#keys.length, count: keys.length, resolve, reject });
      for (const key of keys) this.#keys.push(this.#prefix + key);
      if (this.#keys.length >= MAX_BATCH_KEYS) this.#readTogether();
    });
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#connection.client.set(this.#prefix + key, value, "PX", ttlMs);
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    const { client } = this.#connection;
    return (await client.set(this.#prefix + key, value, "PX", ttlMs, "NX")) === "OK";
  }

  async delete(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#connection.client.unlink(keys.map((key) => this.#prefix + key));
  }

  async clear(prefix: string): Promise<void> {
    const { client } = this.#connection;
    const begin = this.#prefix + prefix;
    const nodes = client instanceof Redis ? [client] : client.nodes("master");
    for (const node of nodes) {
      let cursor = "0";
      do {
        const [next, keys] = await node.scan(
          cursor,
          "MATCH",
          `${literal(begin)}*`,
          "COUNT",
          SCAN_COUNT,
        );
        cursor = next;
        if (keys.length > 0) await node.unlink(keys);
      } while (cursor !== "0");
    }
  }

  async close(): Promise<void> {}

  #readTogether(): void {
    const [keys, waiters] = [this.#keys, this.#waiters];
    if (waiters.length === 0) return;
    this.#keys = [];
    this.#waiters = [];
    const { client } = this.#connection;
    const [only] = keys;
    if (keys.length === 1) {
      const [waiter] = waiters;
      client
        .get(only as string)
        .then((text) => waiter?.resolve([text ?? undefined]), waiter?.reject);
      return;
    }
    client.mget(keys).then(
      (texts) => {
        const found = texts.map((text) => text ?? undefined);
        for (const { from, count, resolve } of waiters) resolve(found.slice(from, from + count));
      },
      (error: unknown) => {
        for (const { reject } of waiters) reject(error);
      },
    );
  }
}

/** The text as a pattern that stands for itself alone. */
function literal(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, "\\$&");
}

/**
 * Texts in Redis 6.2 or later. It fails when Redis does: `MCPCache` puts a guard in front.
 * @throws {TypeError} that names the option.
 */
export function createRedisStore(options: RedisStoreOptions): KeyValueStore {
  checkMembers(SUBJECT, options, ["connection", "client", "prefix"]);
  const { prefix = DEFAULT_PREFIX } = options;
  checkRedisPrefix(SUBJECT, prefix);
  return new RedisStore(readConnection(SUBJECT, options), prefix);
}

/** @throws {TypeError} unless exactly one of them is given. */
export function readConnection(
  subject: string,
  {
    connection,
    client,
  }: { readonly connection?: RedisConnection; readonly client?: Redis | Cluster },
): RedisConnection {
  if ((connection === undefined) === (client === undefined)) {
    throw new TypeError(`${subject}: give one of the options "connection" and "client"`);
  }
  const given = connection ?? borrowedConnection(subject, client as Redis | Cluster);
  if (typeof (given.client as { get?: unknown } | undefined)?.get !== "function") {
    throw new TypeError(`${subject}: option "client" must be a client of ioredis`);
  }
  return given;
}
