import { digest, invalidParams, isJsonObject, type JsonValue } from "@backplane/protocol";
import type { PreparedAsk } from "./asks.ts";
import type { Call } from "./call.ts";
import type { InputRound } from "./input-round.ts";
import { InputRun, type RunEngine } from "./input-run.ts";
import type { StateBinding, StatePayload, StateSealer } from "./request-state.ts";

/** How often one request may come back with questions: more is a loop, not a dialogue. */
const MAX_ROUNDS = 16;
/** Questions of one round, hence answers in one request: more than anyone would be asked at once. */
const MAX_ANSWERS = 64;

/** An answer that a client gave, to the question with the digest `ask`; undefined when it named none. */
interface GivenAnswer {
  readonly ask: string | undefined;
  readonly result: unknown;
}

interface OpenAsk {
  readonly ask: PreparedAsk<unknown>;
  readonly identity: string;
}

/** What the earlier rounds of a request left. */
interface Carried {
  readonly answers: Map<string, GivenAnswer>;
  readonly memos: Map<string, readonly unknown[]>;
  readonly round: number;
}

const brand: symbol = Symbol.for("backplane.InputPending");

/** Ends a run that has to wait for its client. Internal: dispatch answers with the questions instead. */
class InputPending extends Error {
  override readonly name = "InputPending";

  static {
    Object.defineProperty(InputPending.prototype, brand, { value: true });
  }

  constructor() {
    super("the client is asked first; the handler runs again with its answer");
  }
}

/**
 * Whether an error is no failure but the end of a round of input: the client has to answer first, and the handler
 * runs again. For what runs parts of a handler and reacts to their failures, such as a scheduler of steps.
 */
export function isInputPending(error: unknown): boolean {
  return typeof error === "object" && error !== null && brand in error;
}

/** The round of a modern call that begins to ask. */
export function createModernInputRound(call: Call, sealer: StateSealer): InputRound {
  const carried: Carried = { answers: new Map(), memos: new Map(), round: 0 };
  return new InputRun(call, new ModernEngine(call, sealer, carried));
}

/**
 * The round of a modern retry.
 * @throws {MCPError} −32602 for members of the wrong type and for state that does not belong to this request.
 */
export async function resumeModernInputRound(call: Call, sealer: StateSealer): Promise<InputRound> {
  const { requestState, inputResponses = {} } = call.params;
  if (requestState !== undefined && typeof requestState !== "string") {
    throw invalidParams("params.requestState must be a string");
  }
  if (!isJsonObject(inputResponses)) {
    throw invalidParams("params.inputResponses must be an object");
  }
  if (Object.keys(inputResponses).length > MAX_ANSWERS) {
    throw invalidParams(`params.inputResponses holds more than ${MAX_ANSWERS} answers`);
  }
  const payload =
    requestState === undefined ? undefined : await sealer.open(requestState, bindingOf(call));
  const carried = payload === undefined ? unbound(inputResponses) : merged(payload, inputResponses);
  return new InputRun(call, new ModernEngine(call, sealer, carried));
}

/** Answers whose state the client did not send back: each is judged when its key is asked again. */
function unbound(inputResponses: Record<string, unknown>): Carried {
  const answers = Object.entries(inputResponses).map(
    ([key, result]) => [key, { ask: undefined, result }] as const,
  );
  return { answers: new Map(answers), memos: new Map(), round: 0 };
}

/** Takes the answers to what the state says was asked; others are ignored (spec: patterns/mrtr). */
function merged(payload: StatePayload, inputResponses: Record<string, unknown>): Carried {
  const answers = new Map<string, GivenAnswer>();
  for (const [key, { ask, result }] of Object.entries(payload.answers)) {
    if (result !== undefined) answers.set(key, { ask, result });
    else if (Object.hasOwn(inputResponses, key)) {
      answers.set(key, { ask, result: inputResponses[key] });
    }
  }
  const memos = Object.entries(payload.memos) as [string, readonly unknown[]][];
  return { answers, memos: new Map(memos), round: payload.round };
}

function bindingOf(call: Call): StateBinding {
  const { params, method, peer } = call;
  // What the method acts on and nothing else: a `name` sent along with a read must not stand for its URI.
  const member = peer.codec.methods.get(method)?.targetMember ?? "name";
  return {
    principalKey: peer.principalKey,
    method,
    name: String(params[member]),
    arguments: params.arguments,
  };
}

