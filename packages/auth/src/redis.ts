export {
  createRedisRateLimitStore,
  type RedisClient,
  type RedisRateLimitStoreOptions,
} from "./redis/redis-rate-limit-store.ts";
