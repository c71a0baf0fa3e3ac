import {
  type Interceptor,
  type Invocation,
  type InvocationResult,
  isJsonObject,
  type Logger,
  type Next,
} from "@backplane/protocol";

export interface SubscriptionDependencies {
  /** Whether the hosted server serves this resource. */
  readonly owns: (uri: string) => boolean;
  /** Asks the hosted server on the host's own account. */
  readonly request: (method: string, params: { readonly uri: string }) => Promise<unknown>;
  readonly maxSubscriptions: number;
  readonly logger: Logger;
}

/**
 * A hosted server reports the changes of a resource only once somebody has subscribed to it there. The host
 * does so when the first client asks for one, and keeps it: clients come and go, and what nobody
 * listens to any more ends when the number of subscriptions reaches its limit.
 */
export class HostedSubscriptions implements Interceptor {
  readonly name = "hosted resource subscriptions";
  readonly phase = "handler";
  readonly #deps: SubscriptionDependencies;
  /** Oldest use first. */
  readonly #subscribed = new Map<string, Promise<unknown>>();

  constructor(deps: SubscriptionDependencies) {
    this.#deps = deps;
  }

  async intercept(invocation: Invocation, next: Next): Promise<InvocationResult> {
    const uris = subscribedUris(invocation).filter((uri) => this.#deps.owns(uri));
    if (uris.length > 0) await Promise.all(uris.map((uri) => this.#subscribe(uri)));
    return next(invocation);
  }

  #subscribe(uri: string): Promise<unknown> {
    const { request, maxSubscriptions } = this.#deps;
    const before = this.#subscribed.get(uri);
    if (before !== undefined) {
      this.#subscribed.delete(uri);
      this.#subscribed.set(uri, before);
      return before;
    }
    if (this.#subscribed.size >= maxSubscriptions) this.#endOldest();
    const subscribed = request("resources/subscribe", { uri });
    this.#subscribed.set(uri, subscribed);
    subscribed.catch(() => {
      if (this.#subscribed.get(uri) === subscribed) this.#subscribed.delete(uri);
    });
    return subscribed;
  }

  #endOldest(): void {
    const { request, maxSubscriptions, logger } = this.#deps;
    const [oldest] = this.#subscribed.keys();
    if (oldest === undefined) return;
    this.#subscribed.delete(oldest);
    logger.warn(
      { uri: oldest, maxSubscriptions },
      "changes of a hosted resource are no longer followed: the option maxSubscriptions is reached",
    );
    request("resources/unsubscribe", { uri: oldest }).catch((error: unknown) => {
      logger.warn({ err: error, uri: oldest }, "the hosted server refused to end a subscription");
    });
  }
}

function subscribedUris({ method, params }: Invocation): readonly string[] {
  if (method === "resources/subscribe") return isString(params.uri) ? [params.uri] : [];
  if (method !== "subscriptions/listen" || !isJsonObject(params.notifications)) return [];
  const { resourceSubscriptions } = params.notifications;
  return Array.isArray(resourceSubscriptions) ? resourceSubscriptions.filter(isString) : [];
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
