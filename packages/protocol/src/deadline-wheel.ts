import { monotonicClock } from "./memory/system-clock.ts";
import type { Clock } from "./seams/clock.ts";

/** Which clock ran out: `idle` is reset by progress, `total` is not. */
export type DeadlineKind = "idle" | "total";

/**
 * One running call, as the wheel sees it. The call's own object carries the list fields, so that
 * watching it allocates nothing.
 */
export interface DeadlineEntry {
  /** Longest time without `touch`. `Infinity` for none. */
  idleMs: number;
  /** Longest time from the start. `Infinity` for none. */
  totalMs: number;
  /** Start of the call on the wheel's clock: {@link DeadlineWheel.now}. */
  startedAtMs: number;
  /** Called once, after the entry has left the wheel. Must not throw. */
  onDeadline(which: DeadlineKind, limitMs: number): void;
  // Owned by the wheel; begin as 0, -1, undefined and undefined.
  wheelTouchedAtMs: number;
  wheelSlot: number;
  wheelNext: DeadlineEntry | undefined;
  wheelPrevious: DeadlineEntry | undefined;
}

/** A limit that is nothing else: one span from its start, not reset by anything. */
export class TotalDeadline implements DeadlineEntry {
  readonly idleMs: number = Number.POSITIVE_INFINITY;
  readonly totalMs: number;
  startedAtMs: number;
  wheelTouchedAtMs = 0;
  wheelSlot = -1;
  wheelNext: DeadlineEntry | undefined = undefined;
  wheelPrevious: DeadlineEntry | undefined = undefined;
  readonly #onPassed: (limitMs: number) => void;

  /** @param onPassed must not throw. */
  constructor(totalMs: number, startedAtMs: number, onPassed: (limitMs: number) => void) {
    this.totalMs = totalMs;
    this.startedAtMs = startedAtMs;
    this.#onPassed = onPassed;
  }

  onDeadline(_which: DeadlineKind, limitMs: number): void {
    this.#onPassed(limitMs);
  }
}

const TICK_MS = 64;
const SLOTS = 512;
const SLOT_MASK = SLOTS - 1;
/** Where entries stand that are due, until their turn comes within a tick. */
const DUE = SLOTS;
const NOWHERE = -1;
/** In place of a slot: the clocks of the call stand still. Lower by one for each further pause. */
const PAUSED = -2;

/**
 * All deadlines of a server or a client behind one timer, because a `setTimeout` per call costs more than the rest
 * of a short call's bookkeeping. A deadline never fires early, and up to two ticks (128 ms) late.
 */
export class DeadlineWheel {
  readonly #clock: Pick<Clock, "now" | "after">;
  readonly #heads: (DeadlineEntry | undefined)[] = new Array(SLOTS + 1).fill(undefined);
  #size = 0;
  /** The last tick whose slot was looked at. */
  #tick = 0;
  #cancelTimer: (() => void) | undefined;
  readonly #onTimer: () => void = () => this.#advance();

  constructor(clock: Pick<Clock, "now" | "after"> = monotonicClock) {
    this.#clock = clock;
  }

  /** Calls watched now. */
  get size(): number {
    return this.#size;
  }

  /** The wheel's time, for `startedAtMs`. */
  now(): number {
    return this.#clock.now();
  }

  /** Watches a call. One without limits, or already watched or paused, is left as it is. O(1). */
  add(entry: DeadlineEntry): void {
    if (entry.wheelSlot === NOWHERE) this.#watch(entry, entry.startedAtMs);
  }

  /** Stops watching a call; no-op for one that is not watched. O(1). */
  remove(entry: DeadlineEntry): void {
    if (entry.wheelSlot <= PAUSED) entry.wheelSlot = NOWHERE;
    if (entry.wheelSlot === NOWHERE) return;
    this.#unlink(entry);
    // The timer is left to find an empty wheel: disarming here would make one per call under light load.
    this.#size--;
  }

  /** Progress: the idle time begins anew. The entry stays where it is until its slot comes round. O(1). */
  touch(entry: DeadlineEntry): void {
    // While paused the field says since when.
    if (entry.wheelSlot > PAUSED) entry.wheelTouchedAtMs = this.#clock.now();
  }

