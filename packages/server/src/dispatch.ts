import {
  CHANNELS,
  composeInterceptors,
  DeadlineWheel,
  deadlineExceeded,
  type Interceptor,
  type InterceptorChain,
  IntrusiveList,
  type InvocationResult,
  internalError,
  MCPError,
  type MethodRow,
  methodNotFound,
  orderInterceptors,
  type RequestOutcome,
  type Tool,
  unavailable,
} from "@backplane/protocol";
import { CacheHints } from "./cache-hint.ts";
import { abortReason, type Call, type CallHost } from "./call.ts";
import { credentialHeadersOf } from "./handler-transport.ts";
import { asks, endRound, type InputRound, type InputRounds } from "./input-round.ts";
import { isPromise } from "./internal/is-promise.ts";
import { limitHit, targetName } from "./limit-hit.ts";
import type { MethodHandler } from "./methods.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Registry } from "./registry.ts";
import { ResponseEncoder } from "./response-encoder.ts";
import type { RegisteredTool } from "./tools.ts";

/** How soon a refused client may try again: long enough for a drain to end elsewhere. */
const RETRY_AFTER_MS = 1_000;

/** Taken from the global object once: there it is behind a getter, in the path of every observed call. */
const { performance } = globalThis;

/** How long a handler may clean up after its deadline before it gives up its place among the running. */
const OVERDUE_MS = 1_000;

/** Runs calls: the one path that every transport and era shares. */
export class Dispatcher implements CallHost {
  readonly serverId: string;
  readonly credentialHeaders: ReadonlySet<string>;
  readonly encoder: ResponseEncoder;
  readonly #options: ResolvedOptions;
  readonly #registry: Registry;
  readonly #inputs: InputRounds;
  readonly #methods: ReadonlyMap<string, MethodHandler>;
  readonly #hints: CacheHints;
  readonly #wheel: DeadlineWheel = new DeadlineWheel();
  /** Calls whose handler has not settled. */
  readonly #running = new IntrusiveList<Call>();
  /** Those of them that live as long as their stream: `maxStreams` bounds these, not `maxInFlight`. */
  #unbounded = 0;
  #interceptors: readonly Interceptor[] = [];
  #chain: InterceptorChain | undefined;
  #draining = false;
  #onIdle: (() => void) | undefined;

