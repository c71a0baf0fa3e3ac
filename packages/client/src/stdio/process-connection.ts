import {
  createLineSplitter,
  type Logger,
  type MessageTransportHandlers,
  redactText,
  toLine,
  within,
} from "@backplane/protocol";
import { MCPClientError, type RetryAdvice } from "../errors.ts";
import { guarded } from "../internal/guarded.ts";
import type { MessageConnection } from "../message-transport.ts";
import { ServerProcess } from "./server-process.ts";
import { readStderr, type StderrReader } from "./stderr-reader.ts";
import type { ResolvedStdioOptions } from "./stdio-options.ts";

/** What a connection to a process needs to know beside the process. */
export interface ProcessConnectionOptions {
  readonly stdio: ResolvedStdioOptions;
  /** Longest line from the server in bytes; a longer one is skipped. */
  readonly maxLineBytes: number;
  readonly logger: Logger;
}

/** Why a process is of no use any more. */
interface Loss {
  readonly what: string;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** How long a process whose stdout has ended may take to say why: mostly it has ended itself. */
const EXIT_GRACE_MS = 200;

/** MCP's stdio transport from the client's side: one message per line over a process's stdin and stdout. */
export class ProcessConnection implements MessageConnection {
  readonly #options: ProcessConnectionOptions;
  #launching: Promise<void> | undefined;
  #process: ServerProcess | undefined;
  #stderr: StderrReader | undefined;
  // One growing string instead of a list to join: V8 builds a rope and flattens it once, in `write`.
  #queued = "";
  #scheduled = false;
  #congested = false;
  #closed = false;
  #loss: Loss | undefined;

  constructor(options: ProcessConnectionOptions) {
    this.#options = options;
  }

  /** Undefined until {@link launch}. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts the process. Called once, before `start`. @throws {MCPClientError} */
  launch(): Promise<void> {
    this.#launching = this.#launch();
    return this.#launching;
  }

  async #launch(): Promise<void> {
    const { stdio } = this.#options;
    const started = await ServerProcess.start(stdio);
    this.#process = started;
    if (this.#closed) {
      await started.end();
      throw new MCPClientError("closed", `${stdio.command}: closed while it started`);
    }
    if (started.stderr !== null) this.#stderr = readStderr(started.stderr, this.#onStderr);
    started.stdin.on("drain", this.#onDrain);
    // EPIPE: it has ended, or has closed its stdin. What it has answered already still arrives.
    started.stdin.on("error", (cause) => {
      this.#loss ??= { what: "does not read its stdin", cause };
      this.#queued = "";
      void started.end();
    });
  }

  start(handlers: MessageTransportHandlers): void {
    const started = this.#process as ServerProcess;
    const splitter = createLineSplitter(
      this.#options.maxLineBytes,
      (line) => handlers.onMessage(line),
      () => handlers.onOversized?.(),
    );
    const { stdout, ended } = started;
    stdout.on("data", (chunk: Buffer) => splitter.push(chunk));
    // What it wrote before it ended counts, even without a line end.
    stdout.on("end", () => splitter.end());
    // After a failed write, its end says more than the failure does.
    void ended.then(({ exitCode, signal }) => {
      const what = signal === null ? `exited with code ${exitCode}` : `was ended by ${signal}`;
      this.#loss = { what, details: { exitCode, signal } };
    });
    stdout.on("close", () => void this.#stdoutClosed(started, handlers));
  }

  send(text: string): void {
    if (this.#closed || this.#loss !== undefined) return;
    this.#queued += toLine(text);
    if (this.#scheduled || this.#congested) return;
    this.#scheduled = true;
    // What is sent in one go leaves in one write.
    queueMicrotask(this.#flush);
  }

  refusal(): MCPClientError | undefined {
    // What is never sent can be sent again.
    if (this.#loss !== undefined) return this.#lost(this.#loss, "always");
    const { command, maxQueuedBytes } = this.#options.stdio;
    const waiting = this.#queued.length + (this.#process?.stdin.writableLength ?? 0);
    if (waiting < maxQueuedBytes) return undefined;
    return new MCPClientError(
      "overloaded",
      `${command}: ${waiting} bytes wait for the server to read (stdio.maxQueuedBytes is ${maxQueuedBytes})`,
      { details: { maxQueuedBytes } },
    );
  }

  reason(): MCPClientError | undefined {
    return this.#loss && this.#lost(this.#loss, "if-idempotent");
  }

  async close(): Promise<void> {
    this.#flush();
    this.#closed = true;
    // Who closes it while it starts waits until it has ended again.
    if (this.#process === undefined) await this.#launching?.catch(() => {});
    await this.#process?.end();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#queued === "" || this.#congested || this.#closed) return;
    const text = this.#queued;
    this.#queued = "";
    if (this.#process?.stdin.write(text) === false) this.#congested = true;
  };

  readonly #onDrain = (): void => {
    this.#congested = false;
    this.#flush();
  };

  readonly #onStderr = (line: string): void => {
    const { logger, stdio } = this.#options;
    if (typeof stdio.stderr === "function") {
      guarded(logger, 'option "stdio.stderr"', stdio.stderr)(line);
    } else logger.info({ server: stdio.command, line: redactText(line) }, "stderr of a server");
  };

  async #stdoutClosed(started: ServerProcess, handlers: MessageTransportHandlers): Promise<void> {
    void started.end();
    await within(EXIT_GRACE_MS, started.ended);
    this.#loss ??= { what: "closed its stdout" };
    handlers.onClose();
  }

  #lost({ what, cause, details }: Loss, retry: RetryAdvice): MCPClientError {
    const { command } = this.#options.stdio;
    return new MCPClientError("connection_lost", `${command}: the server ${what}`, {
      cause,
      retry,
      details: { ...details, stderr: this.#stderr?.tail() },
    });
  }
}
