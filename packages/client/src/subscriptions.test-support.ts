import {
  createInMemoryTransportPair,
  DeadlineWheel,
  type Era,
  type JsonObject,
  META_SUBSCRIPTION_ID,
  type MessageTransport,
  type RequestId,
  type ServerCapabilities,
} from "@backplane/protocol";
import { createFakeClock, type FakeClock } from "@backplane/protocol/test-suite";
import type { MCPClientError } from "./errors.ts";
import { Link, type LinkEvents } from "./link.ts";
import type { LinkSource, LinkTaker } from "./link-source.ts";
import { MessageClientTransport } from "./message-transport.ts";
import { type RecordedLog, recordLog } from "./recorders.test-support.ts";
import type {
  ChangeEvent,
  ListenFilter,
  ListenHandlers,
  StreamState,
} from "./subscription-types.ts";
import { changeOf } from "./subscriptions/changes.ts";
import { SubscriptionHub, type SubscriptionHubParts } from "./subscriptions.ts";
import type { ClientTransport, TransportEvents } from "./transport.ts";
import { createMetaEncoder } from "./wire.ts";

/** A message as the server sees it. */
export interface ServerSees {
  readonly id?: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}

/** How the server answers; each may be changed while it runs. */
export interface ServerBehaviour {
  era: Era;
  capabilities: ServerCapabilities;
  /** The error of a connection that does not come about. */
  refuseConnection: MCPClientError | undefined;
  /** What a listen request is answered with: an acknowledged filter, an error, or nothing. */
  onListen(
    filter: ListenFilter,
  ): ListenFilter | { code: number; message: string; data?: object } | undefined;
  /** The error for a legacy URI. */
  onSubscribe(uri: string): { code: number; message: string } | undefined;
  /** Whether a GET stream exists: undefined where the transport has none. */
  serverStream: boolean | undefined;
}

const ALL: ServerCapabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
};

/** One connection, from the server's side. */
export class ServerEnd {
  readonly received: ServerSees[] = [];
  /** Listen requests that are open, with what was asked for. */
  readonly listening = new Map<RequestId, ListenFilter>();
  readonly subscribed = new Set<string>();
  readonly #transport: MessageTransport;
  readonly #behaviour: ServerBehaviour;
  open = true;

  constructor(transport: MessageTransport, behaviour: ServerBehaviour) {
    this.#transport = transport;
    this.#behaviour = behaviour;
    transport.start({
      onMessage: (text) => this.#receive(JSON.parse(text)),
      onClose: () => {
        this.open = false;
        this.listening.clear();
        this.subscribed.clear();
      },
    });
  }

  send(message: object): void {
    this.#transport.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  /** Tells of a change on every open stream that asked for it, or unasked where the era has no streams. */
  change(event: ChangeEvent): void {
    const message = notificationOf(event);
    if (this.#behaviour.era === "legacy") {
      const heard = event.kind !== "resource" || this.subscribed.has(event.uri);
      if (heard) this.send(message);
      return;
    }
    for (const [id, filter] of this.listening) {
      if (asksFor(filter, event)) this.send(tagged(message, id));
    }
  }

  /** Ends every stream as a server does that drains. */
  drain(): void {
    for (const id of this.listening.keys()) {
      this.send({ id, result: { resultType: "complete", _meta: { [META_SUBSCRIPTION_ID]: id } } });
    }
    this.listening.clear();
  }

  kill(): Promise<void> {
    return this.#transport.close();
  }

  #receive(message: ServerSees): void {
    this.received.push(message);
    const { id, method, params = {} } = message;
    if (method === "notifications/cancelled") {
      this.listening.delete(params.requestId as RequestId);
    } else if (method === "subscriptions/listen") {
      this.#listen(id as RequestId, params.notifications as ListenFilter);
    } else if (id !== undefined) this.#subscribe(id, method, params.uri as string);
  }

  #listen(id: RequestId, filter: ListenFilter): void {
    const answer = this.#behaviour.onListen(filter);
    if (answer === undefined) return;
    if (typeof answer === "object" && "code" in answer) {
      this.send({ id, error: answer });
      return;
    }
    this.listening.set(id, filter);
    const method = "notifications/subscriptions/acknowledged";
    this.send(tagged({ method, params: { notifications: answer } }, id));
  }

  #subscribe(id: RequestId, method: string, uri: string): void {
    const error = this.#behaviour.onSubscribe(uri);
    if (error !== undefined && method === "resources/subscribe") {
      this.send({ id, error });
      return;
    }
    if (method === "resources/subscribe") this.subscribed.add(uri);
    else this.subscribed.delete(uri);
    this.send({ id, result: {} });
  }
}

/** A server that takes any number of connections, one after the other, and a hub that talks to it. */
export interface HubRig {
  readonly hub: SubscriptionHub;
  readonly clock: FakeClock;
  readonly log: RecordedLog;
  readonly server: ServerBehaviour;
  /** Every connection so far. */
  readonly ends: ServerEnd[];
  /** What the client itself was told. */
  readonly changes: ChangeEvent[];
  /** Failures that links were given back with. */
  readonly releases: unknown[];
  /** The connection that is open; throws when there is none. */
  readonly end: ServerEnd;
  /** The transport's side of a GET stream. */
  stream(state: "open" | "interrupted" | "ended", error?: MCPClientError): void;
  /** The link is dropped without a word, as one is whose session was lost. */
  replaceLink(): Promise<void>;
  /** Moves time until the hub has nothing more to wait for, or `limitMs` have passed. */
  patience(limitMs?: number): Promise<void>;
}

