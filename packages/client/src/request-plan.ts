import type { DeadlineWheel, JsonObject } from "@backplane/protocol";
import type { Bulkhead } from "./bulkhead.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { InputResponder } from "./input-responses.ts";
import type { LinkSource } from "./link-source.ts";
import type { LogEntry, RequestOptions } from "./request-options.ts";
import type { RetryPolicy } from "./retry.ts";

/** One request as the methods hand it down. */
export interface MethodCall {
  readonly method: string;
  /** Without `_meta`. */
  readonly params: JsonObject;
  readonly options: RequestOptions;
  /** Names in lower case and values by turns. */
  readonly headers: readonly string[];
  /** May be repeated after it may have been worked on. */
  readonly idempotent: boolean;
  /** Another request waits for it, which has a place in the bulkhead: it needs none of its own. */
  readonly inside?: boolean;
  /**
   * Asked once when the server found the mirrored headers wrong (-32020): gives the right ones for the request as
   * it was sent, which an interceptor may have changed.
   */
  readonly correctHeaders?: (call: MethodCall) => Promise<readonly string[]>;
  /**
   * What the caller gets for a complete result, which it may refuse by throwing. The request has ended by then, its
   * interceptors included: what this asks of the server is a request of its own.
   * @param rounds of input that the result took; undefined after interceptors, which do not tell.
   */
  readonly finish?: (
    result: JsonObject,
    call: MethodCall,
    rounds?: number,
  ) => JsonObject | Promise<JsonObject>;
}

/** What all requests of a client share. */
export interface RequestHost {
  readonly source: LinkSource;
  readonly retry: RetryPolicy;
  readonly breaker: CircuitBreaker | undefined;
  readonly bulkhead: Bulkhead | undefined;
  readonly inputs: InputResponder;
  readonly wheel: DeadlineWheel;
  /** Fires when the client closes; its reason is what requests that wait fail with. */
  readonly closing: AbortSignal;
  /** Gets log messages of requests that have no callback of their own. */
  readonly onLog: ((entry: LogEntry) => void) | undefined;
  readonly timeoutMs: number;
  readonly maxTotalTimeoutMs: number;
  readonly maxInputRounds: number;
}
