import type { Logger } from "@backplane/protocol";

/** A logger that throws is the application's mistake, and must not cost it an answer. */
export function unfailing(logger: Logger): Logger {
  const level =
    (name: keyof Logger): Logger["debug"] =>
    (fields, message) => {
      try {
        logger[name](fields, message);
      } catch {
        // There is nobody left to tell.
      }
    };
  return { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
}

/** Calls what the application gave to be told by: what it throws is its own matter, and ends nothing here. */
export function guarded<Args extends readonly unknown[]>(
  logger: Logger,
  name: string,
  callback: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      logger.error({ err: error }, `${name} threw`);
    }
  };
}
