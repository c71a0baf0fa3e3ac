/** How severe a line is. */
export type LineLevel = "debug" | "info" | "warn" | "error";

/** From which level on lines are written; `silent` for none. */
export type LogThreshold = LineLevel | "silent";

const RANKS: Readonly<Record<LogThreshold, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  silent: 4,
};

/** The methods of a logger. */
export const LINE_LEVELS: readonly LineLevel[] = ["debug", "info", "warn", "error"];

export function passes(level: LineLevel, threshold: LogThreshold): boolean {
  return RANKS[level] >= RANKS[threshold];
}

/** @throws {TypeError} that names the option. */
export function checkThreshold(subject: string, option: string, value: unknown): LogThreshold {
  if (typeof value !== "string" || !Object.hasOwn(RANKS, value)) {
    throw new TypeError(
      `${subject}: option "${option}" must be one of ${Object.keys(RANKS).join(", ")}, not ${String(value)}`,
    );
  }
  return value as LogThreshold;
}
