import {
  checkMembers,
  checkMethods,
  checkRedisPrefix,
  createRedisScript,
  type EventLog,
  type LoggedEvent,
  type RedisScriptClient,
  wholeNumber,
} from "@backplane/protocol";

/** What `createRedisEventLog` takes. Bounds are whole numbers of 1 or more; sizes count bytes of UTF-8. */
export interface RedisEventLogOptions {
  /** A connected client. It stays the caller's: the log never closes it. */
  readonly client: RedisScriptClient;
  /** Begins every key. In braces, so that a cluster keeps all of them on one node. Default `{backplane:events}:`. */
  readonly prefix?: string;
  /** Events kept of one stream. Default 1,000. */
  readonly maxEventsPerStream?: number;
  /** Default 4 Mi, so that the largest message of the default limits can be replayed. */
  readonly maxBytesPerStream?: number;
  /** Streams of all replicas kept at once; ended ones go first. Default 10,000. */
  readonly maxStreams?: number;
  /** All streams together; ended ones go first. Default 64 Mi. */
  readonly maxTotalBytes?: number;
  /**
   * How long a stream is kept after its last event or its end, in milliseconds. Default 10 minutes, above the
   * default idle deadline, so that a stream does not expire under a call that still runs.
   */
  readonly retentionMs?: number;
}

const OWNER = "createRedisEventLog";

const DEFAULTS = {
  maxEventsPerStream: 1_000,
  maxBytesPerStream: 2 ** 22,
  maxStreams: 10_000,
  maxTotalBytes: 2 ** 26,
  retentionMs: 600_000,
};

const SEQUENCE = /^[1-9][0-9]{0,15}$/;

/**
 * Begins every script. Of each stream there are its events, in a sorted set by their number and with the number
 * in front of the text, and what is known of it: its bytes, the newest event that fell out, whether it ended.
 * `running` and `ended` hold when each stream was used last, in microseconds of the server's clock. Numbers come from one
 * counter, so that a stream that was forgotten and began anew never repeats an id.
 */
const HEAD = `
local base, running, ended, sizes, sequence = unpack(KEYS)
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
-- Lua writes a number of sixteen digits with fourteen.
local function whole(number) return string.format("%.0f", number) end
local function events(id) return base .. "events:" .. id end
local function about(id) return base .. "about:" .. id end
local function grow(id, bytes)
  redis.call("HINCRBY", about(id), "bytes", bytes)
  redis.call("HINCRBY", sizes, id, bytes)
  redis.call("HINCRBY", sizes, "", bytes)
end
local function drop(id)
  redis.call("HINCRBY", sizes, "", 0 - tonumber(redis.call("HGET", sizes, id) or 0))
  redis.call("HDEL", sizes, id)
  redis.call("ZREM", running, id)
  redis.call("ZREM", ended, id)
  redis.call("DEL", events(id), about(id))
end
local function keep(id, retention)
  redis.call("PEXPIRE", events(id), retention)
  redis.call("PEXPIRE", about(id), retention)
end
local function purge(retention, most)
  for _, index in ipairs({ ended, running }) do
    local old = redis.call("ZRANGEBYSCORE", index, "-inf", whole(now - retention * 1000), "LIMIT", 0, most)
    for _, id in ipairs(old) do drop(id) end
  end
end
`;

const APPEND = `${HEAD}
local id, data = ARGV[1], ARGV[2]
local maxEvents, maxBytes, maxStreams, maxTotal, retention =
  tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
purge(retention, 4)
if redis.call("HEXISTS", about(id), "ended") == 1 then return redis.error_reply("ENDED") end
-- What it had was forgotten by its time, and is still counted.
if redis.call("EXISTS", about(id)) == 0 then drop(id) end
local number = redis.call("INCR", sequence)
redis.call("ZADD", events(id), number, number .. ":" .. data)
grow(id, #data)
redis.call("ZADD", running, whole(now), id)
while redis.call("ZCARD", events(id)) > maxEvents
  or tonumber(redis.call("HGET", about(id), "bytes")) > maxBytes do
  local oldest = redis.call("ZPOPMIN", events(id))
  if #oldest == 0 then break end
  redis.call("HSET", about(id), "dropped", oldest[2])
  grow(id, #oldest[2] + 1 - #oldest[1])
end
keep(id, retention)
local function overfull()
  return redis.call("ZCARD", running) + redis.call("ZCARD", ended) > maxStreams
    or tonumber(redis.call("HGET", sizes, "")) > maxTotal
end
for _, index in ipairs({ ended, running }) do
  while overfull() do
    local oldest = redis.call("ZRANGE", index, 0, 0)[1]
    if oldest == nil or oldest == id then break end
    drop(oldest)
  end
end
return tostring(number)
`;

