import { type Clock, type Logger, type MCPError, monotonicClock } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import { ReconnectSchedule } from "../http/reconnect-schedule.ts";
import type { Link } from "../link.ts";
import type { LinkSource, LinkTaker } from "../link-source.ts";
import type { Agreement } from "../server-description.ts";
import { LinkQueue } from "./link-queue.ts";
import { IdleMembers, isDisconnect, type Member, verdictOn } from "./pool-member.ts";
import type { PoolOptions } from "./pool-options.ts";
import { type DiscardReason, noDiscards, type PoolStats } from "./pool-stats.ts";
import { PoolUpkeep, type UpkeepHost } from "./pool-upkeep.ts";

/** What a pool is made of. */
export interface LinkPoolParts {
  readonly options: PoolOptions;
  /**
   * Opens a connection of one socket or session and proves it. Bounded in time; rejects with a typed error,
   * also when the signal fires.
   */
  readonly open: (signal: AbortSignal) => Promise<Link>;
  /** Called with the first connection of a server that may be another than before. */
  readonly onServer: (link: Link) => void;
  /** Asks the server over an idle connection. Bounded in time; rejects when the connection is of no use. */
  readonly check: (link: Link) => Promise<void>;
  readonly logger: Logger;
  /** Monotonic. Default: the process's. */
  readonly clock?: Pick<Clock, "now" | "after">;
  readonly random?: () => number;
}

/** Waits between attempts to open what is missing; a server that is away is never given up. */
const REOPEN = {
  maxAttempts: Number.POSITIVE_INFINITY,
  initialDelayMs: 100,
  maxDelayMs: 30_000,
  budgetMs: Number.POSITIVE_INFINITY,
};

/**
 * A bounded number of links, each for one request at a time. The last one given back is the first handed out,
 * so that those that are not needed grow old; requests that wait are served in their order.
 */
export class LinkPool implements LinkSource {
  readonly #parts: LinkPoolParts;
  readonly #options: PoolOptions;
  readonly #clock: Pick<Clock, "now" | "after">;
  readonly #random: () => number;
  readonly #members = new Map<Link, Member>();
  readonly #idle = new IdleMembers();
  readonly #queue: LinkQueue;
  readonly #upkeep: PoolUpkeep;
  /** With what ends each: Node warns of a leak when one signal has many listeners. */
  readonly #opening = new Map<Promise<void>, AbortController>();
  readonly #closing = new Set<Promise<void>>();
  readonly #reopen: ReconnectSchedule;
  readonly #discarded: Record<DiscardReason, number> = noDiscards();
  #created = 0;
  #failedToOpen = 0;
  #generation = 0;
  /** The generation of the last server that was told of. */
  #toldOf = -1;
  /** Connections that end are replaced: not before one has worked. */
  #keepsMin = false;
  #connecting: Promise<void> | undefined = undefined;
  #cancelReopen: (() => void) | undefined = undefined;
  #closed = false;
  agreement: Agreement | undefined = undefined;

