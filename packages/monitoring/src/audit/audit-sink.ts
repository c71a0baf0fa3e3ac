/** What a sink found of an earlier run. */
export interface AuditRemains {
  /** The last lines, at least 64 or all there are, without the end of the last; undefined when there are none. */
  readonly tail: string | undefined;
  /** Bytes of lines that were cut off, which the sink took away. */
  readonly tornBytes: number;
}

/** Where an audit's lines go, in their order, one write at a time. */
export interface AuditSink {
  /** Called once, before the first line: what the chain goes on from. Without it each run is a chain of its own. */
  open?(): Promise<AuditRemains>;
  /**
   * Takes lines, each with its end (`\n`). A rejection means that none of them was kept: they come again.
   * @throws when they cannot be kept now.
   */
  write(lines: string): void | Promise<void>;
  /**
   * Takes lines as {@link AuditSink.write} does, in UTF-8 and in pieces that follow each other; where a sink has it,
   * it is called instead. The bytes stay as they are, and must not be changed.
   * @throws when they cannot be kept now.
   */
  writeBytes?(pieces: readonly Uint8Array[]): void | Promise<void>;
  /** Puts aside what is there, so that a new chain begins in an empty place. */
  setAside?(): Promise<void>;
  close?(): void | Promise<void>;
}

/** The part of a Node writable stream that a sink uses. */
export interface AuditWritable {
  write(text: string, callback: (error?: Error | null) => void): unknown;
}

/** Writes the lines to a stream, such as `process.stderr` or a socket, as fast as it takes them. It is not ended. */
export function auditStream(stream: AuditWritable): AuditSink {
  return {
    write: (lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines, (error) => (error ? reject(error) : resolve()));
      }),
  };
}