  /** Stops both clocks of a watched call, as while it waits for its client. Pauses add up. O(1). */
  pause(entry: DeadlineEntry): void {
    if (entry.wheelSlot === NOWHERE) return;
    if (entry.wheelSlot <= PAUSED) {
      entry.wheelSlot--;
      return;
    }
    this.remove(entry);
    entry.wheelSlot = PAUSED;
    entry.wheelTouchedAtMs = this.#clock.now();
  }

  /**
   * Ends one pause. With the last, the idle time begins anew and the total goes on where it stood.
   * No-op for a call that is not paused, or was removed meanwhile. O(1).
   */
  resume(entry: DeadlineEntry): void {
    if (entry.wheelSlot < PAUSED) entry.wheelSlot++;
    else if (entry.wheelSlot === PAUSED) {
      entry.wheelSlot = NOWHERE;
      const nowMs = this.#clock.now();
      entry.startedAtMs += nowMs - entry.wheelTouchedAtMs;
      this.#watch(entry, nowMs);
    }
  }

  /** Forgets every call without firing, and releases the timer. */
  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (let slot = 0; slot < this.#heads.length; slot++) {
      for (let entry = this.#heads[slot]; entry !== undefined; entry = this.#heads[slot]) {
        this.remove(entry);
      }
    }
  }

  #watch(entry: DeadlineEntry, touchedAtMs: number): void {
    entry.wheelTouchedAtMs = touchedAtMs;
    const dueAtMs = dueAt(entry);
    if (dueAtMs === Number.POSITIVE_INFINITY) return;
    if (this.#cancelTimer === undefined) {
      this.#tick = Math.floor(this.#clock.now() / TICK_MS);
      this.#arm();
    }
    this.#size++;
    this.#place(entry, dueAtMs);
  }

  #arm(): void {
    this.#cancelTimer = this.#clock.after(TICK_MS, this.#onTimer);
  }

  #advance(): void {
    this.#cancelTimer = undefined;
    if (this.#size === 0) return;
    const nowMs = this.#clock.now();
    const newest = Math.floor(nowMs / TICK_MS);
    // After a pause of more than a revolution, one look at each slot is enough.
    const oldest = Math.max(this.#tick + 1, newest - SLOT_MASK);
    this.#tick = newest;
    for (let tick = oldest; tick <= newest; tick++) this.#sort(tick & SLOT_MASK, nowMs);
    this.#arm();
    this.#fire(nowMs);
  }

  /** Takes what is due out of a slot and moves on what was touched or is a revolution away. */
  #sort(slot: number, nowMs: number): void {
    let entry = this.#heads[slot];
    while (entry !== undefined) {
      const next = entry.wheelNext;
      const dueAtMs = dueAt(entry);
      this.#unlink(entry);
      if (dueAtMs <= nowMs) this.#link(entry, DUE);
      else this.#place(entry, dueAtMs);
      entry = next;
    }
  }

  // A callback may remove, add or close; hence always the head, and never a kept pointer.
  #fire(nowMs: number): void {
    let failure: { error: unknown } | undefined;
    for (let entry = this.#heads[DUE]; entry !== undefined; entry = this.#heads[DUE]) {
      this.remove(entry);
      const total = entry.startedAtMs + entry.totalMs <= nowMs;
      try {
        entry.onDeadline(total ? "total" : "idle", total ? entry.totalMs : entry.idleMs);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  #place(entry: DeadlineEntry, dueAtMs: number): void {
    const tick = Math.max(Math.floor(dueAtMs / TICK_MS), this.#tick) + 1;
    this.#link(entry, tick & SLOT_MASK);
  }

  #link(entry: DeadlineEntry, slot: number): void {
    const head = this.#heads[slot];
    entry.wheelSlot = slot;
    entry.wheelNext = head;
    entry.wheelPrevious = undefined;
    if (head !== undefined) head.wheelPrevious = entry;
    this.#heads[slot] = entry;
  }

  #unlink(entry: DeadlineEntry): void {
    const { wheelNext: next, wheelPrevious: previous } = entry;
    if (previous === undefined) this.#heads[entry.wheelSlot] = next;
    else previous.wheelNext = next;
    if (next !== undefined) next.wheelPrevious = previous;
    entry.wheelSlot = NOWHERE;
    entry.wheelNext = undefined;
    entry.wheelPrevious = undefined;
  }
}

function dueAt(entry: DeadlineEntry): number {
  const idleAtMs = entry.wheelTouchedAtMs + entry.idleMs;
  const totalAtMs = entry.startedAtMs + entry.totalMs;
  return Math.min(idleAtMs, totalAtMs);
}
