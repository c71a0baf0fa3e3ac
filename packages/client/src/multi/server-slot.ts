import { type Clock, type Logger, MCPError } from "@backplane/protocol";
import { type ClientErrorCode, MCPClientError } from "../errors.ts";
import { ReconnectSchedule } from "../http/reconnect-schedule.ts";
import { asFailure } from "../internal/as-failure.ts";
import type { MCPClient } from "../mcp-client.ts";

/** `connecting` until it first answered or failed; `failed` until it answers again. */
export type ServerState = "connecting" | "ready" | "failed";

/** One of several servers, as it is now. */
export interface ServerStatus {
  readonly state: ServerState;
  /** Why it is `failed`. */
  readonly error: MCPError | MCPClientError | undefined;
}

/** What a slot needs beside its client. */
export interface ServerSlotParts {
  readonly name: string;
  readonly client: MCPClient;
  readonly clock: Clock;
  readonly logger: Logger;
  onState(name: string, status: ServerStatus): void;
}

/** A server that is away is tried again for as long as somebody may want it. */
const RETRY = {
  maxAttempts: Number.POSITIVE_INFINITY,
  initialDelayMs: 1_000,
  maxDelayMs: 60_000,
  budgetMs: Number.POSITIVE_INFINITY,
};

/** Failures that say something of the server rather than of one request. */
const OF_THE_SERVER: ReadonlySet<ClientErrorCode> = new Set([
  "connection_failed",
  "connection_lost",
  "unauthorized",
  "redirected",
  "unsupported_version",
]);

/** One server of several: its client, its state, and the attempts to get it back. */
export class ServerSlot {
  readonly name: string;
  readonly client: MCPClient;
  readonly #parts: ServerSlotParts;
  readonly #schedule: ReconnectSchedule;
  #status: ServerStatus = { state: "connecting", error: undefined };
  #trying: Promise<void> | undefined = undefined;
  #cancelRetry: (() => void) | undefined = undefined;
  #closed = false;

  constructor(parts: ServerSlotParts) {
    this.name = parts.name;
    this.client = parts.client;
    this.#parts = parts;
    this.#schedule = new ReconnectSchedule(RETRY, Math.random, () => parts.clock.now());
  }

  get status(): ServerStatus {
    return this.#status;
  }

  /** Asks whether it answers, with a real request. Never rejects; all that ask at once share the answer. */
  check(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#trying ??= this.#try().finally(() => {
      this.#trying = undefined;
    });
    return this.#trying;
  }

  /** Waits for the first answer or failure, which it asks for where nobody has. */
  async settled(): Promise<void> {
    if (this.#status.state === "connecting") await this.check();
  }

  /** Runs a request, and learns from how it ends. */
  async use<Value>(request: (client: MCPClient) => Promise<Value>): Promise<Value> {
    try {
      const value = await request(this.client);
      this.#answered();
      return value;
    } catch (error) {
      if (MCPError.isInstance(error)) this.#answered();
      else if (MCPClientError.isInstance(error) && OF_THE_SERVER.has(error.code))
        this.#failed(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    await this.client.close();
  }

  async #try(): Promise<void> {
    try {
      await this.client.ping();
      this.#answered();
    } catch (error) {
      this.#failed(asFailure(error));
    }
  }

  #answered(): void {
    this.#schedule.worked();
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (this.#status.state !== "ready") this.#become({ state: "ready", error: undefined });
  }

  #failed(error: MCPError | MCPClientError): void {
    if (this.#closed) return;
    this.#become({ state: "failed", error });
    // Wrong credentials or a missing program do not mend themselves: the next request or check tries again.
    if (MCPClientError.isInstance(error) && error.retry === "never") return;
    const delayMs = this.#schedule.next(undefined);
    if (delayMs === undefined || this.#cancelRetry !== undefined) return;
    this.#cancelRetry = this.#parts.clock.after(delayMs, () => {
      this.#cancelRetry = undefined;
      void this.check();
    });
  }

  #become(status: ServerStatus): void {
    if (this.#closed) return;
    this.#status = status;
    try {
      this.#parts.onState(this.name, status);
    } catch (err) {
      this.#parts.logger.error({ err, server: this.name }, "the option onState threw");
    }
  }
}
