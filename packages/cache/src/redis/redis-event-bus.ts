import {
  checkMembers,
  checkMethods,
  type EventBus,
  type Logger,
  silentLogger,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import type { Cluster, Redis } from "ioredis";
import { Deadlines } from "../internal/deadlines.ts";
import type { RedisConnection } from "./connection.ts";
import { readConnection } from "./redis-store.ts";

/** What {@link createRedisEventBus} takes: a connection of `createRedisConnection`, or a client. */
export interface RedisEventBusOptions {
  /** Publishes; a second one, made from it, listens. Stays the caller's. */
  readonly connection?: RedisConnection;
  /** A client of `ioredis`, or a `Cluster` of it. Stays the caller's. */
  readonly client?: Redis | Cluster;
  /** Begins every channel. Servers that share a bus share it. Default `backplane:bus:`. */
  readonly prefix?: string;
  /** How long Redis may take, in milliseconds. Default 1,000. */
  readonly timeoutMs?: number;
  /** Learns what a listener threw, and that the bus is away or back. Default: silent. */
  readonly logger?: Logger;
}

interface Subscription {
  readonly listener: (message: string) => void;
  active: boolean;
}

interface Topic {
  /** Replaced, never changed: a listener may come or go while they are called. */
  subscriptions: readonly Subscription[];
  /** Redis has been told. */
  subscribed: Promise<unknown>;
}

const SUBJECT = "createRedisEventBus";

class RedisEventBus implements EventBus {
  readonly #publisher: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #prefix: string;
  readonly #timeoutMs: number;
  readonly #logger: Logger;
  readonly #deadlines = new Deadlines(systemClock);
  readonly #topics = new Map<string, Topic>();
  readonly #gapListeners = new Set<() => void>();
  /** Whether messages may be missed now. */
  #away = false;
  #closed = false;

  constructor(publisher: RedisConnection, prefix: string, timeoutMs: number, logger: Logger) {
    this.#publisher = publisher;
    this.#subscriber = publisher.duplicate();
    this.#prefix = prefix;
    this.#timeoutMs = timeoutMs;
    this.#logger = logger;
    const { client } = this.#subscriber;
    client.on("message", (channel: string, message: string) => this.#deliver(channel, message));
    client.on("close", () => this.#lost());
    client.on("ready", () => void this.#found());
  }

  async publish(topic: string, message: string): Promise<void> {
    this.#assertOpen();
    const channel = this.#prefix + topic;
    await this.#publisher.ready();
    const { client } = this.#publisher;
    if (client.status !== "ready") {
      // Nobody else can be told now, but whoever listens in this process need not miss it.
      setImmediate(() => this.#deliver(channel, message));
      throw new Error(`the event bus is away: Redis is not connected (${client.status})`);
    }
    await this.#deadlines.limit(this.#timeoutMs, client.publish(channel, message));
  }

  async subscribe(
    topic: string,
    listener: (message: string) => void,
  ): Promise<() => Promise<void>> {
    this.#assertOpen();
    const channel = this.#prefix + topic;
    const subscription: Subscription = { listener, active: true };
    const known = this.#topics.get(channel);
    const entry = known ?? { subscriptions: [], subscribed: this.#subscribeTo([channel]) };
    entry.subscriptions = [...entry.subscriptions, subscription];
    this.#topics.set(channel, entry);
    try {
      await entry.subscribed;
    } catch (error) {
      this.#remove(channel, entry, subscription);
      throw error;
    }
    return async () => {
      if (!subscription.active) return;
      this.#remove(channel, entry, subscription);
      // What Redis goes on sending is dropped here, so that its failure is nobody's.
      if (entry.subscriptions.length === 0 && !this.#closed) {
        await this.#subscriber.client.unsubscribe(channel).catch(() => {});
      }
    };
  }

  onGap(listener: () => void): () => void {
    this.#gapListeners.add(listener);
    return () => this.#gapListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#topics.clear();
    this.#gapListeners.clear();
    this.#deadlines.close();
    await this.#subscriber.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error("EventBus: used after close");
  }

  async #subscribeTo(channels: readonly string[]): Promise<void> {
    await this.#subscriber.ready();
    const { client } = this.#subscriber;
    await this.#deadlines.limit(this.#timeoutMs, client.subscribe(...channels));
  }

  #remove(channel: string, entry: Topic, subscription: Subscription): void {
    subscription.active = false;
    entry.subscriptions = entry.subscriptions.filter((other) => other !== subscription);
    if (entry.subscriptions.length === 0 && this.#topics.get(channel) === entry) {
      this.#topics.delete(channel);
    }
  }

  #lost(): void {
    if (this.#away || this.#closed || this.#topics.size === 0) return;
    this.#away = true;
    this.#logger.warn({}, "the event bus is away: other replicas are not heard");
  }

  /** Redis forgets a connection's subscriptions with it. */
  async #found(): Promise<void> {
    const channels = [...this.#topics.keys()];
    if (!this.#away) return;
    try {
      if (channels.length > 0) await this.#subscribeTo(channels);
    } catch {
      // Broken again, or too slow: the connection is made anew, and this runs again.
      this.#subscriber.client.disconnect(true);
      return;
    }
    this.#away = false;
    this.#logger.info({}, "the event bus is back");
    for (const listener of [...this.#gapListeners]) this.#call(listener);
  }

  #deliver(channel: string, message: string): void {
    for (const subscription of this.#topics.get(channel)?.subscriptions ?? []) {
      if (subscription.active && !this.#closed) this.#call(() => subscription.listener(message));
    }
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#logger.error({ err: error }, "a listener of the event bus failed");
    }
  }
}

/**
 * A bus over Redis publish and subscribe: what one server object publishes reaches the clients of all. While
 * Redis is away nothing waits: publishing fails at once, and only this process's own listeners are told. When it
 * is back, `onGap` says that messages may have been missed.
 * @throws {TypeError} that names the option.
 */
export function createRedisEventBus(options: RedisEventBusOptions): EventBus {
  checkMembers(SUBJECT, options, ["connection", "client", "prefix", "timeoutMs", "logger"]);
  checkMethods(SUBJECT, "logger", options.logger, ["debug", "info", "warn", "error"]);
  const { prefix = "backplane:bus:", logger = silentLogger } = options;
  if (typeof prefix !== "string" || prefix === "") {
    throw new TypeError(`${SUBJECT}: option "prefix" must be a non-empty string`);
  }
  const timeoutMs = wholeNumber(SUBJECT, "timeoutMs", options.timeoutMs ?? 1_000);
  return new RedisEventBus(readConnection(SUBJECT, options), prefix, timeoutMs, logger);
}
