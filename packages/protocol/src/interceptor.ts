import type { RequestContext } from "./context.ts";
import type { CacheHint } from "./types/primitives.ts";

/**
 * When an interceptor runs, outermost first. Authentication and policy run before all of them, so a
 * cache hit never skips either.
 */
export const INTERCEPTOR_PHASES = ["observe", "limit", "cache", "handler"] as const;

/** One of {@link INTERCEPTOR_PHASES}. */
export type InterceptorPhase = (typeof INTERCEPTOR_PHASES)[number];

/**
 * One request as an interceptor sees it. To change it, pass a changed copy to `next`.
 * @typeParam Context what the side knows of its request: a server's {@link RequestContext}, or a client's own.
 */
export interface Invocation<Context = RequestContext> {
  readonly method: string;
  /** The tool, prompt or resource addressed: `params.name` or `params.uri`; undefined for other methods. */
  readonly target: string | undefined;
  /**
   * The registered name of what is addressed: as `target`, but of a resource of a template the template's,
   * of which there are as many as were registered, however callers spell their URIs. Undefined for other
   * methods, and on a client.
   */
  readonly primitive?: string | undefined;
  /** The groups that its author put the addressed primitive in; undefined for other methods, and on a client. */
  readonly tags?: readonly string[] | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  readonly context: Context;
  /**
   * How long the result may be kept and by whom, as its author declared; undefined when it may not be. Only
   * a server knows it.
   */
  readonly cacheHint?: CacheHint | undefined;
}

/** The result of a request, before an era's codec gives it its wire form. */
export type InvocationResult = object;

/** Goes on to the next interceptor, and at last to the handler. Rejects with what the handler threw. */
export type Next<Context = RequestContext> = (
  invocation: Invocation<Context>,
) => Promise<InvocationResult>;

/** What a server tells its clients of: a list, or the contents of a resource. */
export type ServerChange =
  | { readonly type: "list"; readonly list: "tools" | "prompts" | "resources" }
  | { readonly type: "resource"; readonly uri: string }
  /** Changes of other replicas may have been missed, because the event bus was away. */
  | { readonly type: "missed" };

/** What an interceptor may know of the server that uses it. */
export interface InterceptorHost {
  /** Stands in every context of this server. */
  readonly serverId: string;
  /** The same on every replica. */
  readonly serverInfo: { readonly name: string; readonly version: string };
  /**
   * Tells of changes, whichever replica sees them. Clients are told once the listener is done, so that
   * whoever asks again gets what is new; a listener has two seconds.
   */
  onChange(listener: (change: ServerChange) => void | Promise<void>): void;
  /** Closes something together with the server. */
  onStop(name: string, close: () => void | Promise<void>): void;
}

/** Code around every request of every method, on every transport and in every era. */
export interface Interceptor<Context = RequestContext> {
  readonly name: string;
  readonly phase: InterceptorPhase;
  /** Called by each server that is given it, before the first request. */
  attached?(host: InterceptorHost): void;
  /** May give a result that it has at hand as it is: a promise of it would only cost time. */
  intercept(
    invocation: Invocation<Context>,
    next: Next<Context>,
  ): InvocationResult | Promise<InvocationResult>;
}

/** Interceptors around a handler, folded into one. Throws what is thrown before anything is waited for. */
export type InterceptorChain<Context = RequestContext> = (
  invocation: Invocation<Context>,
) => InvocationResult | PromiseLike<InvocationResult>;

/**
 * Orders interceptors by phase, keeping registration order inside one.
 * @throws {TypeError} when an interceptor names no known phase or has no function.
 */
export function orderInterceptors<Context = RequestContext>(
  interceptors: readonly Interceptor<Context>[],
): readonly Interceptor<Context>[] {
  for (const { name, phase, intercept } of interceptors) {
    if (typeof intercept !== "function") {
      throw new TypeError(`interceptor "${name}": no intercept function`);
    }
    if (!INTERCEPTOR_PHASES.includes(phase)) {
      throw new TypeError(
        `interceptor "${name}": phase "${String(phase)}" is not one of ${INTERCEPTOR_PHASES.join(", ")}`,
      );
    }
  }
  return INTERCEPTOR_PHASES.flatMap((phase) => interceptors.filter((one) => one.phase === phase));
}

/** Folds ordered interceptors around `terminal`: the one composing loop of server and client. */
export function composeInterceptors<Context = RequestContext>(
  ordered: readonly Interceptor<Context>[],
  terminal: InterceptorChain<Context>,
): InterceptorChain<Context> {
  return ordered.reduceRight<InterceptorChain<Context>>((inner, interceptor) => {
    const next = promising(inner);
    return (invocation) => interceptor.intercept(invocation, next);
  }, terminal);
}

/** Interceptors are promised a promise, so that they may chain and catch on it. */
function promising<Context>(inner: InterceptorChain<Context>): Next<Context> {
  return (invocation) => {
    try {
      const outcome = inner(invocation);
      return outcome instanceof Promise ? outcome : Promise.resolve(outcome);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}
