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
    const own = { time: new Date().toISOString(), level, message };
    // First to be read first, and last so that no field of these names stands in their place.
    const line = JSON.stringify({ ...own, ...(redact(fields) as object), ...own });
    globalThis.process?.stderr?.write(`${line.replaceAll(UNSEEN, escaped)}\n`);
  };
  return {
    debug: () => {},
    info: () => {},
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
  };
}

/**
 * What JSON leaves as it is and a terminal or a viewer obeys: controls of C1, among them the one-character
 * CSI, line ends of Unicode, and marks that turn the direction of what follows.
 */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
