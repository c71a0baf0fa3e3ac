export { createRedisEventLog, type RedisEventLogOptions } from "./redis/redis-event-log.ts";
export {
  createRedisSessionStore,
  type RedisSessionStoreOptions,
} from "./redis/redis-session-store.ts";
