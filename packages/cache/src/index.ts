export type { GetOrSetOptions, LoadContext, SetOptions } from "./cache-options.ts";
export type { Cache } from "./cache-space.ts";
export type { CacheStats } from "./cache-stats.ts";
export { type CachingOptions, caching } from "./interceptor.ts";
export { MCPCache } from "./mcp-cache.ts";
export type {
  CacheBackend,
  CommonCacheOptions,
  MCPCacheOptions,
  RedisCacheOptions,
  SharedCacheOptions,
} from "./mcp-cache-options.ts";
export { createMemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { createTieredStore, type TieredStoreOptions } from "./tiered-store.ts";
