import { CHANNELS, type HealthCheck, type HealthReport } from "@backplane/protocol";
import { CacheCore, type OpenedStore } from "./cache-core.ts";
import type { GetOrSetOptions, LoadContext, SetOptions } from "./cache-options.ts";
import { type Cache, CacheSpace } from "./cache-space.ts";
import type { CacheStats } from "./cache-stats.ts";
import { GuardedStore } from "./guarded-store.ts";
import {
  type MCPCacheOptions,
  type ResolvedCacheOptions,
  resolveCacheOptions,
} from "./mcp-cache-options.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createTieredStore } from "./tiered-store.ts";

/**
 * A cache for handlers, and for the interceptor `caching`. Values are kept as JSON: whoever gets one has a copy of
 * his own, with every backend.
 *
 * When Redis is away nothing waits for it and nothing fails: memory serves until it is back. That is said once
 * in the log and on the channel `backplane:cache.state`, and `server.addHealthChecker(cache)` shows it in `/ready`.
 */
export class MCPCache implements Cache, HealthCheck {
  readonly #options: ResolvedCacheOptions;
  readonly #core: CacheCore;
  readonly #root: CacheSpace;
  #guard: GuardedStore | undefined;

  /**
   * Connects to nothing and loads nothing before the first use.
   * @throws {TypeError} for an option that is unknown, illegal, or none of the backend's.
   */
  constructor(options: MCPCacheOptions = {}) {
    const resolved = resolveCacheOptions(options);
    this.#options = resolved;
    this.#core = new CacheCore({
      ...resolved,
      isLocal: resolved.backend === "memory",
      open: () => this.#open(),
    });
    this.#root = new CacheSpace(this.#core, "", resolved.name);
  }

  /** Whether the shared store is away, and memory serves. */
  get degraded(): boolean {
    return this.#guard?.degraded === true;
  }

  get<Value = unknown>(key: string): Promise<Value | undefined> {
    return this.#root.get<Value>(key);
  }

  set(key: string, value: unknown, options?: SetOptions): Promise<void> {
    return this.#root.set(key, value, options);
  }

  delete(...keys: readonly string[]): Promise<void> {
    return this.#root.delete(...keys);
  }

  getOrSet<Value>(
    key: string,
    load: (context: LoadContext) => Value | Promise<Value>,
    options?: GetOrSetOptions,
  ): Promise<Value> {
    return this.#root.getOrSet(key, load, options);
  }

  invalidateTags(...tags: readonly string[]): Promise<void> {
    return this.#root.invalidateTags(...tags);
  }

  namespace(name: string): Cache {
    return this.#root.namespace(name);
  }

  clear(): Promise<void> {
    return this.#root.clear();
  }

  /** What this process asked of the cache so far. */
  stats(): CacheStats {
    return this.#core.stats(this.degraded);
  }

  /**
   * Asks the shared store, unless it is known to be away. `degraded` while memory serves instead of it,
   * `unhealthy` when the backend cannot be loaded. For `server.addHealthChecker`.
   */
  async checkHealth(): Promise<HealthReport> {
    const { name } = this.#options;
    const report = (status: HealthReport["status"], message?: string): HealthReport => ({
      status,
      checks: { [`cache ${name}`]: { status, ...(message !== undefined && { message }) } },
      timestamp: new Date().toISOString(),
    });
    try {
      await this.#core.open();
    } catch (error) {
      return report("unhealthy", error instanceof Error ? error.message : "it cannot be opened");
    }
    await this.#guard?.check();
    return this.degraded
      ? report("degraded", "the shared store is away; memory serves until it is back")
      : report("healthy");
  }

  /** Ends its connections; one of your own stays open. Idempotent. */
  async close(): Promise<void> {
    await this.#core.close();
  }

  #open(): OpenedStore | Promise<OpenedStore> {
    const { backend, store } = this.#options;
    if (backend === "memory") return { store: this.#memory(), leases: undefined };
    if (store === undefined) return this.#openRedis();
    const guard = this.#guarded(store);
    return { store: guard, leases: store.shared ? guard : undefined };
  }

  async #openRedis(): Promise<OpenedStore> {
    const { backend, client, connection: given, prefix, localTtlMs, logger, clock } = this.#options;
    const redis = await loadRedis();
    const connection = client === undefined ? redis.createRedisConnection(given) : undefined;
    const where = connection === undefined ? { client: client as never } : { connection };
    try {
      const shared = redis.createRedisStore({ ...where, ...(prefix !== undefined && { prefix }) });
      await connection?.ready();
      const guard = this.#guarded(shared, async () => connection?.close());
      if (backend === "redis") return { store: guard, leases: guard };
      const bus = redis.createRedisEventBus({
        ...where,
        logger,
        prefix: `${prefix ?? "backplane:"}cache:`,
      });
      const tiers = createTieredStore({
        local: this.#memory(),
        shared: guard,
        bus,
        localTtlMs,
        clock,
      });
      return { store: closing(tiers, () => bus.close()), leases: guard };
    } catch (error) {
      await connection?.close();
      throw error;
    }
  }

  #memory(): ReturnType<typeof createMemoryStore> {
    const { maxEntries, maxBytes, clock } = this.#options;
    return createMemoryStore({ maxEntries, maxBytes, clock });
  }

  #guarded(store: OpenedStore["store"], close?: () => Promise<void>): GuardedStore {
    const { timeoutMs, retryMs, clock, logger, name } = this.#options;
    this.#guard = new GuardedStore({
      store: close === undefined ? store : closing(store, close),
      fallback: this.#memory(),
      timeoutMs,
      retryMs,
      clock,
      logger,
      onState: (degraded, error) => {
        const event = { serverId: undefined, cache: name, degraded, error };
        if (CHANNELS.cacheState.hasSubscribers) CHANNELS.cacheState.publish(event);
      },
    });
    return this.#guard;
  }
}

/** The same store, which closes something more. */
function closing(store: OpenedStore["store"], close: () => Promise<void>): OpenedStore["store"] {
  return {
    shared: store.shared,
    getMany: (keys) => store.getMany(keys),
    set: (key, value, ttlMs) => store.set(key, value, ttlMs),
    setIfAbsent: (key, value, ttlMs) => store.setIfAbsent(key, value, ttlMs),
    delete: (keys) => store.delete(keys),
    clear: (prefix) => store.clear(prefix),
    async close() {
      await store.close();
      await close();
    },
  };
}

/** @throws {Error} that names the package when it is missing. */
async function loadRedis(): Promise<typeof import("./redis.ts")> {
  try {
    return await import("./redis.ts");
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(
      'MCPCache: the backends "redis" and "tiered" need the package ioredis: npm install ioredis',
      { cause: error },
    );
  }
}
