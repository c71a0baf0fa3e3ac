import {
  type AbortListener,
  abortListener,
  ErrorCode,
  type JsonObject,
  type MCPError,
  passesLogLevel,
  TotalDeadline,
  unwatchAbort,
  watchAbort,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import type { Exchange, ExchangeOwner } from "./exchange.ts";
import type { InputRound } from "./input-responses.ts";
import { asFailure } from "./internal/as-failure.ts";
import { atTurnEnd, type TurnEndJob } from "./internal/turn-end.ts";
import { waitAwake } from "./internal/wait-awake.ts";
import { Link, type LinkRequest } from "./link.ts";
import type { LinkTaker } from "./link-source.ts";
import { logEntryOf } from "./log-entry.ts";
import type { MethodCall, RequestHost } from "./request-plan.ts";
import { problemOf } from "./result-guards.ts";

const NO_SIGNAL: AbortSignal = new AbortController().signal;

/**
 * Runs one logical request to its end: place in the bulkhead, link, attempts with retries, rounds of input,
 * all inside one budget of time. One object a request, so that an uneventful one costs one promise.
 */
export class ClientRequest implements ExchangeOwner, LinkTaker, TurnEndJob {
  readonly #host: RequestHost;
  #plan: MethodCall;
  readonly #resolve: (result: JsonObject | Promise<JsonObject>) => void;
  readonly #reject: (error: unknown) => void;
  #params: JsonObject;
  #link: Link | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  /** Between its coming and the end of that turn. */
  #result: JsonObject | undefined = undefined;
  #attempts = 0;
  /** The server may have worked on it. */
  #sent = false;
  /** The breaker's state that the attempt was admitted in. */
  #epoch = 0;
  #rounds = 0;
  #urlsOpened = false;
  #inside = false;
  #done = false;
  #cancelWait: (() => void) | undefined = undefined;
  readonly #idleMs: number;
  readonly #totalMs: number;
  #startedAtMs: number;
  // What few requests need is not part of each: many wait at a time, and what they hold is cold by their turn.
  #deadline: TotalDeadline | undefined = undefined;
  #onAbort: AbortListener | undefined = undefined;
  // The fields of the queue for a link.
  listNext: LinkTaker | undefined = undefined;
  listPrevious: LinkTaker | undefined = undefined;
  listed = false;
  waitEndsAtMs = 0;

  private constructor(
    host: RequestHost,
    plan: MethodCall,
    resolve: (result: JsonObject | Promise<JsonObject>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#host = host;
    this.#plan = plan;
    this.#params = plan.params;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#totalMs = milliseconds("maxTotalTimeoutMs", plan.options.maxTotalTimeoutMs, host);
    this.#idleMs = milliseconds("timeoutMs", plan.options.timeoutMs, host);
    this.#startedAtMs = host.wheel.now();
  }

  /** @throws {MCPError} what the server answered. @throws {MCPClientError} everything else. */
  static run(host: RequestHost, plan: MethodCall): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      new ClientRequest(host, plan, resolve, reject).#start();
    });
  }

  onResult(result: JsonObject): void {
    if (this.#host.source.isAwaited) {
      this.#result = result;
      atTurnEnd(this);
    } else this.#take(result);
  }

  onTurnEnd(): void {
    const result = this.#result as JsonObject;
    this.#result = undefined;
    this.#take(result);
  }

  onError(error: MCPError | MCPClientError): void {
    const legacy = this.#link?.era === "legacy";
    this.#giveBack(error);
    if (legacy && error.code === ErrorCode.legacyUrlElicitationRequired && !this.#urlsOpened) {
      void this.#openUrls(error as MCPError);
    } else this.#failed(error);
  }

  onLink(link: Link): void {
    this.#goOn();
    this.#sendOver(link);
  }

  onNoLink(error: unknown): void {
    const failure = asFailure(error);
    this.#goOn();
    this.#host.breaker?.record(failure, this.#epoch);
    this.#failed(failure);
  }

  onNotification(method: string, params: JsonObject): void {
    const { onProgress, onLog, logLevel = "info" } = this.#plan.options;
    if (method === "notifications/progress") {
      const { progress, total, message } = params;
      if (onProgress === undefined || typeof progress !== "number") return;
      onProgress({
        progress,
        ...(typeof total === "number" && { total }),
        ...(typeof message === "string" && { message }),
      });
    } else if (method === "notifications/message") {
      const entry = logEntryOf(params);
      if (entry === undefined) return;
      // A legacy server logs for the session, also on the stream of a request that did not ask.
      if (onLog === undefined) this.#host.onLog?.(entry);
      else if (passesLogLevel(entry.level, logLevel)) onLog(entry);
    }
  }

  /** The budget ran out while no server was asked. */
  #timedOut(limitMs: number): void {
    const { method } = this.#plan;
    const when = this.#sent ? `after ${this.#attempts} attempts` : "before it could be sent";
    this.#fail(
      new MCPClientError(
        "timeout",
        `${method}: maxTotalTimeoutMs (${limitMs} ms) ran out ${when}`,
        {
          details: { deadline: "total", limitMs, attempts: this.#attempts },
          ...(!this.#sent && { retry: "always" }),
        },
      ),
    );
  }

  /** The caller's signal fired. */
  #aborted(): void {
    const { signal } = this.#plan.options;
    const error = abortedError(this.#plan.method, signal);
    // Through the exchange where there is one: the server is told.
    if (this.#exchange !== undefined)
      this.#exchange.giveUp(error, "the caller gave the request up");
    else this.#fail(error);
  }

  #start(): void {
    const { signal } = this.#plan.options;
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#reject(abortedError(this.#plan.method, signal));
        return;
      }
      this.#onAbort = abortListener(() => this.#aborted());
      watchAbort(signal, this.#onAbort);
    }
    const place = this.#host.bulkhead?.enter();
    if (place === undefined) {
      this.#inside = this.#host.bulkhead !== undefined;
      this.#attempt();
      return;
    }
    if (MCPClientError.isInstance(place)) {
      this.#fail(place);
      return;
    }
    this.#wait();
    this.#cancelWait = place.cancel;
    place.entered.then(() => {
      this.#cancelWait = undefined;
      if (this.#done) this.#host.bulkhead?.leave();
      else {
        this.#inside = true;
        this.#goOn();
        this.#attempt();
      }
    });
  }

  #attempt(): void {
    this.#attempts++;
    const open = this.#host.breaker?.admit();
    if (open !== undefined) {
      this.#fail(open);
      return;
    }
    this.#epoch = this.#host.breaker?.epoch ?? 0;
    const got = this.#host.source.acquire(this);
    if (got instanceof Link) this.#sendOver(got);
    else if (got !== undefined) this.onNoLink(got);
    // A wait that ends first by itself needs no place in the wheel, whose lists are cold memory by then.
    else if (this.waitEndsAtMs > this.#startedAtMs + this.#totalMs) this.#wait();
  }

  #sendOver(link: Link): void {
    const { onLog, logLevel = "info" } = this.#plan.options;
    const told = onLog === undefined ? undefined : link.ensureLogLevel(logLevel);
    if (told === undefined) {
      this.#send(link);
      return;
    }
    this.#link = link;
    this.#wait();
    void told.then(() => {
      if (this.#done) return;
      this.#goOn();
      this.#send(link);
    });
  }

  #send(link: Link): void {
    const { method, options } = this.#plan;
    this.#link = link;
    this.#sent = true;
    const request: LinkRequest = {
      method,
      params: this.#params,
      meta: options.meta as JsonObject | undefined,
      wantsProgress: options.onProgress !== undefined,
      logLevel: options.onLog === undefined ? undefined : (options.logLevel ?? "info"),
      headers: this.#plan.headers,
      idleMs: this.#idleMs,
      totalMs: this.#remainingMs(),
    };
    this.#exchange = link.send(request, this);
  }

  /** What is left of the budget. */
  #remainingMs(): number {
    const totalMs = this.#totalMs;
    if (totalMs === Number.POSITIVE_INFINITY) return totalMs;
    // 0 would be no limit to the eye of a reader, and is due at once to the wheel.
    return Math.max(0, this.#startedAtMs + totalMs - this.#host.wheel.now());
  }

  #take(result: JsonObject): void {
    this.#giveBack(undefined);
    const { resultType } = result;
    if (resultType === undefined || resultType === "complete") this.#complete(result);
    else if (resultType === "input_required") void this.#nextRound(result);
    else {
      this.#fail(
        new MCPClientError(
          "invalid_response",
          `${this.#plan.method}: the result has the unknown resultType ${JSON.stringify(resultType)}`,
        ),
      );
    }
  }

  #giveBack(failure: MCPError | MCPClientError | undefined): void {
    const link = this.#link;
    this.#exchange = undefined;
    if (link === undefined) return;
    this.#link = undefined;
    this.#host.breaker?.record(failure, this.#epoch);
    this.#host.source.release(link, failure);
  }

  /** Before anything was asked of the server: it tells nothing of the target. */
  #abandonAttempt(): void {
    this.#host.source.cancel(this);
    this.#host.breaker?.abandon(this.#epoch);
    if (this.#link !== undefined) this.#host.source.release(this.#link, undefined);
    this.#link = undefined;
  }

  #failed(error: MCPError | MCPClientError): void {
    const { correctHeaders } = this.#plan;
    if (error.code === ErrorCode.headerMismatch && correctHeaders !== undefined) {
      void this.#correct(error, correctHeaders);
      return;
    }
    const delayMs = this.#host.retry.delayMs(error, {
      attempts: this.#attempts,
      idempotent: this.#plan.idempotent,
      remainingMs: this.#remainingMs(),
    });
    if (delayMs === undefined) {
      this.#fail(error);
      return;
    }
    this.#attemptIn(delayMs);
  }

  /** Lists the tools anew and mirrors what they say now. Once. */
  async #correct(
    original: MCPError | MCPClientError,
    correctHeaders: NonNullable<MethodCall["correctHeaders"]>,
  ): Promise<void> {
    this.#wait();
    const { correctHeaders: _done, ...plan } = this.#plan;
    try {
      this.#plan = { ...plan, headers: await correctHeaders(this.#plan) };
    } catch {
      this.#fail(original);
      return;
    }
    if (this.#done) return;
    this.#goOn();
    this.#attempt();
  }

  /** Answers what the server asks and sends the request again (spec: patterns/mrtr). */
  async #nextRound(result: JsonObject): Promise<void> {
    const { method, options } = this.#plan;
    const { wheel, inputs, maxInputRounds } = this.#host;
    // It may have fired between the answer and the end of that turn, when there was nothing to cancel.
    if (options.signal?.aborted) {
      this.#aborted();
      return;
    }
    if (++this.#rounds > maxInputRounds) {
      this.#fail(
        new MCPClientError(
          "input_refused",
          `${method}: the server asked for input ${this.#rounds} times (maxInputRounds is ${maxInputRounds})`,
          { details: { rounds: this.#rounds } },
        ),
      );
      return;
    }
    const askedAtMs = wheel.now();
    let round: InputRound;
    try {
      round = await inputs.answerRound(method, result, this.#rounds, options.signal ?? NO_SIGNAL);
    } catch (error) {
      this.#fail(asFailure(error));
      return;
    }
    if (this.#done) return;
    // What our own handlers took, a person at a form above all, is not the server's time.
    this.#startedAtMs += wheel.now() - askedAtMs;
    this.#params = { ...this.#plan.params, ...round.params };
    this.#attempts = 0;
    if (round.delayMs === 0) this.#attempt();
    else this.#attemptIn(round.delayMs);
  }

  /** The server wants URLs opened before it serves the request (2025-11-25, client/elicitation). Once. */
  async #openUrls(error: MCPError): Promise<void> {
    this.#urlsOpened = true;
    const { method, options } = this.#plan;
    const { wheel, inputs } = this.#host;
    const askedAtMs = wheel.now();
    let opened: boolean;
    try {
      opened = await inputs.openRequiredUrls(method, error, options.signal ?? NO_SIGNAL);
    } catch (failure) {
      this.#fail(asFailure(failure));
      return;
    }
    if (this.#done) return;
    this.#startedAtMs += wheel.now() - askedAtMs;
    this.#attempts = 0;
    if (opened) this.#attempt();
    else this.#fail(error);
  }

  #attemptIn(delayMs: number): void {
    const { closing } = this.#host;
    const closed = abortListener(() => this.#fail(closing.reason));
    const cancelTimer = waitAwake(delayMs, () => {
      this.#cancelWait = undefined;
      unwatchAbort(closing, closed);
      this.#goOn();
      this.#attempt();
    });
    this.#wait();
    watchAbort(closing, closed);
    this.#cancelWait = () => {
      cancelTimer();
      unwatchAbort(closing, closed);
    };
    if (closing.aborted) this.#fail(closing.reason);
  }

  #wait(): void {
    if (this.#totalMs === Number.POSITIVE_INFINITY) return;
    this.#deadline ??= new TotalDeadline(this.#totalMs, this.#startedAtMs, (limitMs) =>
      this.#timedOut(limitMs),
    );
    this.#deadline.startedAtMs = this.#startedAtMs;
    this.#host.wheel.add(this.#deadline);
  }

  #goOn(): void {
    if (this.#deadline !== undefined) this.#host.wheel.remove(this.#deadline);
  }

  #complete(result: JsonObject): void {
    const { method } = this.#plan;
    const problem = problemOf(method, result);
    if (problem === undefined) {
      this.#finish(result);
    } else {
      this.#fail(
        new MCPClientError(
          "invalid_response",
          `${method}: the server's result is invalid: ${problem}`,
        ),
      );
    }
  }

  #finish(result: JsonObject): void {
    if (this.#done) return;
    this.#end();
    const { finish } = this.#plan;
    if (finish === undefined) {
      this.#resolve(result);
      return;
    }
    try {
      this.#resolve(finish(result, this.#plan, this.#rounds));
    } catch (error) {
      this.#reject(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#done) return;
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#done = true;
    this.#goOn();
    this.#cancelWait?.();
    if (this.listed || this.#link !== undefined) this.#abandonAttempt();
    const { signal } = this.#plan.options;
    if (signal !== undefined && this.#onAbort !== undefined) unwatchAbort(signal, this.#onAbort);
    if (this.#inside) this.#host.bulkhead?.leave();
  }
}

function abortedError(method: string, signal: AbortSignal | undefined): MCPClientError {
  return new MCPClientError("aborted", `${method}: the caller's signal fired`, {
    cause: signal?.reason,
  });
}

/** @throws {TypeError} for a limit that would never be reached, or always. */
function milliseconds(
  option: "timeoutMs" | "maxTotalTimeoutMs",
  value: number | undefined,
  host: RequestHost,
): number {
  if (value === undefined) return host[option];
  if (value > 0) return value;
  throw new TypeError(`option "${option}" must be a number above 0, not ${String(value)}`);
}