  constructor(parts: LinkPoolParts) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#clock = parts.clock ?? monotonicClock;
    this.#random = parts.random ?? Math.random;
    const { connectionTimeoutMs } = this.#options;
    this.#queue = new LinkQueue(connectionTimeoutMs, this.#clock, () => this.#describe());
    this.#reopen = new ReconnectSchedule(REOPEN, this.#random, () => this.#clock.now());
    this.#upkeep = new PoolUpkeep(this.#host(), this.#options, this.#clock, parts.check);
  }

  get stats(): PoolStats {
    return {
      open: this.#members.size,
      idle: this.#idle.size,
      busy: this.#members.size - this.#idle.size,
      opening: this.#opening.size,
      waiting: this.#queue.size,
      created: this.#created,
      failedToOpen: this.#failedToOpen,
      discarded: { ...this.#discarded },
    };
  }

  /** Opens `minConnections`, at least one. When that fails, nothing stays open. Idempotent. */
  connect(): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  acquire(taker: LinkTaker): Link | MCPClientError | undefined {
    for (let member = this.#idle.pop(); member !== undefined; member = this.#idle.pop()) {
      if (!member.link.over) return member.link;
      this.#discard(member, "over");
    }
    if (this.#closed) return closedError();
    if (this.#queue.size >= this.#options.maxWaiting) {
      return new MCPClientError(
        "overloaded",
        `as many requests wait for a connection as maxWaiting allows: ${this.#describe()}`,
      );
    }
    this.#queue.wait(taker);
    this.#grow();
    return undefined;
  }

  get isAwaited(): boolean {
    return this.#queue.size > 0;
  }

  cancel(taker: LinkTaker): void {
    this.#queue.cancel(taker);
  }

  release(link: Link, failure: MCPError | MCPClientError | undefined): void {
    const member = this.#members.get(link);
    // It was discarded while it was held, as by `close`.
    if (member === undefined) return;
    if (failure !== undefined) this.#judge(member, failure);
    if (this.#mayGoOn(member) && !this.#queue.hand(link)) {
      member.usedAtMs = this.#clock.now();
      if (failure === undefined) member.provedAtMs = member.usedAtMs;
      this.#idle.push(member);
    }
  }

  /** Ends every connection: requests under way and waiting fail with `closed`. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#forgetReopening();
    this.#upkeep.stop();
    this.#queue.close(closedError());
    for (const member of [...this.#members.values()]) this.#end(member, "closed", true);
    // What still opens is closed as soon as it is open.
    for (const controller of this.#opening.values()) controller.abort(closedError());
    await Promise.allSettled(this.#opening.keys());
    await Promise.all(this.#closing);
  }

  async #connect(): Promise<void> {
    const fresh = !this.#keepsMin;
    await Promise.all(this.#closing);
    try {
      // The first one finds out the era for all.
      if (this.#members.size === 0) await (this.#opening.keys().next().value ?? this.#open());
      this.#grow(this.#options.minConnections);
      const opened = await Promise.allSettled(this.#opening.keys());
      const failure = opened.find((outcome) => outcome.status === "rejected");
      const complete = this.#members.size >= this.#options.minConnections;
      if (failure !== undefined && !complete) throw failure.reason;
    } catch (error) {
      if (fresh) this.#abandon();
      throw this.#closed ? closedError() : error;
    }
    if (this.#closed) throw closedError();
    this.#keepsMin = true;
  }

  /** A pool that could not be connected holds nothing, so that it can be dropped. */
  #abandon(): void {
    this.#forgetReopening();
    for (const member of this.#idle.all()) this.#end(member, "closed");
  }

  /** Opens as many as are needed and allowed. */
  #grow(min: number = this.#keepsMin ? this.#options.minConnections : 0): void {
    if (this.#closed) return;
    const { maxConnections } = this.#options;
    const open = this.#members.size;
    // While an attempt to open waits for its time, what is open serves those that wait.
    if (this.#cancelReopen !== undefined && open > 0) return;
    const needed = Math.max(this.#queue.size, min - open);
    // A server to which nothing is open is not knocked at by a crowd.
    const allowed = open === 0 ? Math.min(needed, 1) : needed;
    while (
      this.#opening.size < allowed &&
      open + this.#opening.size + this.#closing.size < maxConnections
    ) {
      this.#open().catch(() => {
        // `#failed` has told those that wait.
      });
    }
  }

  #open(): Promise<void> {
    const controller = new AbortController();
    const opening = this.#parts.open(controller.signal).then(
      (link) => {
        this.#opening.delete(opening);
        this.#opened(link);
      },
      (error: unknown) => {
        this.#opening.delete(opening);
        this.#failed(error);
        throw error;
      },
    );
    this.#opening.set(opening, controller);
    return opening;
  }

  #opened(link: Link): void {
    this.#created++;
    const nowMs = this.#clock.now();
    const member: Member = {
      link,
      expiresAtMs: nowMs + this.#options.maxLifetimeMs * (1 - this.#random() / 10),
      generation: this.#generation,
      usedAtMs: nowMs,
      provedAtMs: nowMs,
      ends: undefined,
    };
    const first = this.#members.size === 0 || this.#toldOf !== this.#generation;
    this.#members.set(link, member);
    if (this.#closed) {
      this.#discard(member, "closed");
      return;
    }
    this.#toldOf = this.#generation;
    if (first) this.#parts.onServer(link);
    this.agreement = { era: link.era, revision: link.revision };
    // While it connects, it is for that to say whether the pool works.
    if (this.#connecting === undefined) this.#keepsMin = true;
    this.#reopen.worked();
    this.#forgetReopening();
    if (!this.#queue.hand(link)) this.#idle.push(member);
    this.#upkeep.start();
    this.#grow();
  }

  #failed(error: unknown): void {
    this.#failedToOpen++;
    if (this.#closed) return;
    this.#parts.logger.warn({ err: error }, "could not open a connection of the pool");
    // With nothing open and nothing opening, waiting longer would only hide why.
    if (this.#members.size === 0 && this.#opening.size === 0) this.#queue.rejectAll(error);
    if (this.#cancelReopen !== undefined || !(this.#keepsMin || this.#queue.size > 0)) return;
    const delayMs = this.#reopen.next(undefined) ?? REOPEN.maxDelayMs;
    this.#cancelReopen = this.#clock.after(delayMs, () => {
      this.#cancelReopen = undefined;
      this.#grow();
    });
  }

  #forgetReopening(): void {
    this.#cancelReopen?.();
    this.#cancelReopen = undefined;
  }

  /** What a failure means for the connection it happened on, and for the others. */
  #judge(member: Member, failure: MCPError | MCPClientError): void {
    const verdict = verdictOn(failure);
    if (verdict === undefined) return;
    member.ends ??= verdict;
    if (isDisconnect(failure)) this.#upkeep.checkAll();
    // The others know the server as it was, unless they were opened since.
    if (verdict === "stale" && member.generation === this.#generation) {
      this.#generation++;
      for (const other of [...this.#members.values()]) {
        if (other !== member) this.#end(other, "stale");
      }
    }
  }

  /** Whether one that is given back is of use. */
  #mayGoOn(member: Member): boolean {
    const reason = member.ends ?? (member.link.over ? "over" : undefined);
    if (reason !== undefined) this.#discard(member, reason);
    return reason === undefined;
  }

  /** Now when it is idle or has to be, else as soon as it is given back. */
  #end(member: Member, reason: DiscardReason, atOnce = false): void {
    if (this.#idle.remove(member) || atOnce) this.#discard(member, reason);
    else member.ends ??= reason;
  }

  /** For one that is not idle. Until it is closed, nothing takes its place. */
  #discard(member: Member, reason: DiscardReason): void {
    const { link } = member;
    const { logger } = this.#parts;
    this.#members.delete(link);
    this.#discarded[reason]++;
    logger.debug({ reason }, "a connection of the pool ends");
    const closing = link
      .close()
      .catch((error: unknown) => {
        logger.debug({ reason, err: error }, "a connection of the pool did not close cleanly");
      })
      .then(() => {
        this.#closing.delete(closing);
        this.#grow();
      });
    this.#closing.add(closing);
    this.#grow();
  }

  #host(): UpkeepHost {
    return {
      idle: this.#idle,
      members: this.#members,
      end: (member, reason) => this.#end(member, reason),
      healthy: (member) => {
        if (this.#mayGoOn(member) && !this.#queue.hand(member.link)) this.#idle.putBack(member);
      },
      unhealthy: (member, failure) => {
        this.#judge(member, failure);
        this.#discard(member, member.ends === "stale" ? "stale" : "unhealthy");
      },
    };
  }

  #describe(): string {
    const { open, busy, opening, waiting } = this.stats;
    return `${open} of at most ${this.#options.maxConnections} open, ${busy} busy, ${opening} opening, ${waiting} waiting`;
  }
}

function closedError(): MCPClientError {
  return new MCPClientError("closed", "the pool was closed");
}
