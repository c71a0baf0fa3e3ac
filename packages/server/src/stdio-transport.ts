import type { Readable } from "node:stream";
import {
  createLineSplitter,
  type MessageTransport,
  type MessageTransportHandlers,
  toLine,
  wholeNumber,
} from "@backplane/protocol";

/** The part of a Node writable stream that the transport uses. */
export interface TextSink {
  /** @returns false when the stream wants no more until it emits `drain`. */
  write(text: string, callback?: (error?: Error | null) => void): boolean;
  on(event: "drain" | "error", listener: () => void): unknown;
  off(event: "drain" | "error", listener: () => void): unknown;
}

/** Settings of {@link createStdioTransport}. */
export interface StdioTransportOptions {
  /** Where messages come from. Default `process.stdin`. */
  readonly input?: Readable;
  /** Where messages go. Default: the process's stdout, taken with {@link takeStdout} until `close`. */
  readonly output?: TextSink;
  /** Longest line in bytes, its `\n` not counted. Default 4 MiB; 1 or more. A longer one is skipped. */
  readonly maxLineBytes?: number;
  /**
   * Most that may wait, in UTF-16 code units, for a peer that does not read; past it the transport
   * closes. Default 64 Mi; 1 or more.
   */
  readonly maxQueuedChars?: number;
}

const DEFAULT_MAX_LINE_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_QUEUED_CHARS = 64 * 1024 * 1024;

class StdioTransport implements MessageTransport {
  readonly #input: Readable;
  readonly #output: TextSink;
  readonly #maxLineBytes: number;
  readonly #maxQueuedChars: number;
  readonly #release: () => void;
  #handlers: MessageTransportHandlers | undefined;
  #detachInput: (() => void) | undefined;
  // One growing string instead of a list to join: V8 builds a rope and flattens it once, in `write`.
  #queued = "";
  #scheduled = false;
  #congested = false;
  #told = false;
  #closed = false;
  #pendingWrites = 0;
  #failed = false;

