import { type Logger, within } from "@backplane/protocol";

/** How long one part may take to close before the server stops without it. */
const CLOSE_MS = 5_000;

/**
 * Closes a part of the server. One that fails, or hangs, must not keep the server from stopping.
 * @param name the part as the user knows it, for the log; a function is asked when there is something to say.
 */
export async function closePart(
  logger: Logger,
  name: string | (() => string),
  close: () => unknown,
): Promise<void> {
  const part = (): string => (typeof name === "string" ? name : name());
  try {
    if (await within(CLOSE_MS, Promise.resolve(close()))) return;
    logger.warn(
      { part: part(), limitMs: CLOSE_MS },
      "a part of the server did not close in time; the server stops without it",
    );
  } catch (error) {
    logger.warn({ part: part(), err: error }, "a part of the server could not be closed in order");
  }
}
