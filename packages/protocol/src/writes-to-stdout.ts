import type { Logger } from "./seams/logger.ts";

const STDOUT = 1;

/** Where a logger over another one says what that one does. No member of the seam: pino's types would refuse it. */
const TOLD = Symbol.for("backplane.logger.writesToStdout");

/** A logger over `destination` writes where that one does. */
export function writesLike<Own extends Logger>(logger: Own, destination: Logger): Own {
  return Object.defineProperty(logger, TOLD, { value: writesToStdout(destination) });
}

/**
 * Whether a logger is known to write to stdout past `process.stdout`, where it cannot be caught: one that says so
 * itself (see {@link writesLike}), or a pino whose destination is file descriptor 1, as it is by default. A destination in another
 * thread (`pino.transport`) cannot be seen from here.
 */
export function writesToStdout(logger: Logger): boolean {
  const told: unknown = Reflect.get(logger, TOLD);
  if (typeof told === "boolean") return told;
  // A child of pino inherits what its parent has.
  for (
    let holder: object | null = logger;
    holder !== null;
    holder = Object.getPrototypeOf(holder) as object | null
  ) {
    for (const symbol of Object.getOwnPropertySymbols(holder)) {
      if (symbol.description !== "pino.stream") continue;
      return (Reflect.get(holder, symbol) as { fd?: unknown } | undefined)?.fd === STDOUT;
    }
  }
  return false;
}
