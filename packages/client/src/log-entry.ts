import { isLogLevel, type JsonObject } from "@backplane/protocol";
import type { LogEntry } from "./request-options.ts";

/** The log message of a `notifications/message`, or undefined for what is none. */
export function logEntryOf({ level, data, logger }: JsonObject): LogEntry | undefined {
  if (!isLogLevel(level)) return undefined;
  return { level, data, logger: typeof logger === "string" ? logger : undefined };
}