const END = `${HEAD}
local id, retention = ARGV[1], tonumber(ARGV[2])
if redis.call("EXISTS", about(id)) == 0 or redis.call("HEXISTS", about(id), "ended") == 1 then return 0 end
redis.call("HSET", about(id), "ended", 1)
redis.call("ZREM", running, id)
redis.call("ZADD", ended, whole(now), id)
keep(id, retention)
return 1
`;

/** Nil when a part of what follows is missing; else whether it ended, and the events. */
const READ = `${HEAD}
local id, last = ARGV[1], ARGV[2]
if redis.call("EXISTS", about(id)) == 0 then return nil end
local dropped = redis.call("HGET", about(id), "dropped")
local from = "-inf"
if last == "" then
  if dropped then return nil end
else
  if last ~= dropped and redis.call("ZCOUNT", events(id), last, last) == 0 then return nil end
  from = "(" .. last
end
return {
  redis.call("HEXISTS", about(id), "ended"),
  redis.call("ZRANGEBYSCORE", events(id), from, "+inf"),
}
`;

const DELETE = `${HEAD} for _, id in ipairs(ARGV) do drop(id) end return 0`;

/**
 * Event logs in Redis 5 or later: a client whose connection broke reads on at any replica. All keys share one hash
 * slot, since the bounds count all streams. Every use is one round trip.
 * @throws {TypeError} that names the option.
 */
export function createRedisEventLog(options: RedisEventLogOptions): EventLog {
  checkMembers(OWNER, options, ["client", "prefix", ...Object.keys(DEFAULTS)]);
  const { client, prefix = "{backplane:events}:" } = options;
  if (client === undefined) throw new TypeError(`${OWNER}: option "client" is required`);
  checkMethods(OWNER, "client", client, ["eval", "evalsha"]);
  checkRedisPrefix(OWNER, prefix);
  const bound = (name: keyof typeof DEFAULTS): number =>
    wholeNumber(OWNER, name, options[name] ?? DEFAULTS[name]);
  const bounds = [
    bound("maxEventsPerStream"),
    bound("maxBytesPerStream"),
    bound("maxStreams"),
    bound("maxTotalBytes"),
    bound("retentionMs"),
  ];
  const keys = ["", "running", "ended", "sizes", "sequence"].map((name) => prefix + name);
  const [append, end, read, drop] = [APPEND, END, READ, DELETE].map((script) => {
    const run = createRedisScript(client, script);
    return (values: readonly (string | number)[]) => run(keys, values);
  }) as [Run, Run, Run, Run];
  return {
    async append(streamId, data) {
      try {
        return String(await append([streamId, data, ...bounds]));
      } catch (error) {
        if (!(error instanceof Error && error.message.includes("ENDED"))) throw error;
        throw new Error("EventLog: append to a stream that has ended");
      }
    },
    async end(streamId) {
      await end([streamId, bound("retentionMs")]);
    },
    async read(streamId, lastEventId) {
      if (lastEventId !== undefined && !SEQUENCE.test(lastEventId)) return undefined;
      const answer = (await read([streamId, lastEventId ?? ""])) as [number, string[]] | null;
      if (answer === null) return undefined;
      return { events: answer[1].map(eventOf), ended: answer[0] === 1 };
    },
    async delete(streamIds) {
      if (streamIds.length > 0) await drop(streamIds);
    },
    // The client is the caller's, and the streams are the other replicas' too.
    async close() {},
  };
}

type Run = (values: readonly (string | number)[]) => Promise<unknown>;

function eventOf(member: string): LoggedEvent {
  const colon = member.indexOf(":");
  return { id: member.slice(0, colon), data: member.slice(colon + 1) };
}
