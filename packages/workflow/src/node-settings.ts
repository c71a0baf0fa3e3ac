import { isJsonObject } from "@backplane/protocol";
import type { PortValues } from "./workflow-node.ts";

/** When a failed attempt of a node is repeated. */
export interface NodeRetry {
  /** Attempts after the first. A whole number, 0 to 100. Default 0. */
  readonly maxRetries: number;
  /** The wait before the first retry in milliseconds, which doubles with each further one. Default 100. */
  readonly initialDelayMs: number;
  /** Longest wait in milliseconds; an error that asks for a longer one stands. Default 30,000. */
  readonly maxDelayMs: number;
  /**
   * Repeats a node that is not idempotent too: what it did before it failed is then done twice. Default false:
   * such a node is repeated only after an error which says that no work can have begun.
   */
  readonly evenIfNotIdempotent: boolean;
}

/**
 * What a failure of a node means: the end of the run, nothing but the loss of what depends on it, or other
 * outputs in its place.
 */
export type OnError =
  | "fail"
  | "continue"
  | { readonly fallback: PortValues | ((error: Error) => PortValues) };

/** What the graph says of a node, whatever its kind. */
export interface NodeConfig {
  /** Values of inputs. A connection comes before them, a parameter of the run before both. */
  readonly inputs?: PortValues;
  /** Nodes, or conditional outputs as `node.port`, that must be done first. */
  readonly after?: readonly string[];
  /**
   * Longest time of one attempt in milliseconds; `Infinity` for none. Default: the workflow's `nodeTimeoutMs`; for maps and inner
   * workflows none, since the nodes inside have theirs.
   */
  readonly timeoutMs?: number;
  readonly retry?: Partial<NodeRetry>;
  /** Replaces what the node says of itself. */
  readonly idempotent?: boolean;
  /** Default "fail". */
  readonly onError?: OnError;
}

/** {@link NodeConfig}, complete. */
export interface NodeSettings {
  readonly inputs: PortValues;
  readonly after: readonly string[];
  /** Undefined: the workflow's. */
  readonly timeoutMs: number | undefined;
  readonly retry: NodeRetry;
  readonly idempotent: boolean | undefined;
  readonly onError: OnError;
}

export const NODE_CONFIG_MEMBERS: readonly string[] = [
  "inputs",
  "after",
  "timeoutMs",
  "retry",
  "idempotent",
  "onError",
] satisfies (keyof NodeConfig)[];

const RETRY: NodeRetry = {
  maxRetries: 0,
  initialDelayMs: 100,
  maxDelayMs: 30_000,
  evenIfNotIdempotent: false,
};

/** `setTimeout` fires at once for a longer delay than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const DEFAULTS: NodeSettings = {
  inputs: {},
  after: [],
  timeoutMs: undefined,
  retry: RETRY,
  idempotent: undefined,
  onError: "fail",
};

/** Completes a config; each of `faults` is a sentence that names the member. */
export function resolveNodeConfig(config: NodeConfig, faults: string[]): NodeSettings {
  const { inputs = {}, after = [], timeoutMs, retry, idempotent, onError = "fail" } = config;
  if (!isJsonObject(inputs)) faults.push('"inputs" must be an object of values by input');
  if (!Array.isArray(after) || after.some((each) => typeof each !== "string")) {
    faults.push('"after" must be an array of node ids');
  }
  if (timeoutMs !== undefined && !isDuration(timeoutMs)) {
    faults.push(`"timeoutMs" must be ${DURATION}, not ${String(timeoutMs)}`);
  }
  if (idempotent !== undefined && typeof idempotent !== "boolean") {
    faults.push(`"idempotent" must be true or false, not ${String(idempotent)}`);
  }
  checkOnError(onError, faults);
  const settings = { inputs, after, timeoutMs, retry: resolveRetry(retry, faults), idempotent };
  return faults.length > 0 ? DEFAULTS : { ...settings, onError };
}

const DURATION = "milliseconds over 0 and up to 2147483647, or Infinity";

/** Whether a timer can keep it. */
function isDuration(value: unknown): value is number {
  if (typeof value !== "number" || !(value > 0)) return false;
  return value <= MAX_TIMER_MS || value === Number.POSITIVE_INFINITY;
}

/**
 * Reads a duration option.
 * @throws {TypeError} that names it.
 */
export function duration(subject: string, option: string, value: unknown): number {
  if (isDuration(value)) return value;
  throw new TypeError(`${subject}: option "${option}" must be ${DURATION}, not ${String(value)}`);
}

function checkOnError(onError: unknown, faults: string[]): void {
  if (onError === "fail" || onError === "continue") return;
  const fallback = isJsonObject(onError) ? onError.fallback : undefined;
  const isOutputs = typeof fallback === "function" || isJsonObject(fallback);
  if (!isOutputs || Object.keys(onError as object).length !== 1) {
    faults.push(
      '"onError" must be "fail", "continue" or { fallback: outputs by port, or a function that gives them }',
    );
  }
}

function resolveRetry(given: unknown, faults: string[]): NodeRetry {
  if (given === undefined) return RETRY;
  if (!isJsonObject(given)) {
    faults.push('"retry" must be an object such as { maxRetries: 2 }');
    return RETRY;
  }
  for (const member of Object.keys(given)) {
    if (!(member in RETRY)) {
      faults.push(`"retry.${member}" is unknown; known: ${Object.keys(RETRY).join(", ")}`);
    }
  }
  const retry = { ...RETRY, ...(given as Partial<NodeRetry>) };
  const { maxRetries, initialDelayMs, maxDelayMs, evenIfNotIdempotent } = retry;
  if (!Number.isSafeInteger(maxRetries) || maxRetries < 0 || maxRetries > 100) {
    faults.push(`"retry.maxRetries" must be a whole number, 0 to 100, not ${String(maxRetries)}`);
  }
  for (const [member, value] of Object.entries({ initialDelayMs, maxDelayMs })) {
    if (!isDuration(value) || value === Number.POSITIVE_INFINITY) {
      faults.push(`"retry.${member}" must be milliseconds over 0, not ${String(value)}`);
    }
  }
  if (maxDelayMs < initialDelayMs) {
    faults.push('"retry.maxDelayMs" must not be less than "retry.initialDelayMs"');
  }
  if (typeof evenIfNotIdempotent !== "boolean") {
    faults.push('"retry.evenIfNotIdempotent" must be true or false');
  }
  return retry;
}
