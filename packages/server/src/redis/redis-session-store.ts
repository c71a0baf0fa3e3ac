import {
  checkMembers,
  checkMethods,
  checkRedisPrefix,
  createRedisScript,
  isJsonObject,
  isLegacyRevision,
  type RedisScriptClient,
  type SessionPatch,
  type SessionRecord,
  type SessionStore,
  wholeNumber,
} from "@backplane/protocol";

/** What `createRedisSessionStore` takes. */
export interface RedisSessionStoreOptions {
  /** A connected client. It stays the caller's: the store never closes it. */
  readonly client: RedisScriptClient;
  /** Begins every key. In braces, so that a cluster keeps all of them on one node. Default `{backplane:sessions}:`. */
  readonly prefix?: string;
  /** Sessions of all replicas together. Default 10,000; 1 or more. */
  readonly maxSessions?: number;
  /**
   * Bytes of all records together, because a client chooses the size of its `clientInfo` and its subscribed
   * URIs. Default 64 Mi; 1 or more.
   */
  readonly maxTotalBytes?: number;
}

const OWNER = "createRedisSessionStore";

/** Largest record that subscriptions may grow: each request of the session reads it as a whole. */
const MAX_RECORD_BYTES = 262_144;

/** How often a change is tried anew because another one was faster: more than there can be replicas at it. */
const MAX_ATTEMPTS = 100;

/**
 * Begins every script. `idle` and `expiry` hold when each session was used last and when it ends, in microseconds of the
 * server's clock; `sizes` the bytes of each record, with the sum under the empty name, which is no session's.
 * A record's key ends by itself; what is counted of it is taken back by the next who makes room.
 */
const HEAD = `
local records, idle, expiry, sizes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
-- Lua writes a number of sixteen digits with fourteen.
local function whole(number) return string.format("%.0f", number) end
local function put(id, text)
  local before = tonumber(redis.call("HGET", sizes, id) or 0)
  redis.call("HSET", sizes, id, #text)
  redis.call("HINCRBY", sizes, "", #text - before)
end
local function drop(id)
  redis.call("HINCRBY", sizes, "", 0 - tonumber(redis.call("HGET", sizes, id) or 0))
  redis.call("HDEL", sizes, id)
  redis.call("ZREM", idle, id)
  redis.call("ZREM", expiry, id)
  return redis.call("DEL", records .. id)
end
local function use(id, ttl)
  local text = redis.call("GET", records .. id)
  if not text then return nil end
  redis.call("PEXPIRE", records .. id, ttl)
  redis.call("ZADD", idle, whole(now), id)
  redis.call("ZADD", expiry, whole(now + ttl * 1000), id)
  return text
end
local function purge(most)
  local ended = redis.call("ZRANGEBYSCORE", expiry, "-inf", whole(now), "LIMIT", 0, most)
  for _, id in ipairs(ended) do drop(id) end
  return #ended
end
`;

const CREATE = `${HEAD}
local id, text, ttl, evictIdle, maxSessions, maxBytes = unpack(ARGV)
maxSessions, maxBytes = tonumber(maxSessions), tonumber(maxBytes)
drop(id)
purge(4)
local function fits()
  return redis.call("ZCARD", idle) < maxSessions
    and tonumber(redis.call("HGET", sizes, "") or 0) + #text <= maxBytes
end
if #text > maxBytes then return 0 end
while not fits() and purge(100) > 0 do end
while not fits() do
  local oldest = redis.call("ZRANGE", idle, 0, 0, "WITHSCORES")
  if #oldest == 0 or now - oldest[2] < evictIdle * 1000 then return 0 end
  drop(oldest[1])
end
redis.call("SET", records .. id, text)
put(id, text)
use(id, tonumber(ttl))
return 1
`;

const GET = `${HEAD} return use(ARGV[1], tonumber(ARGV[2]))`;
const TOUCH = `${HEAD} for index = 2, #ARGV do use(ARGV[index], tonumber(ARGV[1])) end return 0`;
const PEEK = `return redis.call("GET", KEYS[1] .. ARGV[1])`;

/** 1: written. 0: another replica was faster. −1: it would not fit. */
const REPLACE = `${HEAD}
local id, before, after, maxBytes = unpack(ARGV)
if redis.call("GET", records .. id) ~= before then return 0 end
local total = tonumber(redis.call("HGET", sizes, "") or 0)
if #after > #before and total + #after - #before > tonumber(maxBytes) then return -1 end
redis.call("SET", records .. id, after, "KEEPTTL")
put(id, after)
return 1
`;

const DELETE = `${HEAD} return drop(ARGV[1])`;
const COUNT = `${HEAD} while purge(100) > 0 do end return redis.call("ZCARD", idle)`;

/**
 * Legacy sessions in Redis 6 or later: any replica serves any session, and none is lost with a replica. All keys
 * share one hash slot, since the bounds count all sessions. Every use is one round trip.
 * @throws {TypeError} that names the option.
 */
