import { type Channel, channel } from "node:diagnostics_channel";
import type { RequestContext } from "./context.ts";
import type { Principal } from "./principal.ts";
import type { Era, Revision } from "./revisions.ts";
import type { AuthorizationDecision, ProtectedPrimitive } from "./seams/authorizer.ts";
import type { HttpRouteInfo } from "./seams/http-route.ts";
import type { Tool } from "./types/primitives.ts";

/**
 * What the parts of a process tell whoever listens, on `node:diagnostics_channel`. The channels are
 * process-wide, so each payload carries the `serverId` of the server object, or the `clientId` of the client.
 * Without a subscriber a publication costs one property read. A subscriber must not throw: the runtime reports
 * that as an uncaught exception, which ends the process.
 */
export interface RequestEvent {
  readonly serverId: string;
  /** Who asks, in which era and session, over which transport; its `correlationId` names the request. */
  readonly context: RequestContext;
  /** The tool, prompt or resource asked for, as the client wrote it; undefined for other methods. */
  readonly target: string | undefined;
  /** `performance.now()` when dispatch began. */
  readonly startedAtMs: number;
}

/** How a request ended. `tool_error` is an `isError` result; `error` a JSON-RPC error. */
export type RequestOutcome = "ok" | "input_required" | "tool_error" | "error" | "cancelled";

/** A request ended, by an answer or without one. `durationMs` counts from the begin of dispatch. */
export interface RequestEndEvent extends RequestEvent {
  readonly durationMs: number;
  readonly outcome: RequestOutcome;
  /** The JSON-RPC error code of the answer. */
  readonly errorCode: number | undefined;
  /**
   * What is registered for the target, hidden from the caller or not: the same object as long as it stays
   * registered. Undefined for an unknown name, so that its `name` is one of a bounded number.
   */
  readonly primitive: ProtectedPrimitive | undefined;
  /** The tool's definition, which has the schemas; the same object as long as it stays registered. */
  readonly tool: Tool | undefined;
  /** What the policy decided about `primitive`; undefined without a policy. */
  readonly decision: AuthorizationDecision["effect"] | undefined;
}

/** A session, stream or connection was opened (+1) or ended (−1) in this process. */
export interface GaugeEvent {
  readonly serverId: string;
  /** `connection` is one over stdio or in memory; `session` a legacy one over HTTP. */
  readonly kind: "session" | "stream" | "connection";
  readonly delta: 1 | -1;
  /** How long it was open; undefined when it begins, and for a session that expired unnoticed. */
  readonly durationMs: number | undefined;
}

/** An unexpected error that a client saw only as its correlation id. */
export interface MaskedErrorEvent {
  readonly serverId: string;
  readonly correlationId: string;
  readonly error: unknown;
  readonly method: string;
}

/** Something was looked up in a cache. */
export interface CacheLookupEvent {
  /** The server whose request it was; undefined when a handler or anything else asked. */
  readonly serverId: string | undefined;
  /** The name that the cache was given, the namespace with it. */
  readonly cache: string;
  /** `stale` is a hit past its freshness, as its options allow; `negative` a kept "there is none". */
  readonly outcome: "hit" | "stale" | "negative" | "miss";
}

/** The shared store behind a cache went away, or came back. Published once for each change. */
export interface CacheStateEvent {
  readonly serverId: undefined;
  readonly cache: string;
  readonly degraded: boolean;
  /** What the store failed with; undefined when it is back. */
  readonly error: unknown;
}

/** A credential was looked at: with each HTTP request, once for a stdio process. */
export interface AuthenticationEvent {
  readonly serverId: string;
  readonly transport: "http" | "stdio";
  readonly remoteAddress: string | undefined;
  /** Who it belongs to; undefined when it was refused. */
  readonly principal: Principal | undefined;
  /** The HTTP status of a refusal. */
  readonly status: number | undefined;
  /** Which check refused: a fixed word; undefined when there was no credential at all. */
  readonly stage: string | undefined;
  /** The route that it was for, as it was registered; undefined for what is MCP. */
  readonly route: string | undefined;
}

