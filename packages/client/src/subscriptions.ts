import type { Clock, Logger } from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import { ReconnectSchedule } from "./http/reconnect-schedule.ts";
import { asFailure } from "./internal/as-failure.ts";
import { keepAwake } from "./internal/wait-awake.ts";
import type { Link } from "./link.ts";
import { acquireLink, type LinkSource } from "./link-source.ts";
import { isLost } from "./shared-link.ts";
import type {
  ChangeEvent,
  ListenFilter,
  ListenHandlers,
  Listening,
  ResourceListener,
} from "./subscription-types.ts";
import type { Acceptance, Feed, FeedError } from "./subscriptions/feed.ts";
import { LegacyFeed } from "./subscriptions/legacy-feed.ts";
import { Member, type MemberHandlers } from "./subscriptions/member.ts";
import { ModernFeed } from "./subscriptions/modern-feed.ts";
import {
  DEFAULT_RESUBSCRIBE,
  exhausted,
  isFinal,
  type ResubscribeOptions,
} from "./subscriptions/resubscribe.ts";
import {
  everyChange,
  includes,
  isSame,
  readFilter,
  unionOf,
  type Wanted,
} from "./subscriptions/wanted.ts";

/** What a hub needs of its client. */
export interface SubscriptionHubParts {
  readonly source: LinkSource;
  readonly logger: Logger;
  readonly clock: Clock;
  /**
   * Called with each change before the subscribers are; also, once for each thing subscribed to, when changes
   * may have been missed. What the client itself keeps of the server is stale then. Must not throw.
   */
  readonly onChange?: (event: ChangeEvent) => void;
  readonly options?: Partial<ResubscribeOptions>;
  /** From 0 to below 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** What the server was made to tell of, and what it agreed to. */
interface Served {
  readonly wanted: Wanted;
  readonly acceptance: Acceptance;
}

/** Attempts until a caller that begins to listen is told that it does not work. */
const JOIN_ATTEMPTS = 3;

/**
 * All subscriptions of one client, over one stream: a member more or less changes what the stream carries. When
 * it is lost it is opened again, with jittered backoff inside a budget, and every member is told of everything
 * that it may have missed.
 *
 * Its client feeds it: `opened` with each new link, `closed` when a link ends by itself, `notified` with what
 * tells of a change and belongs to no request, `serverStream` with the state of a GET stream.
 */
export class SubscriptionHub {
  readonly #parts: SubscriptionHubParts;
  /** A program that does nothing but listen must not end while its stream is away. */
  readonly #timers: Pick<Clock, "after">;
  readonly #options: ResubscribeOptions;
  readonly #members = new Set<Member>();
  readonly #closing = new AbortController();
  #schedule: ReconnectSchedule;
  #feed: Feed | undefined = undefined;
  #served: Served | undefined = undefined;
  #openedAtMs = 0;
  /** The stream was away, and nobody was told yet of what it missed. */
  #missed = false;
  #settling: Promise<void> | undefined = undefined;
  #dirty = false;
  /** After a refusal those that join are tried one by one, so that one does not spoil it for the others. */
  #oneByOne = false;
  #cancelRetry: (() => void) | undefined = undefined;
  /** The last attempt found that its session or version no longer holds. */
  #renewing = false;

  constructor(parts: SubscriptionHubParts) {
    this.#parts = parts;
    this.#timers = keepAwake(parts.clock);
    this.#options = { ...DEFAULT_RESUBSCRIBE, ...parts.options };
    this.#schedule = this.#newSchedule();
  }

