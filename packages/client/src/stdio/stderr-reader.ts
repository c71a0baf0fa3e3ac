import type { Readable } from "node:stream";
import { createLineSplitter, redactText } from "@backplane/protocol";

/** A longer line is dropped: it is a dump, and no message. */
const MAX_LINE_BYTES = 64 * 1024;

/** How much of the end an error shows. */
const TAIL_LINES = 10;
const TAIL_LENGTH = 1_000;

/** What a server process writes to stderr, line by line, and its last lines for an error to show. */
export interface StderrReader {
  /** The last lines, with credentials masked; undefined when there were none. */
  tail(): string | undefined;
}

/** @param onLine gets each line as it was written. */
export function readStderr(stream: Readable, onLine: (line: string) => void): StderrReader {
  const last: string[] = [];
  const splitter = createLineSplitter(
    MAX_LINE_BYTES,
    (line) => {
      last.push(line.slice(0, TAIL_LENGTH));
      if (last.length > TAIL_LINES) last.shift();
      onLine(line);
    },
    () => onLine(`[a line of more than ${MAX_LINE_BYTES} bytes]`),
  );
  stream.on("data", (chunk: Buffer) => splitter.push(chunk));
  stream.on("end", () => splitter.end());
  return {
    tail: () =>
      last.length === 0 ? undefined : redactText(last.join("\n").slice(-TAIL_LENGTH), TAIL_LENGTH),
  };
}