/** Something was refused because there is too much of it. */
export interface LimitEvent {
  readonly serverId: string;
  /** The server's option of that name, or the limit that refused. */
  readonly limit:
    | "maxInFlight"
    | "maxStreams"
    | "maxStreamsPerPrincipal"
    | "maxSessions"
    | "maxSubscriptions"
    | "maxSubscriptionsPerPrincipal"
    | "maxBodyBytes"
    | "maxJsonDepth"
    | "rateLimit"
    | "concurrencyLimit";
  /** The request that was refused; undefined for what is refused before it is read. */
  readonly context: RequestContext | undefined;
  readonly target: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** The route that ran into it, as it was registered; undefined for what is MCP. */
  readonly route: string | undefined;
}

/** What kept a route from answering, or cut it off: one of a fixed number of words. */
export type RouteRefusalStage =
  /** The path has no route with this method. */
  | "method"
  /** The server stops. */
  | "draining"
  /** `Host` or `Origin`. */
  | "guards"
  /** `limits.maxInFlight`. */
  | "overloaded"
  /** Nobody knows the credential, or there was none; told as an {@link AuthenticationEvent} too. */
  | "authentication"
  /** The route is open, and the caller is not on this machine, or behind a proxy. */
  | "not_local"
  /** The longest body. */
  | "too_large"
  /** `limits.maxStreams`, or the part of it that one caller may have. */
  | "too_many_streams"
  /** The route's time was over. */
  | "deadline";

/**
 * What a server serves over HTTP beside MCP was asked for, and has ended: it was answered or refused, its
 * stream has closed, or its client is gone. A path without a route is not told of.
 */
export interface RouteEndEvent {
  readonly serverId: string;
  /** As it was registered, such as `/metrics` or `/files/*`: never the path that was asked for. */
  readonly route: string;
  readonly access: HttpRouteInfo["access"];
  /** As the client wrote it. */
  readonly method: string;
  /** As the proxy said that the server trusts, or as the connection is. */
  readonly scheme: "http" | "https";
  readonly remoteAddress: string | undefined;
  /** Undefined on a public route, on an open one and for an anonymous caller. */
  readonly principal: Principal | undefined;
  /** Undefined when the client was gone before the answer. */
  readonly status: number | undefined;
  /** Undefined when the route itself gave the answer. */
  readonly stage: RouteRefusalStage | undefined;
  /** Under which the log has the unexpected error that the client did not see. */
  readonly correlationId: string | undefined;
  /** From the end of the request's headers on; of a stream, to its close. */
  readonly durationMs: number;
}

/** A part works without something it should have, such as a shared store, or has it again. */
export interface DegradedEvent {
  /** The server whose request noticed; undefined for what several servers may share. */
  readonly serverId: string | undefined;
  /** What works without: a fixed word such as `rate_limit_store`. */
  readonly part: string;
  readonly degraded: boolean;
}

/** A client's request ended, its retries and rounds of input included. */
export interface ClientRequestEndEvent {
  readonly clientId: string;
  /** Where it went: the URL without credentials and query, or the command. */
  readonly server: string;
  readonly method: string;
  /** The tool, prompt or resource asked for; undefined for other methods. */
  readonly target: string | undefined;
  readonly era: Era | undefined;
  readonly revision: Revision | undefined;
  readonly durationMs: number;
  readonly outcome: RequestOutcome;
  /** The JSON-RPC error code, or the code of the client's own error. */
  readonly errorCode: number | string | undefined;
}

/** A client's connection was opened (+1) or ended (−1). */
export interface ClientConnectionEvent {
  readonly clientId: string;
  readonly server: string;
  readonly delta: 1 | -1;
  /** How long it was open; undefined when it begins. */
  readonly durationMs: number | undefined;
}

/** A client's circuit breaker changed. */
export interface CircuitEvent {
  readonly clientId: string;
  readonly server: string;
  readonly state: "closed" | "open" | "half-open";
  readonly previous: "closed" | "open" | "half-open";
}

