import { type EventLog, systemClock } from "@backplane/protocol";
import { randomId } from "../internal/random-id.ts";
import type { SseEvent, SseStream } from "./exchange.ts";
import { eventId, MISSED_BEATS, successorIn } from "./logged-stream.ts";

/** How a follower came to its end: everything was sent; the log or its writer is gone; the client left. */
export type FollowOutcome = "ended" | "lost" | "stopped";

export interface LogFollowerOptions {
  readonly log: EventLog;
  readonly streamId: string;
  readonly key: string;
  /** The log's id of the last event that the client has; undefined when it has none of the stream. */
  readonly lastId: string | undefined;
  readonly connection: SseStream;
  /** The queue past which the connection would be dropped. */
  readonly maxQueuedBytes: number;
  /** Tells the writer, wherever it is, that the follower of this name reads along. */
  announce(name: string): void;
}

/**
 * Sends one connection what a stream's log holds after a point, and goes on as it grows. The writer may
 * be at another server object: it says when to look.
 */
export class LogFollower {
  readonly done: Promise<FollowOutcome>;
  /** Tells followers of one stream apart: only the newest goes on. */
  readonly name: string = randomId();
  readonly #options: LogFollowerOptions;
  /** The stream that took this one's place, once the log has said so. */
  successor: string | undefined = undefined;
  #lastId: string | undefined;
  #settle: (outcome: FollowOutcome) => void = () => {};
  #finished = false;
  #reading = false;
  #again = false;
  #missedBeats = 0;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
    this.#lastId = options.lastId;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Announces itself before it reads: what is written in between is then announced back. */
  start(): void {
    this.#options.announce(this.name);
    void this.#read();
  }

  /** The log has grown or ended. */
  grew(): void {
    this.#missedBeats = 0;
    void this.#read();
  }

  /** Called once per tick: the writer answers an announcement, unless its process died. */
  beat(): void {
    if (++this.#missedBeats > MISSED_BEATS) {
      this.#finish("lost");
      return;
    }
    this.#options.announce(this.name);
    // What the bus lost costs a tick, not the rest of the stream.
    void this.#read();
  }

  stop(): void {
    this.#finish("stopped");
  }

  async #read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    const { log, streamId, key } = this.#options;
    try {
      do {
        this.#again = false;
        const page = await log.read(streamId, this.#lastId);
        if (this.#finished) return;
        if (page === undefined) return this.#finish("lost");
        for (const { id, data } of page.events) {
          this.#lastId = id;
          const successor = successorIn(data);
          if (successor !== undefined) this.successor = successor;
          // An event without data only gave the client an id, and it has a newer one.
          else if (data !== "") await this.#send({ id: eventId(key, id), data });
          if (this.#finished) return;
        }
        if (page.ended) return this.#finish("ended");
      } while (this.#again);
    } catch {
      this.#finish("lost");
    } finally {
      this.#reading = false;
    }
  }

  /** A log may hold more than may be queued for one reader: what is read is sent as it leaves. */
  async #send(event: SseEvent): Promise<void> {
    const { connection, maxQueuedBytes } = this.#options;
    while (connection.queuedBytes > maxQueuedBytes / 2 && !connection.closed && !this.#finished) {
      await pause();
    }
    if (!this.#finished) connection.send(event);
  }

  #finish(outcome: FollowOutcome): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#settle(outcome);
  }
}

const PAUSE_MS = 20;

function pause(): Promise<void> {
  return new Promise((resolve) => systemClock.after(PAUSE_MS, resolve));
}
