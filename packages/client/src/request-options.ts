import type { LogLevel, ProgressReport } from "@backplane/protocol";

/** A log message that the server sent to this client. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly data: unknown;
  readonly logger: string | undefined;
}

/** What may be said of a single request; the client's options give the defaults. */
export interface RequestOptions {
  /** Gives the request up: the server is told, and the promise rejects with `aborted`. */
  readonly signal?: AbortSignal;
  /** Longest silence in milliseconds: each progress report starts it anew. Default: the client's. */
  readonly timeoutMs?: number;
  /**
   * Longest time in milliseconds for everything: attempts, waits between them, rounds of input. What this
   * client's own input handlers take does not count. Default: the client's.
   */
  readonly maxTotalTimeoutMs?: number;
  /** Called for each progress report of this request; asks the server to report. What it throws is logged. */
  readonly onProgress?: (report: ProgressReport) => void;
  /**
   * Called for each log message of this request. A legacy server over stdio does not say which request a
   * message belongs to: there it goes to every running request that has this callback. What it throws is logged.
   */
  readonly onLog?: (entry: LogEntry) => void;
  /** The least severe level that `onLog` wants. Default "info". */
  readonly logLevel?: LogLevel;
  /**
   * Whether the request may be repeated after it may have been worked on. Default: whether the method only
   * reads, or the tool is annotated `readOnlyHint` or `idempotentHint` (see `trustAnnotations`).
   */
  readonly idempotent?: boolean;
  /** Further HTTP headers of this request; they never replace those of the protocol. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of `_meta`, such as `traceparent` in its W3C format. What the protocol itself writes there is refused. */
  readonly meta?: Readonly<Record<string, unknown>>;
}
