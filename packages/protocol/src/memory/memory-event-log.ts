import { checkMembers, wholeNumber } from "../option-checks.ts";
import type { Clock } from "../seams/clock.ts";
import type { EventLog, LoggedEvent } from "../seams/event-log.ts";
import { systemClock } from "./system-clock.ts";

/** Bounds of {@link createMemoryEventLog}, whole numbers of 1 or more. Sizes count UTF-16 code units, the unit of a string's length. */
export interface MemoryEventLogOptions {
  /** Events kept of one stream. Default 1,000. */
  readonly maxEventsPerStream?: number;
  /** Default 4 Mi, so that the largest message of the default limits can be replayed. */
  readonly maxBytesPerStream?: number;
  /** Streams kept at once; ended ones go first. Default 10,000. */
  readonly maxStreams?: number;
  /** All streams together; ended ones go first. Default 64 Mi. */
  readonly maxTotalBytes?: number;
  /**
   * How long a stream is kept after its last event or its end. Default 10 minutes, above the
   * default idle deadline, so that a stream does not expire under a call that still runs.
   */
  readonly retentionMs?: number;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

interface Stream {
  readonly events: { readonly sequence: number; readonly event: LoggedEvent }[];
  bytes: number;
  /** The newest event that fell out of the bounds; 0 while the stream is whole. */
  droppedThrough: number;
  touchedAtMs: number;
}

const DEFAULTS = {
  maxEventsPerStream: 1_000,
  maxBytesPerStream: 2 ** 22,
  maxStreams: 10_000,
  maxTotalBytes: 2 ** 26,
  retentionMs: 600_000,
};

const SEQUENCE = /^[1-9][0-9]{0,15}$/;

class MemoryEventLog implements EventLog {
  // Two maps, each in the order of last use, so that making room starts with what has ended.
  readonly #running = new Map<string, Stream>();
  readonly #ended = new Map<string, Stream>();
  readonly #maxEventsPerStream: number;
  readonly #maxBytesPerStream: number;
  readonly #maxStreams: number;
  readonly #maxTotalBytes: number;
  readonly #retentionMs: number;
  readonly #clock: Clock;
  #totalBytes = 0;
  // One sequence for all streams: a stream that was forgotten and began anew never repeats an id.
  #sequence = 0;

  constructor(options: MemoryEventLogOptions) {
    const owner = "createMemoryEventLog";
    checkMembers(owner, options, [...Object.keys(DEFAULTS), "clock"]);
    const read = (name: keyof typeof DEFAULTS): number =>
      wholeNumber(owner, name, options[name] ?? DEFAULTS[name]);
    this.#maxEventsPerStream = read("maxEventsPerStream");
    this.#maxBytesPerStream = read("maxBytesPerStream");
    this.#maxStreams = read("maxStreams");
    this.#maxTotalBytes = read("maxTotalBytes");
    this.#retentionMs = read("retentionMs");
    this.#clock = options.clock ?? systemClock;
  }

  async append(streamId: string, data: string): Promise<string> {
    const nowMs = this.#clock.now();
    this.#expire(nowMs);
    if (this.#ended.has(streamId)) throw new Error("EventLog: append to a stream that has ended");
    const stream = this.#running.get(streamId) ?? this.#open();
    stream.touchedAtMs = nowMs;
    this.#running.delete(streamId);
    this.#running.set(streamId, stream);
    const sequence = ++this.#sequence;
    const id = String(sequence);
    stream.events.push({ sequence, event: { id, data } });
    stream.bytes += data.length;
    this.#totalBytes += data.length;
    this.#trim(stream);
    this.#makeRoom(stream);
    return id;
  }

  async end(streamId: string): Promise<void> {
    const stream = this.#running.get(streamId);
    if (stream === undefined) return;
    stream.touchedAtMs = this.#clock.now();
    this.#running.delete(streamId);
    this.#ended.set(streamId, stream);
  }

  async read(
    streamId: string,
    lastEventId: string | undefined,
  ): Promise<{ readonly events: readonly LoggedEvent[]; readonly ended: boolean } | undefined> {
    this.#expire(this.#clock.now());
    const running = this.#running.get(streamId);
    const stream = running ?? this.#ended.get(streamId);
    if (stream === undefined) return undefined;
    const first = firstAfter(stream, lastEventId);
    if (first === undefined) return undefined;
    const events = stream.events.slice(first).map(({ event }) => event);
    return { events, ended: running === undefined };
  }

  async delete(streamIds: readonly string[]): Promise<void> {
    for (const streamId of streamIds) {
      this.#forget(this.#running, streamId);
      this.#forget(this.#ended, streamId);
    }
  }

  async close(): Promise<void> {
    this.#running.clear();
    this.#ended.clear();
    this.#totalBytes = 0;
  }

  #open(): Stream {
    return { events: [], bytes: 0, droppedThrough: 0, touchedAtMs: 0 };
  }

  #trim(stream: Stream): void {
    while (
      stream.events.length > this.#maxEventsPerStream ||
      stream.bytes > this.#maxBytesPerStream
    ) {
      const dropped = stream.events.shift();
      if (dropped === undefined) return;
      stream.droppedThrough = dropped.sequence;
      stream.bytes -= dropped.event.data.length;
      this.#totalBytes -= dropped.event.data.length;
    }
  }

  #makeRoom(appended: Stream): void {
    while (this.#isOverfull() && this.#forgetOldest(this.#ended, appended));
    while (this.#isOverfull() && this.#forgetOldest(this.#running, appended));
  }

  #isOverfull(): boolean {
    return (
      this.#running.size + this.#ended.size > this.#maxStreams ||
      this.#totalBytes > this.#maxTotalBytes
    );
  }

  #forgetOldest(streams: Map<string, Stream>, except: Stream): boolean {
    for (const [streamId, stream] of streams) {
      if (stream === except) return false;
      this.#forget(streams, streamId);
      return true;
    }
    return false;
  }

  #expire(nowMs: number): void {
    for (const streams of [this.#ended, this.#running]) {
      for (const [streamId, stream] of streams) {
        if (nowMs - stream.touchedAtMs < this.#retentionMs) break;
        this.#forget(streams, streamId);
      }
    }
  }

  #forget(streams: Map<string, Stream>, streamId: string): void {
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    streams.delete(streamId);
    this.#totalBytes -= stream.bytes;
  }
}

/** The index of the first event to replay; undefined when a part of what follows is missing. */
function firstAfter(stream: Stream, lastEventId: string | undefined): number | undefined {
  if (lastEventId === undefined) return stream.droppedThrough === 0 ? 0 : undefined;
  if (!SEQUENCE.test(lastEventId)) return undefined;
  const sequence = Number(lastEventId);
  if (sequence === stream.droppedThrough) return 0;
  let low = 0;
  let high = stream.events.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = (stream.events[middle] as Stream["events"][number]).sequence;
    if (found === sequence) return middle + 1;
    if (found < sequence) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/**
 * Event logs in this process's memory: lost on restart, not shared with other replicas. A stream that
 * passes its bounds loses its oldest events; when all streams together pass theirs, whole streams go,
 * ended ones first, then those without news for longest.
 *
 * @throws {TypeError} for an option that is unknown, or a bound that is no whole number of 1 or more.
 */
export function createMemoryEventLog(options: MemoryEventLogOptions = {}): EventLog {
  return new MemoryEventLog(options);
}
