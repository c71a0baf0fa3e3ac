import { type MCPServerOptions, parseKeyRing } from "@backplane/server";

/** What replicas of this server have in common, when the environment says where it is. */
export interface SharedParts {
  readonly options: Partial<MCPServerOptions>;
  close(): Promise<void>;
}

/**
 * `SHARED_REDIS_URL`: sessions, resumable streams and notifications are in Redis. `REQUEST_STATE_KEYS`: `id:secret` pairs
 * that seal `requestState`. Without them, each process is for itself.
 */
export async function sharedParts(
  env: Readonly<Record<string, string | undefined>>,
): Promise<SharedParts> {
  const { SHARED_REDIS_URL, REQUEST_STATE_KEYS } = env;
  const keyRing = REQUEST_STATE_KEYS ? { keyRing: parseKeyRing(REQUEST_STATE_KEYS) } : {};
  if (!SHARED_REDIS_URL) return { options: keyRing, close: async () => {} };
  const [{ Redis }, { createRedisEventBus }, { createRedisEventLog, createRedisSessionStore }] =
    await Promise.all([
      import("ioredis"),
      import("@backplane/cache/redis"),
      import("@backplane/server/redis"),
    ]);
  const client = new Redis(SHARED_REDIS_URL, { maxRetriesPerRequest: 1, commandTimeout: 5_000 });
  const named = (part: string) => ({ client, prefix: `{backplane-everything}:${part}:` });
  const eventBus = createRedisEventBus(named("bus"));
  return {
    options: {
      ...keyRing,
      eventBus,
      eventLog: createRedisEventLog(named("events")),
      sessionStore: createRedisSessionStore(named("sessions")),
    },
    async close() {
      await eventBus.close();
      client.disconnect();
    },
  };
}
