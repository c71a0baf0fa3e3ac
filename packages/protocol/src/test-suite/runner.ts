/**
 * The part of a test runner that the suites use. vitest and jest have it as it is; with `node:test`
 * bring any `expect` of this shape.
 */
export interface SuiteRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly expect: (actual: unknown) => SuiteExpectation;
}

/** What a suite asks of `expect(…)`; vitest, jest and `node:test` with an adapter have it. */
export interface SuiteExpectation {
  toBe(expected: unknown): unknown;
  toEqual(expected: unknown): unknown;
}

/** What a suite hands to the function that makes the implementation under test. */
export interface SuiteContext {
  /** The time that the suite moves. An implementation with a clock option must be given this one. */
  readonly clock: import("../seams/clock.ts").Clock;
}

/**
 * How a suite lets time pass. Where time cannot be moved (a real Redis), pass a function that waits;
 * the suites then ask for short times only.
 */
export type PassTime = (ms: number) => Promise<void>;

/** Runs `body` against a fresh implementation and closes it, whatever happens. */
export async function using<T extends { close(): Promise<void> }>(
  make: () => T | Promise<T>,
  body: (subject: T) => Promise<void>,
): Promise<void> {
  const subject = await make();
  try {
    await body(subject);
  } finally {
    await subject.close();
  }
}

/** Waits, in real time and within a bound, until `condition` holds. @returns whether it came to hold. */
export async function eventually(condition: () => boolean, timeoutMs = 5_000): Promise<boolean> {
  const endMs = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() >= endMs) return false;
    await new Promise<void>((resolve) => setTimeout(resolve, 2));
  }
  return true;
}

/** The error that a promise rejects with; undefined when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error ?? new Error("rejected with nothing");
  }
}
