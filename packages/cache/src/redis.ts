export {
  createRedisConnection,
  type RedisConnection,
  type RedisConnectionOptions,
} from "./redis/connection.ts";
export { createRedisEventBus, type RedisEventBusOptions } from "./redis/redis-event-bus.ts";
export { createRedisStore, type RedisStoreOptions } from "./redis/redis-store.ts";