/** A run of a workflow began. Never carries parameters, inputs or outputs, like all that workflows tell. */
export interface WorkflowRunEvent {
  /** The server whose request the run serves; undefined for a run of its own. */
  readonly serverId: string | undefined;
  readonly workflow: string;
  readonly runId: string;
  /** `performance.now()` when it began. */
  readonly startedAtMs: number;
}

/** A run of a workflow ended. `waiting`: its request has to bring an answer first, and then it goes on. */
export interface WorkflowRunEndEvent extends WorkflowRunEvent {
  readonly durationMs: number;
  readonly status: "completed" | "partial" | "failed" | "cancelled" | "waiting";
}

/** A node of a workflow began to run. */
export interface WorkflowNodeEvent {
  readonly serverId: string | undefined;
  /** The outermost workflow. */
  readonly workflow: string;
  readonly runId: string;
  /** Its id, in an inner workflow with the way to it. In a map it holds an index: no label for a metric. */
  readonly node: string;
  /** The type of node, such as `MCPToolNode`: one of a bounded number. */
  readonly nodeType: string;
  /** `performance.now()` when it began. */
  readonly startedAtMs: number;
}

/** A node of a workflow that had begun ended, with all its attempts. */
export interface WorkflowNodeEndEvent extends WorkflowNodeEvent {
  readonly durationMs: number;
  readonly status: "completed" | "fallback" | "failed" | "cancelled" | "waiting";
  /** 0 when its outputs were remembered from an earlier round or process. */
  readonly attempts: number;
  readonly error: Error | undefined;
}

// The types of Node 20 give a channel's payload no parameter to fill.
function typed<Payload>(name: string): Channel<unknown, Payload> {
  return channel(name) as Channel<unknown, Payload>;
}

/** The payload of each channel, by what happens on it. */
export interface ChannelEvents {
  readonly requestStart: RequestEvent;
  readonly requestEnd: RequestEndEvent;
  readonly gauge: GaugeEvent;
  readonly maskedError: MaskedErrorEvent;
  readonly authenticated: AuthenticationEvent;
  readonly authenticationRefused: AuthenticationEvent;
  readonly limit: LimitEvent;
  readonly routeEnd: RouteEndEvent;
  readonly degraded: DegradedEvent;
  readonly cacheLookup: CacheLookupEvent;
  readonly cacheState: CacheStateEvent;
  readonly clientRequestEnd: ClientRequestEndEvent;
  readonly clientConnection: ClientConnectionEvent;
  readonly circuit: CircuitEvent;
  readonly workflowRunStart: WorkflowRunEvent;
  readonly workflowRunEnd: WorkflowRunEndEvent;
  readonly workflowNodeStart: WorkflowNodeEvent;
  readonly workflowNodeEnd: WorkflowNodeEndEvent;
}

/** The channels by what happens on them; the names are `backplane:…`. */
export const CHANNELS: {
  readonly [Name in keyof ChannelEvents]: Channel<unknown, ChannelEvents[Name]>;
} = {
  requestStart: typed("backplane:request.start"),
  requestEnd: typed("backplane:request.end"),
  gauge: typed("backplane:gauge"),
  maskedError: typed("backplane:masked-error"),
  cacheLookup: typed("backplane:cache.lookup"),
  cacheState: typed("backplane:cache.state"),
  authenticated: typed("backplane:authentication.accepted"),
  authenticationRefused: typed("backplane:authentication.refused"),
  limit: typed("backplane:limit"),
  routeEnd: typed("backplane:route.end"),
  degraded: typed("backplane:degraded"),
  clientRequestEnd: typed("backplane:client.request.end"),
  clientConnection: typed("backplane:client.connection"),
  circuit: typed("backplane:client.circuit"),
  workflowRunStart: typed("backplane:workflow.run.start"),
  workflowRunEnd: typed("backplane:workflow.run.end"),
  workflowNodeStart: typed("backplane:workflow.node.start"),
  workflowNodeEnd: typed("backplane:workflow.node.end"),
};
