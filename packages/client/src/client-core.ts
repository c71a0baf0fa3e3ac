import {
  canonicalJson,
  composeInterceptors,
  DeadlineWheel,
  type JsonObject,
  type Logger,
  orderInterceptors,
} from "@backplane/protocol";
import { Bulkhead } from "./bulkhead.ts";
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitState,
} from "./circuit-breaker.ts";
import type { ClientContext } from "./client-context.ts";
import {
  circuitChanged,
  type EventSource,
  hasObservers,
  observeRequest,
  targetOf,
} from "./client-events.ts";
import { ClientRequest } from "./client-request.ts";
import { MCPClientError } from "./errors.ts";
import { createInputResponder, type InputResponder } from "./input-responses.ts";
import { guarded } from "./internal/guarded.ts";
import { withoutTrace } from "./internal/without-trace.ts";
import type { Link, LinkEvents } from "./link.ts";
import type { LinkSource } from "./link-source.ts";
import { logEntryOf } from "./log-entry.ts";
import type { ClientBehaviour, ClientInterceptor } from "./options.ts";
import type { RequestOptions } from "./request-options.ts";
import type { MethodCall, RequestHost } from "./request-plan.ts";
import { flatHeaders, type ResolvedBehaviour } from "./resolve-options.ts";
import { ResponseCache } from "./response-cache.ts";
import { createRetryPolicy } from "./retry.ts";
import type { ServerDescription } from "./server-description.ts";
import type { ChangeEvent } from "./subscription-types.ts";
import { changeOf } from "./subscriptions/changes.ts";
import { SubscriptionHub } from "./subscriptions.ts";
import { ToolBook } from "./tool-book.ts";

/** What a client and a pool have in common: everything between the methods and the links. */
export class ClientCore {
  readonly clientId: string = globalThis.crypto.randomUUID();
  /** Who tells, on the channels. */
  readonly events: EventSource;
  readonly tools: ToolBook;
  readonly inputs: InputResponder;
  readonly hub: SubscriptionHub;
  readonly breaker: CircuitBreaker | undefined;
  readonly bulkhead: Bulkhead;
  /** All deadlines of this client. */
  readonly wheel: DeadlineWheel = new DeadlineWheel();
  readonly #subject: string;
  readonly #host: RequestHost;
  /** For what a request needs that has its place in the bulkhead. */
  readonly #inside: RequestHost;
  readonly #closing = new AbortController();
  readonly #cache: ResponseCache | undefined;
  readonly #partition: object;
  readonly #onLog: ClientBehaviour["onLog"];
  readonly #agreement: () => LinkSource["agreement"];
  readonly #cacheName: string;
  #interceptors: readonly ClientInterceptor[] = [];
  /** What the last link's server said of itself. */
  server: ServerDescription | undefined;

  constructor(parts: {
    /** The class, for messages. */
    readonly subject: string;
    readonly given: ClientBehaviour;
    readonly behaviour: ResolvedBehaviour;
    readonly source: LinkSource;
    /** Where subscriptions get their link, which they hold for long. Default: the same. */
    readonly streams?: LinkSource;
    /** The URL without query, or the command: for messages. */
    readonly target: string;
    /** The server in caches. */
    readonly cacheName: string;
    /** The query of the URL, which may hold a credential. */
    readonly query: string;
  }) {
    const { subject, given, behaviour, source, streams = source, target, cacheName, query } = parts;
    const { handlers, limits, logger, clock } = behaviour;
    this.#subject = subject;
    this.events = { clientId: this.clientId, server: target };
    this.#agreement = () => source.agreement;
    this.#cacheName = cacheName;
    this.#onLog = given.onLog && guarded(logger, 'option "onLog"', given.onLog);
    this.tools = new ToolBook({ logger, trustAnnotations: behaviour.trustAnnotations });
    this.inputs = createInputResponder(handlers, {
      serverName: () => this.server?.info?.name,
      logger,
      clock,
      closing: this.#closing.signal,
      limits,
    });
    this.hub = new SubscriptionHub({
      source: streams,
      logger,
      clock,
      onChange: (event) => this.#changed(event),
      options: behaviour.resubscribe,
    });
    this.breaker =
      given.circuitBreaker === false
        ? undefined
        : new CircuitBreaker(this.#breakerOptions(given.circuitBreaker ?? {}, logger), { target });
    this.bulkhead = new Bulkhead(given.bulkhead ?? {});
    this.#cache = given.cache === false ? undefined : (given.cache ?? new ResponseCache({ clock }));
    this.#partition = partitionOf(query, given);
    this.#host = {
      source,
      retry: createRetryPolicy({
        ...given.retry,
        ...(given.maxRetries !== undefined && { maxRetries: given.maxRetries }),
      }),
      breaker: this.breaker,
      bulkhead: this.bulkhead,
      inputs: this.inputs,
      wheel: this.wheel,
      closing: this.#closing.signal,
      onLog: this.#onLog,
      timeoutMs: behaviour.timeoutMs,
      maxTotalTimeoutMs: behaviour.maxTotalTimeoutMs,
      maxInputRounds: limits.maxInputRounds,
    };
    this.#inside = { ...this.#host, bulkhead: undefined };
  }

