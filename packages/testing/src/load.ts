import { checkMembers, type JsonObject, wholeNumber } from "@backplane/protocol";
import { MCPTestClient } from "./mcp-test-client.ts";
import type { MCPTestClientOptions } from "./test-client-options.ts";
import type { TestTarget } from "./test-server.ts";

/** How much load, and for how long. */
export interface LoadOptions {
  /** Calls under way at once, each begun when another ends; a whole number of 1 or more. Default 16. */
  readonly concurrency?: number;
  /**
   * Calls begun per second, whatever becomes of them, instead of one after another. Times then count from
   * when a call was due, so that a stalled server cannot hide the calls that it kept from being made.
   */
  readonly ratePerSecond?: number;
  /** Calls in all; a whole number of 1 or more. Default 1,000, or without end with `durationMs`. */
  readonly calls?: number;
  /** Longest time, in milliseconds; a whole number of 1 or more. */
  readonly durationMs?: number;
  /** Calls before the measurement, which are not counted. Default 0. */
  readonly warmupCalls?: number;
  /** Ends the load; what is under way is waited for. */
  readonly signal?: AbortSignal;
}

/** Times of the calls that succeeded, in milliseconds; 0 when none did. */
export interface LoadLatency {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What came of it. */
export interface LoadReport {
  readonly calls: number;
  readonly failures: number;
  readonly durationMs: number;
  /** Calls that succeeded, per second. */
  readonly perSecond: number;
  readonly latencyMs: LoadLatency;
  /** How many calls failed, by the error's code, or its name where it has none. */
  readonly errors: Readonly<Record<string, number>>;
}

/** One call of a load, given its number from 0. What it throws is counted as a failure. */
export type LoadAct = (index: number) => Promise<unknown>;

const KNOWN = [
  "concurrency",
  "ratePerSecond",
  "calls",
  "durationMs",
  "warmupCalls",
  "signal",
] as const satisfies readonly (keyof LoadOptions)[];

/** So many kinds of errors are told apart; the rest is counted as `other`. */
const MAX_ERROR_KINDS = 50;
/** Calls that a rate may have under way at once, so that a server which hangs cannot fill the memory. */
const MAX_IN_FLIGHT = 10_000;

/**
 * Does something again and again, and measures it.
 * @throws {TypeError} that names the option and what it takes.
 */
export async function runLoad(act: LoadAct, options: LoadOptions = {}): Promise<LoadReport> {
  const { concurrency, ratePerSecond, calls, durationMs, warmupCalls, signal } = resolved(options);
  const { createHistogram } = await import("node:perf_hooks");
  await drive(act, { concurrency, calls: warmupCalls, untilMs: Infinity, signal, onEnd: () => {} });
  const times = createHistogram();
  const errors: Record<string, number> = {};
  let failures = 0;
  let made = 0;
  const startMs = performance.now();
  await drive(act, {
    concurrency: ratePerSecond === undefined ? concurrency : MAX_IN_FLIGHT,
    ...(ratePerSecond !== undefined && { everyMs: 1000 / ratePerSecond }),
    calls,
    untilMs: startMs + durationMs,
    signal,
    onEnd: (fromMs, error) => {
      made++;
      if (error === undefined) {
        // The histogram holds whole nanoseconds from 1 on.
        times.record(Math.max(1, Math.round((performance.now() - fromMs) * 1e6)));
        return;
      }
      failures++;
      const kind = kindOf(error);
      const known = kind in errors || Object.keys(errors).length < MAX_ERROR_KINDS;
      const counted = known ? kind : "other";
      errors[counted] = (errors[counted] ?? 0) + 1;
    },
  });
  const tookMs = performance.now() - startMs;
  const succeeded = made - failures;
  const ms = (nanoseconds: number): number => (succeeded === 0 ? 0 : nanoseconds / 1e6);
  return {
    calls: made,
    failures,
    durationMs: tookMs,
    perSecond: (succeeded * 1000) / tookMs,
    latencyMs: {
      min: ms(times.min),
      mean: ms(times.mean),
      p50: ms(times.percentile(50)),
      p90: ms(times.percentile(90)),
      p95: ms(times.percentile(95)),
      p99: ms(times.percentile(99)),
      p999: ms(times.percentile(99.9)),
      max: ms(times.max),
    },
    errors,
  };
}

/** What `loadTool` takes. */
export interface LoadToolOptions extends LoadOptions {
  /** Arguments of every call, or a function of the call's number. Default none. */
  readonly arguments?: JsonObject | ((index: number) => JsonObject);
  /**
   * Clients that share the calls, each with its own connection, and with its own server where the target is a
   * class or a function; a whole number of 1 or more. Default 1.
   */
  readonly clients?: number;
  /** How they talk to the server. Default: in memory. */
  readonly client?: MCPTestClientOptions;
}

/**
 * Calls one tool again and again, in memory or over HTTP, and measures it. A result with `isError` is a
 * failure.
 * @throws {TypeError} that names the option and what it takes. @throws {MCPClientError} without a connection.
 */
export async function loadTool(
  target: TestTarget,
  tool: string,
  options: LoadToolOptions = {},
): Promise<LoadReport> {
  const { arguments: args = {}, clients = 1, client = {}, ...load } = options;
  wholeNumber("loadTool", "clients", clients);
  resolved(load);
  // Nobody looks at the traffic of a load.
  const testers = Array.from(
    { length: clients },
    () => new MCPTestClient(target, { maxTraffic: 1, ...client }),
  );
  try {
    const connected = await Promise.all(
      testers.map(async (tester) => (await tester.connect()).client),
    );
    return await runLoad((index) => {
      const given = typeof args === "function" ? args(index) : args;
      return connected[index % clients]?.call(tool, given) as Promise<unknown>;
    }, load);
  } finally {
    await Promise.all(testers.map((tester) => tester.disconnect()));
  }
}

interface Drive {
  readonly concurrency: number;
  /** Undefined for one after another. */
  readonly everyMs?: number;
  readonly calls: number;
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onEnd: (fromMs: number, error: unknown) => void;
}

async function drive(act: LoadAct, options: Drive): Promise<void> {
  const { concurrency, everyMs, calls, untilMs, signal, onEnd } = options;
  const startMs = performance.now();
  let next = 0;
  const over = (): boolean =>
    next >= calls || signal?.aborted === true || performance.now() >= untilMs;
  const once = async (index: number, fromMs: number): Promise<void> => {
    try {
      await act(index);
    } catch (error) {
      onEnd(fromMs, error ?? new Error("rejected with nothing"));
      return;
    }
    onEnd(fromMs, undefined);
  };
  if (everyMs === undefined) {
    const worker = async (): Promise<void> => {
      while (!over()) await once(next++, performance.now());
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, calls) }, worker));
    return;
  }
  const underWay = new Set<Promise<void>>();
  while (!over()) {
    const dueMs = startMs + next * everyMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (over()) break;
    if (underWay.size >= concurrency) await Promise.race(underWay);
    const call = once(next++, dueMs).then(() => void underWay.delete(call));
    underWay.add(call);
  }
  await Promise.all(underWay);
}

function kindOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === "number" || typeof code === "string") return String(code);
  return typeof name === "string" ? name : typeof error;
}

function resolved(
  options: LoadOptions,
): Required<Omit<LoadOptions, "signal" | "ratePerSecond">> &
  Pick<LoadOptions, "signal" | "ratePerSecond"> {
  checkMembers("runLoad", options, KNOWN);
  const { concurrency = 16, ratePerSecond, durationMs, warmupCalls = 0, signal } = options;
  const { calls = durationMs === undefined ? 1_000 : undefined } = options;
  if (ratePerSecond !== undefined && !(ratePerSecond > 0 && Number.isFinite(ratePerSecond))) {
    throw new TypeError('runLoad: option "ratePerSecond" must be a number over 0');
  }
  if (ratePerSecond !== undefined && options.concurrency !== undefined) {
    throw new TypeError('runLoad: give "concurrency" or "ratePerSecond", not both');
  }
  if (warmupCalls !== 0) wholeNumber("runLoad", "warmupCalls", warmupCalls);
  return {
    concurrency: wholeNumber("runLoad", "concurrency", concurrency),
    calls: calls === undefined ? Infinity : wholeNumber("runLoad", "calls", calls),
    durationMs:
      durationMs === undefined ? Infinity : wholeNumber("runLoad", "durationMs", durationMs),
    warmupCalls,
    ...(signal !== undefined && { signal }),
    ...(ratePerSecond !== undefined && { ratePerSecond }),
  };
}
