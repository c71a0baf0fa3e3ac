import {
  canonicalJson,
  type ElicitAsk,
  type ElicitResult,
  type JsonValue,
  type Root,
  type SampleParams,
  type SampleResult,
} from "@backplane/protocol";
import { type Asked, type PreparedAsk, prepareElicit, prepareRoots } from "./asks.ts";
import { abortReason, type Call } from "./call.ts";
import type { InputRound } from "./input-round.ts";
import { prepareSample } from "./sampling-ask.ts";

/** What differs between the eras: how a question that was not asked yet gets its answer. */
export interface RunEngine {
  /** Runs before anything is looked at. @throws {MCPError} when nothing can be asked here at all. */
  admit(method: PreparedAsk<unknown>["method"]): void;
  /** @param identity a text that two asks share only if they ask the same. */
  answer<Value>(key: string, ask: PreparedAsk<Value>, identity: string): Promise<Value>;
  /** The remembered value of `key`, or what `run` makes. */
  memo(key: string, run: () => Promise<JsonValue | undefined>): Promise<JsonValue | undefined>;
  /** The handler asked in a way that no answer can mend. */
  misuse(error: TypeError): void;
  readonly open: boolean;
  /** Takes back the questions that wait for an answer. */
  end(reason: unknown): void;
  toResult(): Promise<object>;
}

interface AskedOnce {
  readonly identity: string;
  readonly answer: Promise<unknown>;
}

const MAX_KEY_LENGTH = 128;

/** One run of a handler: its keys, the same in both eras. */
export class InputRun implements InputRound {
  readonly #call: Call;
  readonly #engine: RunEngine;
  readonly #asks = new Map<string, AskedOnce>();
  readonly #memos = new Map<string, Promise<JsonValue | undefined>>();

  constructor(call: Call, engine: RunEngine) {
    this.#call = call;
    this.#engine = engine;
  }

  get open(): boolean {
    return this.#engine.open;
  }

  end(reason: unknown): void {
    this.#engine.end(reason);
  }

  toResult(): Promise<object> {
    return this.#engine.toResult();
  }

  elicit(key: string, ask: ElicitAsk): Promise<ElicitResult> {
    return this.#ask(key, "elicitation/create", (asked) => prepareElicit(ask, asked));
  }

  sample(key: string, params: SampleParams): Promise<SampleResult> {
    return this.#ask(key, "sampling/createMessage", (asked) => prepareSample(params, asked));
  }

  roots(key: string): Promise<readonly Root[]> {
    return this.#ask(key, "roots/list", prepareRoots);
  }

  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value> {
    let memo = this.#memos.get(key);
    if (memo === undefined) {
      memo = guarded(() => {
        checkKey(key);
        return this.#engine.memo(key, async () => asJson(key, await fn()));
      });
      this.#memos.set(key, memo);
      // A failure is not remembered: the handler may try again.
      memo.catch(() => this.#memos.delete(key));
    }
    return memo as Promise<Value>;
  }

  #ask<Value>(
    key: string,
    method: PreparedAsk<unknown>["method"],
    prepare: (asked: Asked) => PreparedAsk<Value>,
  ): Promise<Value> {
    return guarded(() => {
      try {
        return this.#answer(key, method, prepare);
      } catch (error) {
        if (error instanceof TypeError) this.#engine.misuse(error);
        throw error;
      }
    });
  }

  #answer<Value>(
    key: string,
    method: PreparedAsk<unknown>["method"],
    prepare: (asked: Asked) => PreparedAsk<Value>,
  ): Promise<Value> {
    checkKey(key);
    if (this.#call.settled) throw this.#call.signal.reason ?? abortReason("the call has ended");
    this.#engine.admit(method);
    const { revision, client } = this.#call;
    const ask = named(key, () => prepare({ revision, capabilities: client.capabilities }));
    const identity = canonicalJson([key, ask.method, ask.params]);
    const before = this.#asks.get(key);
    if (before !== undefined) {
      if (before.identity === identity) return before.answer as Promise<Value>;
      throw new TypeError(
        `ask "${key}": two different questions have this key; keys are unique in a request`,
      );
    }
    const answer = this.#engine.answer(key, ask, identity);
    this.#asks.set(key, { identity, answer });
    return answer;
  }
}

/** A promise whose rejection, if nobody looks at it, does not end the process: that nobody answered yet is no fault. */
function guarded<Value>(start: () => Promise<Value>): Promise<Value> {
  let promise: Promise<Value>;
  try {
    promise = start();
  } catch (error) {
    promise = Promise.reject(error);
  }
  promise.catch(() => {});
  return promise;
}

function checkKey(key: unknown): asserts key is string {
  if (typeof key !== "string" || key === "" || key.length > MAX_KEY_LENGTH) {
    throw new TypeError(`an ask needs a key: a string of 1 to ${MAX_KEY_LENGTH} characters`);
  }
}

/** Says in a misuse which ask it is. */
function named<Value>(key: string, prepare: () => Value): Value {
  try {
    return prepare();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(`ask "${key}": ${error.message}`, { cause: error });
  }
}

/** The value as a later run would see it, so that every run sees the same. */
function asJson(key: string, value: unknown): JsonValue | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`once "${key}": a ${typeof value} cannot be remembered as JSON`);
  }
  return JSON.parse(text);
}