  constructor(
    serverId: string,
    options: ResolvedOptions,
    registry: Registry,
    inputs: InputRounds,
    methods: ReadonlyMap<string, MethodHandler>,
  ) {
    this.serverId = serverId;
    this.credentialHeaders = credentialHeadersOf(options.auth);
    this.#options = options;
    this.#registry = registry;
    this.#inputs = inputs;
    this.#methods = methods;
    this.#hints = new CacheHints(options);
    this.encoder = new ResponseEncoder(options, this.#hints);
  }

  /** @throws {TypeError} for an unknown phase. */
  use(interceptors: readonly Interceptor[]): void {
    this.#interceptors = orderInterceptors([...this.#interceptors, ...interceptors]);
    this.#chain = composeInterceptors(this.#interceptors, ({ method, params, context }) => {
      const call = context as Call;
      return this.#terminal(call, this.#methods.get(method) as MethodHandler, params);
    });
  }

  /** Runs one call to its end. Never throws: the answer goes to the call's outlet. */
  run(call: Call): void {
    if (CHANNELS.requestStart.hasSubscribers || CHANNELS.requestEnd.hasSubscribers) {
      call.observedAtMs = performance.now();
      this.#publishStart(call, call.observedAtMs);
    }
    const row = call.peer.codec.methods.get(call.method);
    const handler = this.#methods.get(call.method);
    if (row?.kind !== "request" || handler === undefined) {
      this.#fail(call, methodNotFound(call.method));
      return;
    }
    let outcome: object | PromiseLike<object>;
    try {
      this.#admit(call, row, handler);
      call.target = handler.resolve?.(call);
      outcome =
        row.mayAsk === true && isRetry(call)
          ? this.#resume(call, handler)
          : this.#begin(call, handler);
    } catch (error) {
      if (asks(call)) this.#ask(call, row, handler);
      else this.#fail(call, error);
      return;
    }
    if (isPromise(outcome)) this.#wait(call, row, handler, outcome);
    else if (asks(call)) this.#ask(call, row, handler);
    else this.#complete(call, row, outcome);
  }

  /** Requests whose handler has not settled, but for the streams among them. */
  get inFlight(): number {
    return this.#running.size - this.#unbounded;
  }

  openInputRound(call: Call): InputRound {
    return this.#inputs.open(call);
  }

  touchDeadline(call: Call): void {
    this.#wheel.touch(call);
  }

  callDeadline(call: Call, which: "idle" | "total", limitMs: number): void {
    // One that its client cancelled has its answer, and its signal has fired: only its handler runs on.
    if (!call.settled) {
      const error = deadlineExceeded(which, limitMs);
      this.#fail(call, error);
      call.abort(error);
    }
    // A handler that ignores its signal would hold its place for ever; enough of them, and all are refused.
    const handler = this.#methods.get(call.method) as MethodHandler;
    this.#options.clock.after(OVERDUE_MS, () => {
      if (!call.listed) return;
      this.#settled(call, handler);
      this.#publishEnd(call, "cancelled", undefined);
      this.#options.logger.warn(
        { method: call.method, target: targetName(call), limitMs },
        "a handler runs on although its deadline has passed: it ignores ctx.signal",
      );
    });
  }

  /** Stops the clocks of a call that waits for its client. @returns what starts them again. */
  pauseDeadline(call: Call): () => void {
    // A handler may ask before it first waits, when its clocks do not run yet: `#wait` makes up for it.
    call.pauses++;
    this.#wheel.pause(call);
    return () => {
      call.pauses--;
      this.#wheel.resume(call);
    };
  }

  /** From now on every new call is refused with a retryable error. */
  refuse(): void {
    this.#draining = true;
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Releases the timer of the deadlines. */
  close(): void {
    this.#wheel.close();
  }

  /** Fires the signal of every running call and answers it with the named 503. */
  abortAll(): void {
    for (const call of this.#running.toArray()) {
      if (!call.settled) this.#fail(call, unavailable("draining", RETRY_AFTER_MS));
      call.abort(abortReason("the server shuts down"));
    }
  }

  /** @throws {MCPError} when the method is not offered, or the server takes no more work. */
  #admit(call: Call, row: MethodRow, handler: MethodHandler): void {
    if (row.capability !== undefined && !this.#registry.declares(row.capability)) {
      throw methodNotFound(call.method);
    }
    if (this.#draining) throw unavailable("draining", RETRY_AFTER_MS);
    if (handler.unbounded === true) return;
    if (this.inFlight >= this.#options.limits.maxInFlight) {
      limitHit(this.serverId, "maxInFlight", call, RETRY_AFTER_MS);
      throw unavailable("overloaded", RETRY_AFTER_MS);
    }
  }

  /** Answers a call with an error; unexpected ones are masked and logged once. */
  #fail(call: Call, error: unknown): void {
    if (call.settled) {
      // Nobody waits for it, but an unexpected error is still news.
      if (asMCPError(error) === undefined && !isAbort(error)) this.#mask(call, error);
      this.#publishEnd(call, "cancelled", undefined);
      return;
    }
    this.#wheel.remove(call);
    let told = asMCPError(error) ?? this.#mask(call, error);
    try {
      call.finish(this.encoder.error(call, told), told);
    } catch (unsendable) {
      // Its data is none that JSON can carry, or its headers none that HTTP can: thrown on from here it
      // would end the process, and the client would wait for ever.
      told = this.#mask(call, unsendable);
      call.settled = true;
      call.outlet.finish(this.encoder.error(call, told), told);
    }
    this.#publishEnd(call, "error", told.code);
  }

  #complete(call: Call, row: MethodRow, result: object): void {
    if (call.settled) {
      this.#publishEnd(call, "cancelled", undefined);
      return;
    }
    try {
      call.finish(this.encoder.result(call, row, result), undefined);
    } catch (error) {
      // A text can be too long for a transport that needs it as a whole. Nothing of it was sent: an error can be.
      call.settled = false;
      this.#fail(call, error);
      return;
    }
    if (call.observedAtMs !== undefined) this.#publishEnd(call, outcomeOf(result), undefined);
  }

  #begin(call: Call, handler: MethodHandler): object | PromiseLike<object> {
    if (this.#chain === undefined) return handler.run(call, call.target as never, call.params);
    const protection = handler.protectionOf?.(call.target as never);
    return this.#chain({
      method: call.method,
      target: targetName(call),
      primitive: protection?.name,
      tags: protection?.tags,
      params: call.params,
      context: call,
      cacheHint: this.#hints.of(call),
    });
  }

  async #resume(call: Call, handler: MethodHandler): Promise<object> {
    call.inputRound = await this.#inputs.resume(call);
    return this.#begin(call, handler);
  }

  /** The innermost step below the interceptors: they see a round that ends with questions as a result. */
  #terminal(
    call: Call,
    handler: MethodHandler,
    params: Readonly<Record<string, unknown>>,
  ): InvocationResult | PromiseLike<InvocationResult> {
    if (handler.endsRounds === true) return handler.run(call, call.target as never, params);
    const ended = (result: object): InvocationResult | Promise<InvocationResult> =>
      asks(call) ? endRound(call) : result;
    const failed = (error: unknown): Promise<InvocationResult> => {
      if (asks(call)) return endRound(call);
      throw error;
    };
    try {
      const outcome = handler.run(call, call.target as never, params);
      return isPromise(outcome) ? Promise.resolve(outcome).then(ended, failed) : ended(outcome);
    } catch (error) {
      return failed(error);
    }
  }

  #wait(call: Call, row: MethodRow, handler: MethodHandler, outcome: PromiseLike<object>): void {
    this.#track(call, handler);
    outcome.then(
      (result) => {
        if (asks(call)) this.#ask(call, row, handler);
        else {
          this.#settled(call, handler);
          this.#complete(call, row, result);
        }
      },
      (error: unknown) => {
        if (asks(call)) this.#ask(call, row, handler);
        else {
          this.#settled(call, handler);
          this.#fail(call, error);
        }
      },
    );
  }

  /** A handler that ended with an open question has asked it, however it ended. */
  #ask(call: Call, row: MethodRow, handler: MethodHandler): void {
    this.#wait(call, row, handler, endRound(call));
  }

  #track(call: Call, handler: MethodHandler): void {
    if (call.listed) return;
    this.#running.add(call);
    if (handler.unbounded === true) {
      this.#unbounded++;
      return;
    }
    const { idleMs, totalMs } = this.#options.deadlines;
    const own = call.method === "tools/call" ? (call.target as RegisteredTool) : undefined;
    call.idleMs = own?.idleMs ?? idleMs;
    call.totalMs = own?.totalMs ?? totalMs;
    // Reading a clock is much of what observing a call costs: once at its begin is enough.
    call.startedAtMs = call.observedAtMs ?? this.#wheel.now();
    this.#wheel.add(call);
    for (let pause = 0; pause < call.pauses; pause++) this.#wheel.pause(call);
  }

  #settled(call: Call, handler: MethodHandler): void {
    if (this.#running.delete(call) && handler.unbounded === true) this.#unbounded--;
    this.#wheel.remove(call);
    if (this.#running.size === 0 && this.#onIdle !== undefined) {
      this.#onIdle();
      this.#onIdle = undefined;
    }
  }

  #mask(call: Call, error: unknown): MCPError {
    const { correlationId } = call;
    try {
      this.#options.logger.error(
        { correlationId, method: call.method, target: targetName(call), err: error },
        "a handler failed unexpectedly; the client saw only the correlation id",
      );
    } catch {
      // What a handler throws can be anything: a logger that fails on it must not cost the answer.
    }
    if (CHANNELS.maskedError.hasSubscribers) {
      const { serverId } = this;
      CHANNELS.maskedError.publish({ serverId, correlationId, error, method: call.method });
    }
    return internalError(correlationId);
  }

  #publishStart(call: Call, startedAtMs: number): void {
    if (!CHANNELS.requestStart.hasSubscribers) return;
    CHANNELS.requestStart.publish({
      serverId: this.serverId,
      context: call,
      target: targetName(call),
      startedAtMs,
    });
  }

  #publishEnd(call: Call, outcome: RequestOutcome, errorCode: number | undefined): void {
    const startedAtMs = call.observedAtMs;
    if (startedAtMs === undefined) return;
    call.observedAtMs = undefined;
    CHANNELS.requestEnd.publish({
      serverId: this.serverId,
      context: call,
      target: targetName(call),
      startedAtMs,
      durationMs: performance.now() - startedAtMs,
      outcome,
      errorCode,
      primitive: call.primitive,
      tool: toolOf(call),
      decision: call.decision,
    });
  }
}

function isRetry(call: Call): boolean {
  return (
    call.peer.codec.answersByRetry &&
    (call.params.requestState !== undefined || call.params.inputResponses !== undefined)
  );
}

/** Undefined for anything else, even for what throws when it is looked at, such as a revoked proxy. */
function asMCPError(error: unknown): MCPError | undefined {
  try {
    return MCPError.isInstance(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

function isAbort(error: unknown): boolean {
  try {
    return error instanceof Error && error.name === "AbortError";
  } catch {
    return false;
  }
}

/** Under this method `target` is what {@link Targets.tool} found. */
function toolOf({ method, target }: Call): Tool | undefined {
  return method === "tools/call" ? (target as RegisteredTool | undefined)?.definition : undefined;
}

function outcomeOf(result: object): "ok" | "input_required" | "tool_error" {
  if ((result as { resultType?: unknown }).resultType === "input_required") return "input_required";
  return (result as { isError?: unknown }).isError === true ? "tool_error" : "ok";
}
