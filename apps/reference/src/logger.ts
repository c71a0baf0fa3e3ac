import type { Logger } from "@backplane/server";
import { LOG_LEVELS, type LogLevel } from "./config.ts";

/**
 * JSON lines, one per message, from `minimum` upwards.
 * @param write takes one line with its newline; stderr, because stdout may belong to the protocol.
 */
export function createLogger(minimum: LogLevel, write: (line: string) => void): Logger {
  const threshold = LOG_LEVELS.indexOf(minimum);
  const at = (level: LogLevel): Logger[LogLevel] => {
    if (LOG_LEVELS.indexOf(level) < threshold) return () => {};
    return (fields, message) => {
      const entry = { time: new Date().toISOString(), level, message, ...fields };
      write(`${JSON.stringify(entry, describeErrors)}\n`);
    };
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function describeErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, ...(cause !== undefined && { cause }) };
}
