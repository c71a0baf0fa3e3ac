import type { Logger } from "@backplane/protocol";

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
