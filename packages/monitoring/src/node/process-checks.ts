import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { checkMembers } from "@backplane/protocol";
import type { Check } from "../health/check.ts";

/** What {@link eventLoopDelayCheck} takes. */
export interface EventLoopDelayOptions {
  /** Longest delay, 99th percentile since the last check, in milliseconds over 0. Default 200. */
  readonly maxP99Ms?: number;
}

/** How often the delay is sampled: what it costs is a timer of this period. */
const RESOLUTION_MS = 20;

/**
 * Whether the event loop keeps up, by what it was late since the last check. It begins to measure with the
 * first one; `close` ends that. Degrades only: a busy process must not be taken out of service for being
 * busy, or the rest gets its load.
 * @throws {TypeError} for an illegal option.
 */
export function eventLoopDelayCheck(options: EventLoopDelayOptions = {}): Check {
  checkMembers("eventLoopDelayCheck", options, ["maxP99Ms"]);
  const { maxP99Ms = 200 } = options;
  if (!(maxP99Ms > 0)) {
    throw new TypeError('eventLoopDelayCheck: option "maxP99Ms" must be a number over 0');
  }
  let histogram: IntervalHistogram | undefined;
  return {
    critical: false,
    check: () => {
      if (histogram === undefined) {
        histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
        histogram.enable();
        return { status: "healthy", message: "measuring from now on" };
      }
      // It counts the whole time between two samples, of which the period is no delay.
      const p99Ms = Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS);
      histogram.reset();
      return {
        status: p99Ms <= maxP99Ms ? "healthy" : "unhealthy",
        p99Ms: Math.round(p99Ms * 10) / 10,
      };
    },
    close: () => {
      histogram?.disable();
      histogram = undefined;
    },
  };
}

/** What {@link heapCheck} takes. */
export interface HeapOptions {
  /** Largest part of V8's limit that may be in use, over 0, at most 1. Default 0.9. */
  readonly maxUsedRatio?: number;
}

/**
 * Whether the heap has room below the limit at which V8 ends the process. Degrades only, for garbage
 * counts until it is collected.
 * @throws {TypeError} for an illegal option.
 */
export function heapCheck(options: HeapOptions = {}): Check {
  checkMembers("heapCheck", options, ["maxUsedRatio"]);
  const { maxUsedRatio = 0.9 } = options;
  if (!(maxUsedRatio > 0 && maxUsedRatio <= 1)) {
    throw new TypeError('heapCheck: option "maxUsedRatio" must be over 0, and at most 1');
  }
  return {
    critical: false,
    check: () => {
      const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
      const status = usedBytes / limitBytes <= maxUsedRatio ? "healthy" : "unhealthy";
      return { status, usedBytes, limitBytes };
    },
  };
}