  /** Whether a legacy server may have something to say beside its answers: questions, log messages. */
  get hearsServer(): boolean {
    return this.#onLog !== undefined || Object.keys(this.inputs.capabilities).length > 0;
  }

  /** What every link of this client reports to. */
  readonly linkEvents: Omit<LinkEvents, "onClose"> = {
    onNotification: (method, params, link) => this.#notified(method, params, link),
    onServerStream: (state, error, link) => this.hub.serverStream(state, error, link),
    onServerRequest: (request, exchange, signal) =>
      this.inputs.answerServerRequest(request, exchange?.method, signal),
  };

  /** @throws {TypeError} for an unknown phase. */
  use(interceptors: readonly ClientInterceptor[]): void {
    this.#interceptors = orderInterceptors([...this.#interceptors, ...interceptors]);
  }

  /** Sends one request through the interceptors, the response cache and everything below. */
  send(call: MethodCall): Promise<JsonObject> {
    const intercepted = this.#interceptors.length > 0;
    if (!intercepted && !hasObservers()) return this.#run(this.#withHeaders(call));
    // What `finish` asks of the server goes through the interceptors too: inside of one that lets few calls
    // through at a time it would wait for itself.
    const { finish, ...plain } = call;
    const running = observeRequest(this.events, plain, this.#agreement, () =>
      intercepted ? this.#intercepted(plain) : this.#run(this.#withHeaders(plain)),
    );
    return finish === undefined ? running : running.then((result) => finish(result, call));
  }

