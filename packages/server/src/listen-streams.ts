import {
  type Clock,
  invalidParams,
  isJsonObject,
  META_SUBSCRIPTION_ID,
  type RequestId,
  unavailable,
} from "@backplane/protocol";
import type { Call } from "./call.ts";
import type { ChangeFeed, ChangeListener } from "./change-feed.ts";
import { limitHit } from "./limit-hit.ts";
import type { ServerLimits } from "./options.ts";
import type { ListKind, Registry } from "./registry.ts";
import { type ResourceWatches, subscriptionOwner } from "./resource-watches.ts";
import type { StreamSlots } from "./stream-slots.ts";
import type { Targets } from "./targets.ts";
import { WatchedUris } from "./watched-uris.ts";

/** What a client asks to be told of, as far as this server honours it. */
interface ListenFilter {
  readonly lists: ReadonlySet<ListKind>;
  readonly uris: ReadonlySet<string>;
}

const FILTER_MEMBERS: Readonly<Record<ListKind, string>> = {
  tools: "toolsListChanged",
  prompts: "promptsListChanged",
  resources: "resourcesListChanged",
};
const LIST_KINDS = Object.keys(FILTER_MEMBERS) as readonly ListKind[];

/** Longest id of a listen request: every notification repeats it. */
const MAX_ID_LENGTH = 1_024;

/** How long a refused client waits before it listens again. */
const RETRY_AFTER_MS = 5_000;

/** Serves `subscriptions/listen`: long-lived calls that tell a client of changes (spec: patterns/subscriptions). */
export class ListenStreams {
  readonly #registry: Registry;
  readonly #targets: Targets;
  readonly #changes: ChangeFeed;
  readonly #watches: ResourceWatches;
  readonly #slots: StreamSlots;
  readonly #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();
  #draining = false;

  constructor(
    registry: Registry,
    targets: Targets,
    changes: ChangeFeed,
    watches: ResourceWatches,
    slots: StreamSlots,
    limits: ServerLimits,
    clock: Clock,
  ) {
    this.#registry = registry;
    this.#targets = targets;
    this.#changes = changes;
    this.#watches = watches;
    this.#slots = slots;
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Acknowledges first, then tells of changes until the client goes or the server drains; the result is
   * the graceful end.
   */
  async listen(call: Call): Promise<object> {
    const filter = this.#filter(call);
    const owner = subscriptionOwner(call.peer.principalKey, call.transport.remoteAddress);
    const release = this.#slots.take(owner);
    if (release === undefined) throw unavailable("too_many_streams", RETRY_AFTER_MS);
    const watched = new WatchedUris(this.#watches, owner);
    try {
      for (const uri of filter.uris) {
        if (watched.add(uri)) continue;
        limitHit(call.serverId, "maxSubscriptionsPerPrincipal", call);
        throw invalidParams("this principal has as many subscriptions as the server allows");
      }
      return await this.#serve(call, filter, watched);
    } finally {
      watched.close();
      release();
    }
  }

  /** Ends every stream gracefully: their clients listen elsewhere. */
  drain(): void {
    // One that still waits for the bus is not among the open ones yet.
    this.#draining = true;
    for (const end of this.#open) end();
  }

  async #serve(call: Call, filter: ListenFilter, watched: WatchedUris): Promise<object> {
    const { requestId } = call;
    // Changes that come before the acknowledgement is out are held back: nothing may precede it.
    let held: string[] | undefined = [];
    const send = (text: string): void => {
      if (held === undefined) call.outlet.notify(text);
      else held.push(text);
    };
    const stop = await this.#changes.listen(listenerFor(filter, requestId, send));
    try {
      if (filter.lists.has("resources")) watched.watchLists();
      await watched.started();
      call.outlet.notify(
        taggedNotification("notifications/subscriptions/acknowledged", requestId, {
          notifications: describe(filter),
        }),
      );
      for (const text of held) call.outlet.notify(text);
      held = undefined;
      await this.#ended(call);
    } finally {
      stop();
    }
    if (call.transport.kind === "stdio") {
      // On stdio a teardown is also announced (digest §1, known contradiction: clients accept either).
      call.outlet.notify(
        JSON.stringify({
          jsonrpc: "2.0",
          method: "notifications/cancelled",
          params: { requestId, reason: "the server ends this subscription" },
        }),
      );
    }
    return { _meta: { [META_SUBSCRIPTION_ID]: requestId } };
  }

  #ended(call: Call): Promise<void> {
    const { signal } = call;
    const endsAtMs = call.principal?.expiresAtMs;
    return new Promise((resolve) => {
      // Whoever asked then is not known to be the caller any more: the client listens anew.
      const cancel =
        endsAtMs === undefined
          ? undefined
          : this.#clock.after(Math.max(0, endsAtMs - this.#clock.now()), () => end());
      const end = (): void => {
        cancel?.();
        this.#open.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.#open.add(end);
      if (signal.aborted || this.#draining) end();
      else signal.addEventListener("abort", end);
    });
  }

  /** @throws {MCPError} −32602 for a filter that is malformed or asks for too much. */
  #filter(call: Call): ListenFilter {
    if (String(call.requestId).length > MAX_ID_LENGTH) {
      throw invalidParams(`the id of a listen request has at most ${MAX_ID_LENGTH} characters`);
    }
    const { notifications } = call.params;
    if (!isJsonObject(notifications)) throw invalidParams("params.notifications must be an object");
    const lists = LIST_KINDS.filter((kind) => {
      const wanted = notifications[FILTER_MEMBERS[kind]];
      if (wanted !== undefined && typeof wanted !== "boolean") {
        throw invalidParams(`params.notifications.${FILTER_MEMBERS[kind]} must be a boolean`);
      }
      return wanted === true && this.#registry.declares(kind);
    });
    const { resourceSubscriptions: uris = [] } = notifications;
    if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === "string")) {
      throw invalidParams("params.notifications.resourceSubscriptions must be an array of URIs");
    }
    if (uris.length > this.#limits.maxSubscriptions) {
      limitHit(call.serverId, "maxSubscriptions", call);
      throw invalidParams(`at most ${this.#limits.maxSubscriptions} resource subscriptions`);
    }
    return {
      lists: new Set(lists),
      uris: new Set(uris.filter((uri) => this.#mayWatch(call, uri))),
    };
  }

  /** A resource that exists and that the caller may read; the acknowledgement shows what was left out. */
  #mayWatch(call: Call, uri: string): boolean {
    return (
      this.#registry.declares("resources") && this.#targets.findResource(call, uri) !== undefined
    );
  }
}

function listenerFor(
  filter: ListenFilter,
  requestId: RequestId,
  send: (text: string) => void,
): ChangeListener {
  return {
    onListChanged: (kind) => {
      if (!filter.lists.has(kind)) return;
      send(taggedNotification(`notifications/${kind}/list_changed`, requestId, {}));
    },
    onResourceUpdated: (uri) => {
      if (!filter.uris.has(uri)) return;
      send(taggedNotification("notifications/resources/updated", requestId, { uri }));
    },
  };
}

function describe({ lists, uris }: ListenFilter): object {
  return {
    ...Object.fromEntries([...lists].map((kind) => [FILTER_MEMBERS[kind], true])),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
  };
}

function taggedNotification(method: string, requestId: RequestId, params: object): string {
  return JSON.stringify({
    jsonrpc: "2.0",
    method,
    params: { ...params, _meta: { [META_SUBSCRIPTION_ID]: requestId } },
  });
}
