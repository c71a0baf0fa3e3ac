import {
  ErrorCode,
  invalidParams,
  type JsonValue,
  MCPError,
  systemClock,
} from "@backplane/protocol";
import type { PreparedAsk } from "./asks.ts";
import type { Call } from "./call.ts";
import type { InputRound } from "./input-round.ts";
import { InputRun, type RunEngine } from "./input-run.ts";

export interface LegacyInputDependencies {
  readonly inputMs: number;
  readonly pauseDeadline: (call: Call) => () => void;
}

/** The round of a legacy call: each question is a server request on the call's stream. */
export function createLegacyInputRound(
  call: Call,
  dependencies: LegacyInputDependencies,
): InputRound {
  return new InputRun(call, new LegacyEngine(call, dependencies));
}

class LegacyEngine implements RunEngine {
  /** The handler itself waits; what it does not wait for ends with the call. */
  readonly open = false;
  readonly #waiting = new Set<AbortController>();
  readonly #call: Call;
  readonly #inputMs: number;
  readonly #pauseDeadline: (call: Call) => () => void;

  constructor(call: Call, { inputMs, pauseDeadline }: LegacyInputDependencies) {
    this.#call = call;
    this.#inputMs = inputMs;
    this.#pauseDeadline = pauseDeadline;
  }

  admit(method: string): void {
    if (this.#call.outlet.request !== undefined) return;
    throw new MCPError(
      ErrorCode.missingClientCapability,
      `This client cannot be asked (${method}): its requests are served without a session, so its answer ` +
        'has no way back. Remedy: serve with the option legacy: "sessions", or use a client of 2026-07-28',
    );
  }

  misuse(): void {}

  async answer<Value>(key: string, ask: PreparedAsk<Value>): Promise<Value> {
    const answer = await this.#request(key, ask);
    const parsed = await ask.parse(answer);
    if (parsed.reason === undefined) return parsed.value;
    throw invalidParams(`the client's answer to "${key}" is unusable: ${parsed.reason}`);
  }

  memo(_key: string, run: () => Promise<JsonValue | undefined>): Promise<JsonValue | undefined> {
    return run();
  }

  end(reason: unknown): void {
    for (const controller of this.#waiting) controller.abort(reason);
  }

  toResult(): Promise<object> {
    return Promise.reject(new Error("a legacy round is never open"));
  }

  async #request(key: string, ask: PreparedAsk<unknown>): Promise<unknown> {
    const { outlet, signal } = this.#call;
    signal.throwIfAborted();
    const controller = new AbortController();
    const aborted = new Promise<never>((_resolve, reject) => {
      controller.signal.addEventListener("abort", () => reject(controller.signal.reason));
    });
    const onAbort = (): void => controller.abort(signal.reason);
    signal.addEventListener("abort", onAbort);
    const stopTimer = systemClock.after(this.#inputMs, () => {
      controller.abort(inputTimedOut(key, this.#inputMs));
    });
    const resume = this.#pauseDeadline(this.#call);
    this.#waiting.add(controller);
    try {
      const answer = outlet.request?.(ask.method, legacyParams(ask), controller.signal);
      return await Promise.race([answer, aborted]);
    } finally {
      this.#waiting.delete(controller);
      resume();
      stopTimer();
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** 2025-11-25 names a page that the user is sent to; the modern era does not (client/elicitation). */
function legacyParams({ params }: PreparedAsk<unknown>): object {
  return (params as { mode?: unknown }).mode === "url"
    ? { ...params, elicitationId: globalThis.crypto.randomUUID() }
    : params;
}

function inputTimedOut(key: string, inputMs: number): MCPError {
  return new MCPError(
    ErrorCode.deadlineExceeded,
    `Deadline exceeded: the client did not answer "${key}" within the ${inputMs} ms of deadlines.inputMs`,
    { data: { deadline: "input", limitMs: inputMs } },
  );
}
