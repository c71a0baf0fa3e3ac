import { type Logger, redact } from "@backplane/protocol";

/**
 * Warnings and errors as JSON lines on stderr: what a server without an injected logger says. Never
 * stdout, which over stdio belongs to the protocol. Silent where there is no stderr. Fields go through
 * `redact`: credentials are masked, and whatever a handler threw, circular or not, is bounded JSON.
 */
export function createStderrLogger(): Logger {
  const write = (
    level: "warn" | "error",
    fields: Readonly<Record<string, unknown>>,
    message: string,
  ): void => {
    const line = JSON.stringify({
      time: new Date().toISOString(),
      level,
      message,
      ...(redact(fields) as object),
    });
    globalThis.process?.stderr?.write(`${line}\n`);
  };
  return {
    debug: () => {},
    info: () => {},
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
  };
}
