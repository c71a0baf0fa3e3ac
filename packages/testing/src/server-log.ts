import type { Logger } from "@backplane/protocol";

/** A line of the server's log. */
export interface ServerLogEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Older lines than these are given up, so that a long run does not grow. */
const MAX_LINES = 10_000;

/** A logger that keeps what it is told, and prints nothing. */
export function recordingLogger(entries: ServerLogEntry[]): Logger {
  const log =
    (level: ServerLogEntry["level"]) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      entries.push({ level, fields, message });
      if (entries.length > MAX_LINES) entries.shift();
    };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}
