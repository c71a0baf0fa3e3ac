import { inspect } from "node:util";
import type { Logger } from "@backplane/protocol";

export interface RecordedLine {
  readonly level: string;
  readonly fields: object;
  /** Fields and message with everything in them, causes of errors included. */
  readonly text: string;
}

/** A logger that keeps what it is told, of every level. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly RecordedLine[];
  /** All lines. */
  readonly text: string;
}

export function recordingLogger(): RecordingLogger {
  const lines: RecordedLine[] = [];
  const log =
    (level: string) =>
    (fields: object, message: string): void => {
      const all = inspect(fields, { depth: 12, showHidden: true, maxStringLength: null });
      lines.push({ level, fields, text: `${level} ${message} ${all}` });
    };
  return {
    lines,
    get text() {
      return lines.map(({ text }) => text).join("\n");
    },
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
  };
}
