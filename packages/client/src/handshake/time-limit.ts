import type { Clock } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";

/** The time that all steps of a handshake share, and the caller's signal. */
export class TimeLimit {
  readonly #limitMs: number;
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #cancelTimer: (() => void) | undefined;
  readonly #over: Promise<never>;
  #error: MCPClientError | undefined;
  #reject: (error: MCPClientError) => void = () => {};

  /** @param limitMs `Infinity` for none. */
  constructor(limitMs: number, signal: AbortSignal | undefined, clock: Clock) {
    this.#limitMs = limitMs;
    this.#clock = clock;
    this.#startedAtMs = clock.now();
    this.#signal = signal;
    this.#over = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // Nobody may be waiting when it ends.
    this.#over.catch(() => {});
    if (signal?.aborted === true) this.#onAbort();
    signal?.addEventListener("abort", this.#onAbort);
    if (limitMs !== Number.POSITIVE_INFINITY) {
      this.#cancelTimer = clock.after(limitMs, () => this.#end(this.#timeout()));
    }
  }

  leftMs(): number {
    return Math.max(0, this.#startedAtMs + this.#limitMs - this.#clock.now());
  }

  /** @throws {MCPClientError} `timeout` or `aborted`, when there is no time any more. */
  throwIfOver(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /**
   * Waits for the work, or resolves with undefined after `stepMs`.
   * @throws {MCPClientError} `timeout` or `aborted` as soon as there is no time any more; whatever the work throws.
   */
  async bound<Value>(
    work: Promise<Value>,
    stepMs: number = Number.POSITIVE_INFINITY,
  ): Promise<Value | undefined> {
    let cancel: (() => void) | undefined;
    const late = new Promise<undefined>((resolve) => {
      if (stepMs !== Number.POSITIVE_INFINITY)
        cancel = this.#clock.after(stepMs, () => resolve(undefined));
    });
    try {
      return await Promise.race([work, this.#over, late]);
    } finally {
      cancel?.();
      // When this was faster, the work fails later and for nobody.
      work.catch(() => {});
    }
  }

  end(): void {
    this.#cancelTimer?.();
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => {
    const cause: unknown = this.#signal?.reason;
    this.#end(new MCPClientError("aborted", "connecting was given up", { cause }));
  };

  #end(error: MCPClientError): void {
    this.#error ??= error;
    this.#reject(this.#error);
  }

  #timeout(): MCPClientError {
    const limitMs = this.#limitMs;
    return new MCPClientError(
      "timeout",
      `connecting took longer than connectTimeoutMs (${limitMs} ms)`,
      {
        retry: "always",
        details: { deadline: "connect", limitMs },
      },
    );
  }
}
