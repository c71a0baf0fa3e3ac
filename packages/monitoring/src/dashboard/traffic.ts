import type { RequestEndEvent } from "@backplane/protocol";
import { Latencies } from "./latencies.ts";

/** Seconds that are kept: what the charts show. */
export const WINDOW_S = 180;
/** Seconds that the figures at the top are of. */
const FIGURES_S = 60;

/** Seconds that each point of a percentile's line is of: with few requests in one, it would jump. */
const SMOOTHED_S = 5;

/** It lasts as long as its client likes: no response time. */
const LONG_LIVED = "subscriptions/listen";

/** One second of traffic. */
export interface Second {
  /** Counts the seconds since the process began. */
  readonly second: number;
  readonly requests: number;
  readonly errors: number;
  /** Percentiles are of this second and the four before. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly rows: ReturnType<Latencies["rows"]>;
}

/** The last minute in figures. */
export interface Figures {
  readonly seconds: number;
  readonly requests: number;
  readonly perSecond: number;
  readonly errorRate: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

class Slot {
  second = -1;
  requests = 0;
  errors = 0;
  readonly latencies: Latencies = new Latencies();
}

/** What happened in each of the last seconds. No timer: a slot is made anew when its turn comes again. */
export class Traffic {
  readonly #slots = Array.from({ length: WINDOW_S + 2 }, () => new Slot());
  readonly #merged = new Latencies();
  readonly #beganS = secondOf(performance.now());

  record({ startedAtMs, durationMs, outcome, context }: RequestEndEvent): void {
    const second = secondOf(startedAtMs + durationMs);
    const slot = this.#at(second);
    if (slot.second !== second) {
      slot.second = second;
      slot.requests = 0;
      slot.errors = 0;
      slot.latencies.clear();
    }
    slot.requests++;
    if (outcome === "error" || outcome === "tool_error") slot.errors++;
    if (context.method !== LONG_LIVED) slot.latencies.record(durationMs);
  }

  /** The whole seconds from `from` to before now that had traffic, within the window. */
  since(from: number, now: number): readonly Second[] {
    const seconds: Second[] = [];
    for (const { second, requests, errors, latencies } of this.#within(
      Math.max(from, now - WINDOW_S),
      now,
    )) {
      const smoothed = percentiles(this.#merge(second - SMOOTHED_S + 1, second + 1));
      seconds.push({ second, requests, errors, ...smoothed, rows: latencies.rows() });
    }
    return seconds;
  }

  /** The last whole minute, or what has passed of it. */
  figures(now: number): Figures {
    const seconds = Math.max(1, Math.min(FIGURES_S, now - this.#beganS));
    let requests = 0;
    let errors = 0;
    for (const slot of this.#within(now - FIGURES_S, now)) {
      requests += slot.requests;
      errors += slot.errors;
    }
    return {
      seconds,
      requests,
      perSecond: requests / seconds,
      errorRate: requests === 0 ? 0 : errors / requests,
      ...percentiles(this.#merge(now - FIGURES_S, now)),
    };
  }

  /** The latencies of the seconds from `from` to before `to`; until it is called again. */
  #merge(from: number, to: number): Latencies {
    this.#merged.clear();
    for (const { latencies } of this.#within(from, to)) this.#merged.add(latencies);
    return this.#merged;
  }

  *#within(from: number, to: number): Generator<Slot> {
    for (let second = Math.max(0, from); second < to; second++) {
      const slot = this.#at(second);
      if (slot.second === second) yield slot;
    }
  }

  #at(second: number): Slot {
    return this.#slots[second % this.#slots.length] as Slot;
  }
}

/** Of the monotonic clock, so that a step of the other one leaves no hole. */
export function secondOf(ms: number): number {
  return Math.floor(ms / 1_000);
}

function percentiles(latencies: Latencies): Pick<Second, "p50Ms" | "p95Ms" | "p99Ms"> {
  return {
    p50Ms: latencies.quantileMs(0.5),
    p95Ms: latencies.quantileMs(0.95),
    p99Ms: latencies.quantileMs(0.99),
  };
}
