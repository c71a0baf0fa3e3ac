import {
  type Clock,
  checkBoolean,
  checkMembers,
  checkMethods,
  type InputContext,
  wholeNumber,
} from "@backplane/protocol";
import type { WorkflowLimits } from "./draft.ts";
import { duration } from "./node-settings.ts";
import type { TraceEvent } from "./result.ts";
import type { RunJournal } from "./run-journal.ts";

/** What a single run may be told. */
export interface RunOptions extends Partial<WorkflowLimits> {
  /** Ends the run: what runs is told, what waits is skipped. */
  readonly signal?: AbortSignal;
  /** Default: a random UUID. 1 to 128 of `[A-Za-z0-9_-]`. */
  readonly runId?: string;
  /**
   * The request that this run serves: its nodes ask its client, its signal ends the run, and its rounds of input
   * repeat no node that is done (see `workflowAsTool`, which gives it). A handler that runs the same workflow several
   * times gives each run a `runId`, the same in every round.
   */
  readonly request?: InputContext;
  /**
   * Where the run writes itself down. With the id of a run that is there it goes on: nodes that are done are not run
   * again, and one that ran when its process ended is `interrupted`, unless it is idempotent.
   */
  readonly journal?: RunJournal;
  /** Repeats interrupted nodes that are not idempotent: what they did is then done twice. Default false. */
  readonly repeatInterrupted?: boolean;
  /** Called with each event of the trace as it happens. What it throws is told in the trace. */
  readonly onEvent?: (event: TraceEvent) => void;
  /** For timeouts and waits. Default: the machine's, whose timers keep a Node process alive until the run ends. */
  readonly clock?: Clock;
}

const SUBJECT = "workflow.run";
const LIMITS = [
  "concurrency",
  "nodeTimeoutMs",
  "timeoutMs",
  "graceMs",
] satisfies (keyof WorkflowLimits)[];
const MEMBERS: readonly string[] = [
  ...LIMITS,
  ...([
    "signal",
    "runId",
    "request",
    "journal",
    "repeatInterrupted",
    "onEvent",
    "clock",
  ] satisfies (keyof RunOptions)[]),
];
const RUN_ID = /^[A-Za-z0-9_-]{1,128}$/;

export const DEFAULT_LIMITS: WorkflowLimits = {
  concurrency: 64,
  nodeTimeoutMs: 60_000,
  timeoutMs: Number.POSITIVE_INFINITY,
  graceMs: 5_000,
};

/**
 * Completes the limits of a workflow or a run.
 * @throws {TypeError} that names the option.
 */
export function resolveLimits(
  subject: string,
  given: Partial<WorkflowLimits>,
  defaults: WorkflowLimits,
): WorkflowLimits {
  const {
    concurrency = defaults.concurrency,
    nodeTimeoutMs = defaults.nodeTimeoutMs,
    timeoutMs = defaults.timeoutMs,
    graceMs = defaults.graceMs,
  } = given;
  return {
    concurrency: wholeNumber(subject, "concurrency", concurrency),
    nodeTimeoutMs: duration(subject, "nodeTimeoutMs", nodeTimeoutMs),
    timeoutMs: duration(subject, "timeoutMs", timeoutMs),
    graceMs: duration(subject, "graceMs", graceMs),
  };
}

/**
 * Checks the options of a run.
 * @throws {TypeError} that names the option.
 */
export function checkRunOptions(options: RunOptions): void {
  checkMembers(SUBJECT, options, MEMBERS);
  const { runId, signal, onEvent, clock, request } = options;
  if (runId !== undefined && (typeof runId !== "string" || !RUN_ID.test(runId))) {
    throw new TypeError(`${SUBJECT}: option "runId" must be 1 to 128 letters, digits, "_" and "-"`);
  }
  checkMethods(SUBJECT, "signal", signal, ["addEventListener", "removeEventListener"]);
  checkMethods(SUBJECT, "clock", clock, ["now", "after"]);
  checkMethods(SUBJECT, "journal", options.journal, ["append", "read", "unfinished", "remove"]);
  checkMethods(SUBJECT, "request", request, ["elicit", "once", "progress"]);
  const { repeatInterrupted } = options;
  checkBoolean(SUBJECT, "repeatInterrupted", repeatInterrupted);
  if (onEvent !== undefined && typeof onEvent !== "function") {
    throw new TypeError(`${SUBJECT}: option "onEvent" must be a function`);
  }
}

/** Unlike the clocks of servers it keeps the process alive: a run that waits is work that is not done. */
export const runClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
