import type {
  ElicitAsk,
  ElicitResult,
  JsonValue,
  Root,
  SampleParams,
  SampleResult,
} from "@backplane/protocol";
import type { Call } from "./call.ts";

/** The asks of one request: how `ctx.elicit`, `sample`, `roots` and `once` work in one era. */
export interface InputRound {
  elicit(key: string, ask: ElicitAsk): Promise<ElicitResult>;
  sample(key: string, params: SampleParams): Promise<SampleResult>;
  roots(key: string): Promise<readonly Root[]>;
  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value>;
  /** Whether an ask is still without an answer. */
  readonly open: boolean;
  /** The call ends: questions that its handler did not wait for are taken back. */
  end(reason: unknown): void;
  /** The `input_required` result that ends a modern round; called only while `open`. */
  toResult(): Promise<object>;
}

/** Makes the rounds of both eras; one per server object. */
export interface InputRounds {
  /** The round of a call that begins to ask. */
  open(call: Call): InputRound;
  /**
   * The round of a modern retry: opens `requestState` and takes `inputResponses`.
   * @throws {MCPError} −32602 for state that is tampered, expired or foreign, or answers that are no objects.
   */
  resume(call: Call): Promise<InputRound>;
}

/** Whether the handler left a question open that this round must still put. */
export function asks(call: Call): boolean {
  return !call.roundEnded && call.inputRound?.open === true;
}

/** The result of a call whose handler left questions open: a handler that ended with one has asked it, however it ended. */
export function endRound(call: Call): Promise<object> {
  call.roundEnded = true;
  return (call.inputRound as InputRound).toResult();
}