  /** Async, as an interceptor may throw, and give a result without a promise. */
  async #intercepted(call: MethodCall): Promise<JsonObject> {
    const chain = composeInterceptors<ClientContext>(this.#interceptors, ({ params, context }) =>
      this.#run(this.#withHeaders(this.#changedBy(call, params as JsonObject, context.options))),
    );
    return chain({
      method: call.method,
      target: targetOf(call),
      params: call.params,
      context: {
        method: call.method,
        clientId: this.clientId,
        era: this.#host.source.agreement?.era,
        revision: this.#host.source.agreement?.revision,
        server: this.events.server,
        options: call.options,
      },
    }) as Promise<JsonObject>;
  }

  /** Sends one request past interceptors and cache. */
  ask(call: MethodCall): Promise<JsonObject> {
    return observeRequest(this.events, call, this.#agreement, () =>
      ClientRequest.run(this.#host, call),
    );
  }

  /** The server found what was known of its tools wrong. */
  toolsChanged(): void {
    this.#changed({ kind: "tools" });
  }

  /** A link was opened: what an earlier one knew may no longer hold. */
  opened(link: Link): void {
    this.server = link.server;
    this.tools.forget();
    this.hub.opened(link);
  }

  /** Before anything else is closed: nobody waits for a person's answer any more. */
  closing(): void {
    this.#closing.abort(new MCPClientError("closed", "the client was closed"));
  }

  /** The link ended by itself. */
  closed(error: MCPClientError): void {
    this.hub.closed(error);
  }

  close(): void {
    this.wheel.close();
  }

  #run(call: MethodCall): Promise<JsonObject> {
    const cache = this.#cache;
    const host = call.inside === true ? this.#inside : this.#host;
    if (cache === undefined || !ResponseCache.keeps(call.method)) {
      return ClientRequest.run(host, call);
    }
    const key = {
      target: this.#cacheName,
      // A request's own headers may be credentials too.
      partition: canonicalJson({ ...this.#partition, own: withoutTrace(call.headers) }),
      method: call.method,
      params: call.params,
    };
    const kept = cache.get(key);
    if (kept !== undefined) return Promise.resolve(kept);
    const since = cache.mark();
    return ClientRequest.run(host, {
      ...call,
      // No method whose results are kept has a `finish` of its own.
      finish: (result, _call, rounds) => {
        // What a retry with answers brought is for those answers alone (spec: server/utilities/caching).
        if (rounds === 0) cache.set(key, result, since);
        return result;
      },
    });
  }

  /** The request as interceptors pass it on: what mirrors its arguments follows them. */
  #changedBy(call: MethodCall, params: JsonObject, options: RequestOptions): MethodCall {
    if (params === call.params || call.method !== "tools/call") return { ...call, params, options };
    const headers = this.tools.headersFor(String(params.name), params.arguments as JsonObject);
    return { ...call, params, options, headers };
  }

  #withHeaders(call: MethodCall): MethodCall {
    const { headers } = call.options;
    if (headers === undefined) return call;
    const own = flatHeaders(this.#subject, headers);
    const { correctHeaders } = call;
    return {
      ...call,
      headers: [...call.headers, ...own],
      ...(correctHeaders !== undefined && {
        correctHeaders: async (sent: MethodCall) => [...(await correctHeaders(sent)), ...own],
      }),
    };
  }

  #notified(method: string, params: JsonObject, link: Link): void {
    if (method === "notifications/message") {
      const entry = logEntryOf(params);
      if (entry !== undefined) this.#onLog?.(entry);
    } else if (method === "notifications/elicitation/complete") {
      this.inputs.elicitationCompleted(params);
    } else {
      // A legacy server tells of its lists whether or not anybody subscribed.
      const event = changeOf(method, params);
      if (event !== undefined && !this.hub.notified(event, link)) this.#changed(event);
    }
  }

  #breakerOptions(
    given: Partial<CircuitBreakerOptions>,
    logger: Logger,
  ): Partial<CircuitBreakerOptions> {
    const { onStateChange } = given;
    const tell = (state: CircuitState, previous: CircuitState): void =>
      circuitChanged(this.events, state, previous);
    // Left to be refused by the breaker, by its name.
    if (onStateChange !== undefined && typeof onStateChange !== "function") return given;
    const own =
      onStateChange && guarded(logger, 'option "circuitBreaker.onStateChange"', onStateChange);
    return {
      ...given,
      onStateChange: (state, previous) => {
        tell(state, previous);
        own?.(state, previous);
      },
    };
  }

  /** Something changed at the server, or may have: what is kept of it is stale. */
  #changed(event: ChangeEvent): void {
    if (event.kind === "tools") this.tools.changed();
    this.#cache?.changed(this.#cacheName, event);
  }
}

/** What divides a shared cache: two clients with the same credentials may share `private` results. */
function partitionOf(query: string, { auth, headers }: ClientBehaviour): object {
  const credentials = typeof auth === "object" ? identityOf(auth) : (auth ?? "");
  return { query, credentials, headers: headers ?? {} };
}

const identities = new WeakMap<object, string>();

/** Stands for a source of credentials, of which nothing is known but that it is the same one. */
function identityOf(source: object): string {
  let identity = identities.get(source);
  if (identity === undefined) {
    identity = globalThis.crypto.randomUUID();
    identities.set(source, identity);
  }
  return identity;
}