class ModernEngine implements RunEngine {
  readonly #call: Call;
  readonly #sealer: StateSealer;
  readonly #answers: Map<string, GivenAnswer>;
  readonly #memos: Map<string, readonly unknown[]>;
  readonly #round: number;
  readonly #openAsks = new Map<string, OpenAsk>();
  /** Answers being judged and memos being made: the round is complete when they have ended. */
  readonly #running = new Set<Promise<unknown>>();
  #ending: Promise<never> | undefined;
  #ended = false;
  #misuse: TypeError | undefined;

  constructor(call: Call, sealer: StateSealer, carried: Carried) {
    this.#call = call;
    this.#sealer = sealer;
    this.#answers = carried.answers;
    this.#memos = carried.memos;
    this.#round = carried.round;
  }

  get open(): boolean {
    return this.#openAsks.size > 0;
  }

  admit(): void {
    // What a handler asks after it swallowed the end of its run is asked, if at all, by a run with answers.
    if (this.#ended) throw new InputPending();
  }

  /** A question of this era is a result: none waits here. */
  end(): void {}

  misuse(error: TypeError): void {
    this.#misuse ??= error;
  }

  answer<Value>(key: string, ask: PreparedAsk<Value>, identity: string): Promise<Value> {
    const given = this.#answers.get(key);
    if (given !== undefined) return this.#track(this.#judge(key, ask, identity, given));
    if (this.#openAsks.size >= MAX_ANSWERS) {
      throw new TypeError(`ask "${key}": a round holds at most ${MAX_ANSWERS} questions`);
    }
    return this.#leaveOpen(key, ask, identity);
  }

  async memo(
    key: string,
    run: () => Promise<JsonValue | undefined>,
  ): Promise<JsonValue | undefined> {
    // No side effect in a run whose outcome nobody will see.
    this.admit();
    const memo = this.#memos.get(key);
    if (memo !== undefined) return memo[0] as JsonValue | undefined;
    return this.#track(
      run().then((value) => {
        this.#memos.set(key, value === undefined ? [] : [value]);
        return value;
      }),
    );
  }

  async toResult(): Promise<object> {
    await this.#ending?.catch(() => {});
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    if (this.#misuse !== undefined) throw this.#misuse;
    const round = this.#round + 1;
    if (round > MAX_ROUNDS) {
      throw invalidParams(`this request was asked for input ${MAX_ROUNDS} times without an end`);
    }
    const answers: Record<string, { ask: string; result: unknown }> = Object.create(null);
    for (const [key, { ask, result }] of this.#answers) {
      if (ask !== undefined) answers[key] = { ask, result };
    }
    const inputRequests: Record<string, object> = Object.create(null);
    for (const [key, { ask, identity }] of this.#openAsks) {
      const { method, params } = ask;
      inputRequests[key] = { method, params };
      answers[key] = { ask: await digest(identity), result: undefined };
    }
    const payload = { answers, memos: Object.fromEntries(this.#memos), round };
    const requestState = await this.#sealer.seal(payload, bindingOf(this.#call));
    return { resultType: "input_required", inputRequests, requestState };
  }

  async #judge<Value>(
    key: string,
    ask: PreparedAsk<Value>,
    identity: string,
    given: GivenAnswer,
  ): Promise<Value> {
    const now = await digest(identity);
    if (given.ask === undefined || given.ask === now) {
      const parsed = await ask.parse(given.result);
      if (parsed.reason === undefined) {
        this.#answers.set(key, { ask: now, result: given.result });
        return parsed.value;
      }
    }
    this.#answers.delete(key);
    return this.#leaveOpen(key, ask, identity);
  }

  /** Records the question; the answer is the end of the run, the same for all that this tick asks. */
  #leaveOpen(key: string, ask: PreparedAsk<unknown>, identity: string): Promise<never> {
    this.#openAsks.set(key, { ask, identity });
    this.#ending ??= new Promise((_resolve, reject) => {
      afterTick(() => {
        this.#ended = true;
        reject(new InputPending());
      });
    });
    return this.#ending;
  }

  #track<Value>(work: Promise<Value>): Promise<Value> {
    this.#running.add(work);
    const done = (): void => void this.#running.delete(work);
    work.then(done, done);
    return work;
  }
}

/** Microtasks first: `Promise.all` over functions of different depth asks in one tick. */
const afterTick: (callback: () => void) => void =
  typeof setImmediate === "function" ? setImmediate : (callback) => setTimeout(callback, 0);