export function createRedisSessionStore(options: RedisSessionStoreOptions): SessionStore {
  checkMembers(OWNER, options, ["client", "prefix", "maxSessions", "maxTotalBytes"]);
  const { client, prefix = "{backplane:sessions}:" } = options;
  if (client === undefined) throw new TypeError(`${OWNER}: option "client" is required`);
  checkMethods(OWNER, "client", client, ["eval", "evalsha"]);
  checkRedisPrefix(OWNER, prefix);
  const maxSessions = wholeNumber(OWNER, "maxSessions", options.maxSessions ?? 10_000);
  const maxTotalBytes = wholeNumber(OWNER, "maxTotalBytes", options.maxTotalBytes ?? 2 ** 26);
  return new RedisSessionStore(client, prefix, maxSessions, maxTotalBytes);
}

class RedisSessionStore implements SessionStore {
  readonly #run: (script: string, values: readonly (string | number)[]) => Promise<unknown>;
  readonly #maxSessions: number;
  readonly #maxTotalBytes: number;

  constructor(
    client: RedisScriptClient,
    prefix: string,
    maxSessions: number,
    maxTotalBytes: number,
  ) {
    const scripts = new Map(
      [CREATE, GET, TOUCH, PEEK, REPLACE, DELETE, COUNT].map((script) => [
        script,
        createRedisScript(client, script),
      ]),
    );
    const keys = ["record:", "idle", "expiry", "sizes"].map((name) => prefix + name);
    this.#run = async (script, values) => scripts.get(script)?.(keys, values);
    this.#maxSessions = maxSessions;
    this.#maxTotalBytes = maxTotalBytes;
  }

  async create(
    record: SessionRecord,
    options: { readonly ttlMs: number; readonly evictIdleMs: number },
  ): Promise<boolean> {
    const { ttlMs, evictIdleMs } = options;
    const bounds = [ttlMs, evictIdleMs, this.#maxSessions, this.#maxTotalBytes];
    return (await this.#run(CREATE, [record.id, JSON.stringify(record), ...bounds])) === 1;
  }

  async get(id: string, ttlMs: number): Promise<SessionRecord | undefined> {
    return parse(await this.#run(GET, [id, ttlMs]));
  }

  async touch(ids: readonly string[], ttlMs: number): Promise<void> {
    if (ids.length > 0) await this.#run(TOUCH, [ttlMs, ...ids]);
  }

  async patch(id: string, patch: SessionPatch): Promise<SessionRecord | undefined> {
    const changed = await this.#change(id, (record) => ({ ...record, ...patch }));
    // A patch takes a few bytes at most: it is not what fills a store.
    return changed === "full" ? undefined : changed;
  }

  setSubscription(
    id: string,
    uri: string,
    subscribed: boolean,
    maxSubscriptions: number,
  ): Promise<SessionRecord | "full" | undefined> {
    return this.#change(id, (record) => {
      const { subscriptions } = record;
      if (subscriptions.includes(uri) === subscribed) return record;
      if (!subscribed) {
        return { ...record, subscriptions: subscriptions.filter((other) => other !== uri) };
      }
      if (subscriptions.length >= maxSubscriptions) return "full";
      return { ...record, subscriptions: [...subscriptions, uri] };
    });
  }

  async delete(id: string): Promise<boolean> {
    return (await this.#run(DELETE, [id])) === 1;
  }

  async count(): Promise<number> {
    return Number(await this.#run(COUNT, []));
  }

  /** The client is the caller's, and the sessions are the other replicas' too. */
  async close(): Promise<void> {}

  /**
   * Reads, changes, and writes if nobody else has written meanwhile; else all over again.
   * @throws {Error} when that has no end: a record whose bytes are no UTF-8 never is what was read.
   */
  async #change(
    id: string,
    change: (record: SessionRecord) => SessionRecord | "full",
  ): Promise<SessionRecord | "full" | undefined> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = await this.#run(PEEK, [id]);
      const record = parse(before);
      if (record === undefined) return undefined;
      const changed = change(record);
      if (changed === "full" || changed === record) return changed;
      const after = JSON.stringify(changed);
      const bytes = new TextEncoder().encode(after).byteLength;
      if (changed.subscriptions.length > record.subscriptions.length && bytes > MAX_RECORD_BYTES) {
        return "full";
      }
      const values = [id, before as string, after, this.#maxTotalBytes];
      const outcome = await this.#run(REPLACE, values);
      if (outcome === 1) return changed;
      if (outcome === -1) return "full";
    }
    throw new Error(`SessionStore: a record could not be changed in ${MAX_ATTEMPTS} attempts`);
  }
}

/**
 * JSON leaves out what is undefined; the record's members are there all the same. What another version or a stranger
 * wrote is no session: its client begins a new one, instead of being told until its end that the store fails.
 */
function parse(text: unknown): SessionRecord | undefined {
  if (typeof text !== "string") return undefined;
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRecord(record)
    ? { ...record, clientInfo: record.clientInfo, logLevel: record.logLevel }
    : undefined;
}

function isRecord(value: unknown): value is SessionRecord {
  if (!isJsonObject(value)) return false;
  const { id, principalKey, revision, subscriptions, clientCapabilities } = value;
  return (
    typeof id === "string" &&
    typeof principalKey === "string" &&
    typeof revision === "string" &&
    isLegacyRevision(revision) &&
    isJsonObject(clientCapabilities) &&
    Array.isArray(subscriptions) &&
    subscriptions.every((uri) => typeof uri === "string")
  );
}
