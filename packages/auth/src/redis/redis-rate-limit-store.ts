import {
  checkMembers,
  checkMethods,
  checkRedisPrefix,
  createRedisScript,
  type RateLimitDecision,
  type RateLimitStore,
  type RedisScriptClient,
} from "@backplane/protocol";

/** What `createRedisRateLimitStore` takes. */
export interface RedisRateLimitStoreOptions {
  /** A connected client. It stays the caller's: the store never closes it. */
  readonly client: RedisScriptClient;
  /** Begins every key. In braces, so that a cluster keeps all keys of a call on one node. Default `{backplane:rate}:`. */
  readonly prefix?: string;
}

/**
 * GCRA over all buckets of a call, in one step. Each key holds when its bucket will be full, in microseconds of
 * the server's clock, and ends then: the clocks of replicas play no part, and a full bucket takes no memory.
 */
const SCRIPT = `
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local full = {}
local wait = 0
for i = 1, #KEYS do
  local limit = tonumber(ARGV[i * 4 - 3])
  local window = tonumber(ARGV[i * 4 - 2]) * 1000
  local burst = tonumber(ARGV[i * 4 - 1])
  local cost = tonumber(ARGV[i * 4])
  local before = tonumber(redis.call("GET", KEYS[i]) or now)
  full[i] = math.max(before, now) + window / limit * cost
  wait = math.max(wait, full[i] - window * burst / limit - now)
end
if wait > 1 then return math.ceil(wait / 1000) end
for i = 1, #KEYS do
  redis.call("SET", KEYS[i], string.format("%.0f", full[i]), "PX", math.max(1, math.ceil((full[i] - now) / 1000)))
end
return 0
`;

const DEFAULT_PREFIX = "{backplane:rate}:";
const ALLOWED: RateLimitDecision = Object.freeze({ allowed: true });

/**
 * Counts calls in Redis 5 or later, in one round trip each, so that N allowed means N over all replicas.
 * What happens while it is away is `rateLimit`'s to say (`onStoreFailure`).
 * @throws {TypeError} that names the option.
 */
export function createRedisRateLimitStore(options: RedisRateLimitStoreOptions): RateLimitStore {
  const subject = "createRedisRateLimitStore";
  checkMembers(subject, options, ["client", "prefix"]);
  const { client, prefix = DEFAULT_PREFIX } = options;
  if (client === undefined) throw new TypeError(`${subject}: option "client" is required`);
  checkMethods(subject, "client", client, ["eval", "evalsha"]);
  checkRedisPrefix(subject, prefix);
  const run = createRedisScript(client, SCRIPT);
  return {
    async take(buckets) {
      if (buckets.length === 0) return ALLOWED;
      const values = buckets.flatMap(({ limit, windowMs, burst, cost }) => [
        limit,
        windowMs,
        burst,
        cost,
      ]);
      const waitMs = Number(
        await run(
          buckets.map(({ key }) => prefix + key),
          values,
        ),
      );
      // Nobody is refused, or let through, by what this script never answers: that is a store that is away.
      if (!(Number.isFinite(waitMs) && waitMs >= 0)) throw new Error("Redis answered no wait");
      return waitMs === 0 ? ALLOWED : { allowed: false, retryAfterMs: waitMs };
    },
    async close() {},
  };
}