export function hubRig(
  behaviour: Partial<ServerBehaviour> = {},
  options: SubscriptionHubParts["options"] = {},
): HubRig {
  const clock = createFakeClock(0);
  const wheel = new DeadlineWheel(clock);
  const log = recordLog();
  const ends: ServerEnd[] = [];
  const changes: ChangeEvent[] = [];
  const releases: unknown[] = [];
  const server: ServerBehaviour = {
    era: "modern",
    capabilities: ALL,
    refuseConnection: undefined,
    onListen: (filter) => filter,
    onSubscribe: () => undefined,
    serverStream: undefined,
    ...behaviour,
  };
  let current: Link | undefined;
  let transportEvents: TransportEvents | undefined;

  async function open(): Promise<Link> {
    if (server.refuseConnection !== undefined) throw server.refuseConnection;
    const [near, far] = createInMemoryTransportPair();
    ends.push(new ServerEnd(far, server));
    const message = new MessageClientTransport(near, {
      kind: "in-memory",
      name: "test",
      maxMessageChars: 1_000_000,
      maxJsonDepth: 64,
      maxPending: 1_000,
      logger: log,
    });
    let link: Link | undefined;
    transportEvents = Link.events(() => link);
    const { onClose } = transportEvents;
    let lost: MCPClientError | undefined;
    await message.open({
      ...transportEvents,
      onClose: (error) => {
        lost = error;
        onClose(error);
      },
    });
    link = linkOver(withStream(message, server));
    if (lost !== undefined) link.transportClosed(lost);
    current = link;
    hub.opened(link);
    return link;
  }

  function linkOver(transport: ClientTransport): Link {
    const { era } = server;
    const revision = era === "modern" ? "2026-07-28" : "2025-11-25";
    const events: LinkEvents = {
      onNotification: (method, params, from) => {
        const event = changeOf(method, params);
        if (event !== undefined) hub.notified(event, from);
      },
      onServerRequest: async () => ({}),
      onServerStream: (state, error, from) => hub.serverStream(state, error, from),
      onClose: (error) => hub.closed(error),
    };
    return new Link({
      agreement: { era, revision },
      server: {
        info: undefined,
        capabilities: server.capabilities,
        instructions: undefined,
        hint: undefined,
      },
      transport,
      meta: createMetaEncoder({ name: "client", version: "1" }, {}, revision),
      lastId: 0,
      onEnded: () => {},
      events,
      wheel,
      logger: log,
    });
  }

  const waiting = new Set<LinkTaker>();
  const source: LinkSource = {
    isAwaited: false,
    get agreement() {
      return current;
    },
    acquire: (taker) => {
      if (current !== undefined && !current.over) return current;
      waiting.add(taker);
      open().then(
        (link) => (waiting.delete(taker) ? taker.onLink(link) : source.release(link, undefined)),
        (error: unknown) => {
          if (waiting.delete(taker)) taker.onNoLink(error);
        },
      );
      return undefined;
    },
    cancel: (taker) => {
      waiting.delete(taker);
    },
    release: (link, failure) => {
      releases.push(failure);
      if (failure?.code === "session_lost" && link === current) void link.close();
    },
  };
  const hub: SubscriptionHub = new SubscriptionHub({
    source,
    logger: log,
    clock,
    random: () => 0,
    onChange: (event) => changes.push(event),
    options,
  });

  return {
    hub,
    clock,
    log,
    server,
    ends,
    changes,
    releases,
    get end() {
      const end = ends.findLast((one) => one.open);
      if (end === undefined) throw new Error("no connection is open");
      return end;
    },
    stream: (state, error) => transportEvents?.onServerStream?.(state, error),
    replaceLink: async () => {
      await current?.close();
    },
    patience: async (limitMs = 60_000) => {
      await quiet();
      for (let waited = 0; waited < limitMs && clock.pendingTimers > 0; waited += 100) {
        clock.advance(100);
        await quiet();
      }
    },
  };
}

/** What a member of the hub was told. */
export interface Heard extends ListenHandlers {
  readonly events: ChangeEvent[];
  readonly states: [StreamState, unknown][];
}

export function hear(): Heard {
  const events: ChangeEvent[] = [];
  const states: Heard["states"] = [];
  return {
    events,
    states,
    onChange: (event) => events.push(event),
    onState: (state, error) =>
      states.push([state, (error as { code?: unknown } | undefined)?.code]),
  };
}

/** Lets everything run that waits for nothing but its turn. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function notificationOf(event: ChangeEvent): { method: string; params: JsonObject } {
  return event.kind === "resource"
    ? { method: "notifications/resources/updated", params: { uri: event.uri } }
    : { method: `notifications/${event.kind}/list_changed`, params: {} };
}

export function tagged(message: { method: string; params: object }, id: RequestId): object {
  const params = { ...message.params, _meta: { [META_SUBSCRIPTION_ID]: id } };
  return { method: message.method, params };
}

export function asksFor(filter: ListenFilter, event: ChangeEvent): boolean {
  return event.kind === "resource"
    ? filter.resourceSubscriptions?.includes(event.uri) === true
    : filter[`${event.kind}ListChanged`] === true;
}

/** A message transport that has a GET stream beside it, as HTTP does. */
function withStream(message: MessageClientTransport, server: ServerBehaviour): ClientTransport {
  return {
    kind: message.kind,
    open: (events) => message.open(events),
    request: (request, receiver) => message.request(request, receiver),
    abandon: (id) => message.abandon(id),
    post: (text) => message.post(text),
    close: () => message.close(),
    ...(server.serverStream !== undefined && {
      openServerStream: async () => server.serverStream === true,
    }),
  };
}