  constructor(
    input: Readable,
    output: TextSink,
    maxLineBytes: number,
    maxQueuedChars: number,
    release: () => void,
  ) {
    this.#input = input;
    this.#output = output;
    this.#maxLineBytes = maxLineBytes;
    this.#maxQueuedChars = maxQueuedChars;
    this.#release = release;
    output.on("drain", this.#onDrain);
    // EPIPE and its like: without a listener they would end the process.
    output.on("error", this.#onOutputError);
  }

  start(handlers: MessageTransportHandlers): void {
    if (this.#handlers !== undefined) throw new Error("The stdio transport was started twice");
    this.#handlers = handlers;
    if (this.#closed) {
      this.#tellClosed();
      return;
    }
    const splitter = createLineSplitter(
      this.#maxLineBytes,
      (line) => {
        if (!this.#closed) handlers.onMessage(line);
      },
      () => handlers.onOversized?.(),
    );
    const onData = (chunk: Buffer): void => splitter.push(chunk);
    const onEnd = (): void => {
      splitter.end();
      this.#tellClosed();
    };
    const onGone = (): void => this.#tellClosed();
    const input = this.#input;
    input.on("data", onData);
    input.on("end", onEnd);
    input.on("close", onGone);
    input.on("error", onGone);
    this.#detachInput = () => {
      input.off("data", onData);
      input.off("end", onEnd);
      input.off("close", onGone);
      // Stdin would keep the process alive for as long as it flows. Its error listener stays:
      // a late failure of a stream that is no longer used must not end the process.
      input.pause();
    };
  }

  send(text: string): void {
    if (this.#closed) return;
    this.#queued += toLine(text);
    if (this.#queued.length > this.#maxQueuedChars) {
      this.#queued = "";
      void this.close();
      return;
    }
    if (this.#scheduled || this.#congested) return;
    this.#scheduled = true;
    // After the poll phase: what one chunk of input and its microtasks gave rise to is one write.
    setImmediate(this.#flush);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#detachInput?.();
    this.#congested = false;
    this.#flush();
    this.#closed = true;
    this.#output.off("drain", this.#onDrain);
    this.#releaseOutput();
    this.#release();
    this.#tellClosed();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#queued === "" || this.#congested || this.#closed || this.#failed) return;
    const text = this.#queued;
    this.#queued = "";
    this.#pendingWrites++;
    if (this.#output.write(text, this.#onWritten)) return;
    // The peer reads slower than it asks: nothing more is read from it until it has caught up.
    this.#congested = true;
    this.#input.pause();
  };

  readonly #onWritten = (error?: Error | null): void => {
    this.#pendingWrites--;
    if (error) this.#failed = true;
    if (this.#closed) this.#releaseOutput();
  };

  readonly #onDrain = (): void => {
    if (!this.#congested) return;
    this.#congested = false;
    this.#flush();
    // Before `start` nobody listens, and what flows is lost.
    if (!this.#congested && this.#detachInput !== undefined) this.#input.resume();
  };

  readonly #onOutputError = (): void => {
    this.#failed = true;
    this.#queued = "";
    void this.close();
  };

  /** The error listener stays while a write may still fail, and for good once one has. */
  #releaseOutput(): void {
    if (this.#pendingWrites === 0 && !this.#failed) {
      this.#output.off("error", this.#onOutputError);
    }
  }

  #tellClosed(): void {
    if (this.#told || this.#handlers === undefined) return;
    this.#told = true;
    this.#handlers.onClose();
  }
}

/**
 * MCP's stdio transport: one message per line over the process's stdin and stdout, or over two streams.
 *
 * - What is sent within one turn of the event loop leaves in one write. On a pipe that write is
 *   synchronous (Node, POSIX), so a client that does not read blocks the process, as with any program
 *   that prints; on other streams the transport stops reading until the peer has caught up.
 * - A line over `maxLineBytes` is skipped and reported; the next line is read as usual.
 * - At the end of input `onClose` is called; what is sent afterwards still goes out until `close`,
 *   so that calls in flight can be answered.
 *
 * @throws {TypeError} when an option is not a whole number of 1 or more.
 * @throws {Error} when stdout is in use by another transport.
 */
export async function createStdioTransport(
  options: StdioTransportOptions = {},
): Promise<MessageTransport> {
  const {
    maxLineBytes = DEFAULT_MAX_LINE_BYTES,
    maxQueuedChars = DEFAULT_MAX_QUEUED_CHARS,
    input = process.stdin,
  } = options;
  wholeNumber("stdio", "maxLineBytes", maxLineBytes);
  wholeNumber("stdio", "maxQueuedChars", maxQueuedChars);
  const taken = options.output === undefined ? takeStdout() : undefined;
  const output = options.output ?? (taken as TakenStdout).output;
  return new StdioTransport(input, output, maxLineBytes, maxQueuedChars, () => taken?.restore());
}

/** Stdout in the hands of one owner. */
export interface TakenStdout {
  /** The real stdout. */
  readonly output: TextSink;
  /** Gives stdout back. Idempotent. */
  restore(): void;
}

const TAKEN = Symbol.for("backplane.stdout.taken");

/**
 * Makes stdout the protocol's alone (spec: transports/stdio, nothing but MCP messages on stdout). Until
 * `restore`, what anyone else writes to `process.stdout`, `console.log` and `console.info` included,
 * goes to stderr. What bypasses the stream cannot be caught: `fs.writeSync(1)`, or a child process that
 * inherits stdout.
 *
 * @throws {Error} when stdout is taken already.
 */
export function takeStdout(): TakenStdout {
  const { stdout, stderr } = process;
  const original = stdout.write;
  if (TAKEN in original) {
    throw new Error(
      "stdout is taken by another stdio transport: a process serves one client over it",
    );
  }
  let taken = true;
  const redirect = ((...parameters: Parameters<typeof stdout.write>): boolean =>
    taken ? stderr.write(...parameters) : original.apply(stdout, parameters)) as typeof original;
  stdout.write = Object.assign(redirect, { [TAKEN]: true });
  return {
    output: {
      write: (text, callback) => original.call(stdout, text, callback as never),
      on: (event, listener) => stdout.on(event, listener),
      off: (event, listener) => stdout.off(event, listener),
    },
    restore() {
      taken = false;
      // Whoever wrapped it meanwhile keeps the wrapper, and `redirect` passes through.
      if (stdout.write === redirect) stdout.write = original;
    },
  };
}