  /**
   * Resolves once the server has agreed.
   * @throws {TypeError} for a filter that is none. @throws {MCPError} what the server answered.
   * @throws {MCPClientError} `not_supported` when it agrees to nothing of the filter, and everything else.
   */
  async listen(filter: ListenFilter, handlers: ListenHandlers): Promise<Listening> {
    return this.#join(readFilter(filter), {
      onChange: (event) => handlers.onChange(event),
      onState: (state, error) => handlers.onState?.(state, error),
    });
  }

  /** Hears of one resource and its parts. Throws as `listen` does. */
  async subscribe(uri: string, listener: ResourceListener): Promise<Listening> {
    return this.#join(readFilter({ resourceSubscriptions: [uri] }), {
      onChange: (event, resumed) => {
        if (event.kind === "resource") listener(event.uri, resumed ? "resumed" : "updated");
      },
      onState: () => {},
    });
  }

  /** A link was opened: the one below the feed may have been replaced without a word. */
  opened(link: Link): void {
    const feed = this.#feed;
    if (feed !== undefined && feed.link !== link && feed.link.over) {
      feed.lost(new MCPClientError("connection_lost", "the connection was replaced"));
    }
  }

  /** A link ended by itself. */
  closed(error: FeedError): void {
    if (this.#feed?.link.over === true) this.#feed.lost(error);
  }

  /**
   * A change was told outside of any request. In other sessions than that of the feed it is told once more.
   * @returns whether it was heard: then `onChange` was called.
   */
  notified(event: ChangeEvent, link: Link): boolean {
    return this.#feed?.link === link && this.#feed.notified(event);
  }

  /** Something became of a legacy server's GET stream. */
  serverStream(
    state: "open" | "interrupted" | "ended",
    error: MCPClientError | undefined,
    link: Link,
  ): void {
    if (this.#feed?.link === link) this.#feed.serverStream(state, error);
  }

  /** Ends every subscription. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new MCPClientError("closed", "the client was closed"));
    for (const member of this.#members) member.end("closed", undefined);
    this.#members.clear();
    this.#stopRetry();
    // The session ends with the client: nothing to take back one by one.
    await this.#dropFeed(undefined, false);
  }

  #join(wanted: Wanted, handlers: MemberHandlers): Promise<Listening> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted) {
        reject(this.#closing.signal.reason);
        return;
      }
      if (this.#members.size === 0) this.#schedule = this.#newSchedule();
      const { logger } = this.#parts;
      const leave = (member: Member): Promise<void> => this.#left(member);
      this.#members.add(new Member({ wanted, handlers, logger, leave, join: { resolve, reject } }));
      // Somebody waits: no time for patience.
      this.#stopRetry();
      void this.#settle();
    });
  }

  async #left(member: Member): Promise<void> {
    this.#members.delete(member);
    const settled = this.#settle();
    // Without a feed there is nobody to be told, and a connection in the making may take its time.
    if (this.#feed !== undefined) await settled;
  }

  /** Brings what the server tells of in line with what the members want; one run at a time. Never rejects. */
  #settle(): Promise<void> {
    this.#dirty = true;
    this.#settling ??= this.#run();
    return this.#settling;
  }

  async #run(): Promise<void> {
    // Members that come or go in one tick are one change.
    await Promise.resolve();
    try {
      while (this.#dirty) {
        this.#dirty = false;
        if (this.#members.size === 0) {
          this.#stopRetry();
          await this.#dropFeed(undefined, true);
        } else if (this.#cancelRetry === undefined) await this.#attempt();
      }
    } finally {
      // In the same turn as the last look at `#dirty`: whoever comes later begins a run of its own.
      this.#settling = undefined;
    }
  }

  async #attempt(): Promise<void> {
    this.#noticeLoss();
    let feed = this.#feed;
    if (feed === undefined) {
      try {
        feed = await this.#openFeed();
      } catch (error) {
        this.#unreachable(asFailure(error));
        return;
      }
    }
    const settled = feed;
    const candidates = this.#candidates();
    if (candidates.length === 0) {
      this.#dirty = true;
      return;
    }
    const wanted = unionOf(candidates.map((member) => member.wanted));
    const accepted = (acceptance: Acceptance): void => {
      if (this.#feed === settled) this.#accepted(candidates, { wanted, acceptance });
    };
    try {
      const served = this.#served;
      if (served !== undefined && isSame(served.wanted, wanted) && isEnough(served, candidates)) {
        accepted(served.acceptance);
      } else await settled.update(wanted, accepted);
    } catch (error) {
      this.#refused(settled, asFailure(error), candidates);
    }
    if ([...this.#members].some((member) => member.joining)) this.#dirty = true;
    else this.#oneByOne = false;
  }

  /** A link may have been closed without a word; those who begin now need not wait for that. */
  #noticeLoss(): void {
    if (this.#feed?.link.over !== true) return;
    this.#feed.lost(new MCPClientError("connection_lost", "the connection was closed"));
    this.#stopRetry();
  }

  /** Those whose wishes are tried together. */
  #candidates(): readonly Member[] {
    const all = [...this.#members];
    if (!this.#oneByOne) return all;
    const next = all.find((member) => member.joining);
    return all.filter((member) => !member.joining || member === next);
  }

  async #openFeed(): Promise<Feed> {
    const { logger } = this.#parts;
    const link = await acquireLink(this.#parts.source, this.#closing.signal);
    const FeedOfEra = link.era === "modern" ? ModernFeed : LegacyFeed;
    const feed: Feed = new FeedOfEra({
      link,
      clock: this.#timers,
      logger,
      acknowledgeMs: this.#options.acknowledgeMs,
      events: {
        onChange: (event) => this.#changed(event),
        onInterrupted: (error) => this.#interrupted(error),
        onResumed: () => this.#resumed(),
        onEnd: (error) => {
          if (this.#feed === feed) this.#ended(feed, error);
        },
      },
    });
    this.#feed = feed;
    this.#served = undefined;
    return feed;
  }

  #accepted(candidates: readonly Member[], served: Served): void {
    if (this.#served === undefined) this.#openedAtMs = this.#parts.clock.now();
    this.#served = served;
    this.#renewing = false;
    const returning = candidates.filter((member) => !member.joining);
    for (const member of candidates) {
      if (this.#members.has(member) && !member.accept(served.acceptance)) {
        this.#members.delete(member);
        this.#dirty = true;
      }
    }
    if (this.#missed) this.#catchUp(returning);
  }

  /** No link: nobody can begin, and nobody can go on. */
  #unreachable(error: FeedError): void {
    // The client is closed, or its options are such that no attempt can do better.
    if (isFinal(error) || error.code === "closed") {
      for (const member of this.#members) member.end("closed", error);
      this.#members.clear();
      return;
    }
    this.#countFailure([...this.#members], error);
    this.#retryLater(error);
  }

  /** The server did not agree to a change of what it tells of. */
  #refused(feed: Feed, error: FeedError, candidates: readonly Member[]): void {
    if (this.#closing.signal.aborted) return;
    const joining = candidates.filter((member) => member.joining);
    const begun = this.#served !== undefined && this.#feed === feed;
    if (!begun && this.#feed === feed) void this.#dropFeed(error, false);
    if (!isFinal(error)) {
      this.#countFailure(joining, error);
      if (!begun || joining.length > 0) this.#retryLater(error);
    } else if (joining.length > 1) {
      this.#oneByOne = true;
      this.#dirty = true;
    } else if (joining.length === 1 || !begun) {
      // Whoever came last is at fault; without newcomers it is what was agreed before.
      for (const member of joining.length === 1 ? joining : candidates) {
        member.end("closed", error);
        this.#members.delete(member);
      }
      this.#dirty = true;
    } else this.#parts.logger.warn({ err: error }, "a subscription could not be made smaller");
  }

  #countFailure(joining: readonly Member[], error: FeedError): void {
    for (const member of joining) {
      if (!member.joining || ++member.failures < JOIN_ATTEMPTS) continue;
      member.end("closed", error);
      this.#members.delete(member);
    }
  }

  #ended(feed: Feed, error: FeedError | undefined): void {
    this.#forgetFeed(feed, error);
    if (this.#parts.clock.now() - this.#openedAtMs >= this.#options.stableMs) {
      this.#schedule.worked();
    }
    this.#interrupted(error);
    if (error !== undefined && isFinal(error)) {
      for (const member of this.#members) {
        if (member.joining) continue;
        member.end("closed", error);
        this.#members.delete(member);
      }
      if (this.#members.size > 0) void this.#settle();
      return;
    }
    // A server that drains says so to all at once: they must not all come back at once.
    this.#retryLater(
      error ?? new MCPClientError("connection_lost", "the server ended the subscription"),
    );
  }

  #retryLater(error: FeedError): void {
    if (this.#members.size === 0 || this.#cancelRetry !== undefined) return;
    if (isLost(error) && !this.#renewing) {
      // What heals it is a new handshake, not time. Twice in a row it is no accident.
      this.#renewing = true;
      void this.#settle();
      return;
    }
    const delayMs = this.#schedule.next(undefined);
    if (delayMs === undefined) {
      const going = this.#feed !== undefined;
      for (const member of this.#members) {
        if (going && !member.joining) continue;
        member.end("exhausted", exhausted(error));
        this.#members.delete(member);
      }
      return;
    }
    this.#cancelRetry = this.#timers.after((error.retryAfterMs ?? 0) + delayMs, () => {
      this.#cancelRetry = undefined;
      void this.#settle();
    });
  }

  #changed(event: ChangeEvent): void {
    this.#parts.onChange?.(event);
    const hearing = [...this.#members].filter((member) => member.hears(event));
    // A part of a resource whose URI does not show whose part it is: any of them may be meant.
    const all = hearing.length === 0 && event.kind === "resource" ? this.#members : hearing;
    for (const member of [...all]) {
      if (hearing.length > 0 || member.hearsResources) member.change(event);
    }
  }

  #interrupted(error: FeedError | undefined): void {
    this.#missed = true;
    for (const member of this.#members) member.interrupted(error);
  }

  #resumed(): void {
    for (const member of this.#members) member.resumed();
    this.#catchUp([...this.#members]);
  }

  /** What was missed is not known: everything may have changed. */
  #catchUp(members: readonly Member[]): void {
    this.#missed = false;
    const { onChange } = this.#parts;
    const honoured = this.#served?.acceptance.honoured;
    if (honoured !== undefined && onChange !== undefined) everyChange(honoured).forEach(onChange);
    for (const member of members) member.catchUp();
  }

  async #dropFeed(failure: FeedError | undefined, telling: boolean): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined) return;
    if (telling) {
      // The link is still needed to take things back.
      await feed.close(true);
      if (this.#feed === feed) this.#forgetFeed(feed, failure);
    } else {
      this.#forgetFeed(feed, failure);
      await feed.close(false);
    }
  }

  #forgetFeed(feed: Feed, failure: FeedError | undefined): void {
    this.#feed = undefined;
    this.#served = undefined;
    this.#parts.source.release(feed.link, failure);
  }

  #newSchedule(): ReconnectSchedule {
    const { clock, random = Math.random } = this.#parts;
    return new ReconnectSchedule(this.#options, random, () => clock.now());
  }

  #stopRetry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }
}

/** Whether those that join get all that they want from what was agreed already. */
function isEnough({ acceptance }: Served, candidates: readonly Member[]): boolean {
  return candidates.every(
    (member) => !member.joining || includes(acceptance.honoured, member.wanted),
  );
}
