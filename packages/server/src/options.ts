import type {
  Authenticator,
  Authorizer,
  CacheHint,
  Clock,
  EventBus,
  EventLog,
  Implementation,
  KeyRing,
  Logger,
  MessageLimits,
  SessionStore,
} from "@backplane/protocol";
import type { TrustedProxies } from "./http/trusted-proxies.ts";

/** Every bound of the server. Each is a whole number of 1 or more. */
export interface ServerLimits extends MessageLimits {
  /** Requests running at once; one more is a 503. Default 2,048. */
  readonly maxInFlight: number;
  /** Legacy sessions in the in-memory store; a `sessionStore` of your own has its own bound. Default 10,000. */
  readonly maxSessions: number;
  /** Open listen and GET streams. Default 10,000. */
  readonly maxStreams: number;
  /** Open listen and GET streams of one principal (without authentication: of one address). Default 100. */
  readonly maxStreamsPerPrincipal: number;
  /** Resource subscriptions of one session or listen stream. Default 1,000. */
  readonly maxSubscriptions: number;
  /**
   * Resource subscriptions of one principal (without authentication: of one address), over all its streams
   * at one server object. Default 10,000.
   */
  readonly maxSubscriptionsPerPrincipal: number;
  /** Bytes queued for one slow reader before its connection is dropped. Default 1 MiB. */
  readonly maxQueuedBytes: number;
  /** Messages in a 2025-03-26 batch. Default 50. */
  readonly maxBatch: number;
  /** Bytes of an HTTP request's headers. Default 16 KiB. */
  readonly maxHeaderBytes: number;
}

/** Deadlines, in milliseconds over 0. */
export interface Deadlines {
  /** Silence of a running request before it is aborted; progress starts it again. Default 60,000. */
  readonly idleMs: number;
  /** Longest life of a request, whatever its progress. Default 600,000. */
  readonly totalMs: number;
  /** Longest wait for one answer of a legacy client; the other two clocks stand still meanwhile. Default 600,000. */
  readonly inputMs: number;
}

/** The operations whose results carry cache hints in the modern era. */
export type CacheableOperation =
  | "server/discover"
  | "tools/list"
  | "prompts/list"
  | "resources/list"
  | "resources/templates/list"
  | "resources/read";

/** How long legacy sessions live, in milliseconds, each a whole number of 1 or more. */
export interface SessionOptions {
  /** Idle time after which a legacy session ends. Default 1,800,000 (30 minutes). */
  readonly ttlMs: number;
  /** Idle time from which a full store may drop a session to make room. Default 60,000. */
  readonly evictIdleMs: number;
  /** How long a broken stream can be resumed. Default 60,000. */
  readonly resumeWindowMs: number;
}

/** What `new MCPServer` takes. Only `name` and `version` are required. */
export interface MCPServerOptions extends Implementation {
  /** Told to clients at discovery: how to use the server. */
  readonly instructions?: string;
  /** Establishes who is calling. Default: nobody is asked, everybody is anonymous. */
  readonly auth?: Authenticator;
  /** Decides what a principal sees and may call. Default: everything. */
  readonly policy?: Authorizer;
  /** Path of the MCP endpoint. Default `/mcp`. */
  readonly path?: string;
  /** Host names (without port; IPv6 in brackets) that requests may carry. Default: `localhost` and the loopback addresses. */
  readonly allowedHosts?: readonly string[];
  /** Origins (`https://app.example`) that browsers may call from, beside loopback ones; they get CORS headers. Default none. */
  readonly allowedOrigins?: readonly string[];
  /**
   * Proxies before the server whose `X-Forwarded-For`, `-Host` and `-Proto` are believed: addresses, CIDR
   * blocks, or `loopback`. List each hop, and nothing that clients can call from. The client's address is
   * then the last one that is no listed proxy's, in limits, logs and handlers; a forwarded host must stand
   * in `allowedHosts` too. Not for `handler`, which does not know its peer. Default: nobody is believed.
   */
  readonly trustProxy?: readonly string[];
  /**
   * How legacy revisions are served: with `sessions` (default), `stateless` (each request on its own, so
   * nothing can be asked of the client), or `false` for not at all.
   */
  readonly legacy?: "sessions" | "stateless" | false;
  /**
   * Serves the HTTP+SSE transport of 2024-11-05 at the same path, which must then be the one that clients
   * see. What is posted to a server object that does not hold the client's stream travels to it over
   * the event bus, results included; a stream that breaks ends its session. Default false.
   */
  readonly legacySse?: boolean;
  /** Capabilities to declare although nothing is registered yet, for servers that register at run time. */
  readonly declare?: readonly ("tools" | "prompts" | "resources")[];
  /** Entries per page of a list. Default 1,000. */
  readonly pageSize?: number;
  /** How long results may be reused, and by whom. Default 0 ms, `public` (`private` with a per-principal policy, and for reads). */
  readonly cacheHints?: Partial<Record<CacheableOperation, Partial<CacheHint>>>;
  /** Bounds of everything that clients can make grow; those left out keep their defaults. */
  readonly limits?: Partial<ServerLimits>;
  /** Deadlines of every request; a tool may have its own. */
  readonly deadlines?: Partial<Deadlines>;
  /** How long legacy sessions live. */
  readonly sessions?: Partial<SessionOptions>;
  /** Longest life of a sealed `requestState`. Default 600,000. */
  readonly requestStateTtlMs?: number;
  /** Legacy sessions. Replicas share it, and the three below. Default: in memory, with `limits.maxSessions`. */
  readonly sessionStore?: SessionStore;
  /** What resumable streams sent, for a client that comes back. Default: in memory. */
  readonly eventLog?: EventLog;
  /** Carries changes, cancellations and answers between replicas. Default: in memory. */
  readonly eventBus?: EventBus;
  /** The keys that seal `requestState`. Default: one random key for this process, said in the log. */
  readonly keyRing?: KeyRing;
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger;
  /** Time, for tests. Default: the machine's. */
  readonly clock?: Clock;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly serverInfo: Implementation;
  readonly instructions: string | undefined;
  readonly auth: Authenticator | undefined;
  readonly policy: Authorizer | undefined;
  readonly path: string;
  readonly allowedHosts: readonly string[] | undefined;
  readonly allowedOrigins: readonly string[];
  readonly trustProxy: TrustedProxies | undefined;
  readonly legacy: "sessions" | "stateless" | false;
  readonly legacySse: boolean;
  readonly declare: ReadonlySet<string>;
  readonly pageSize: number;
  readonly cacheHints: Partial<Record<CacheableOperation, Partial<CacheHint>>>;
  readonly limits: ServerLimits;
  readonly deadlines: Deadlines;
  readonly sessions: SessionOptions;
  readonly requestStateTtlMs: number;
  readonly sessionStore: SessionStore;
  readonly eventLog: EventLog;
  readonly eventBus: EventBus;
  readonly keyRing: KeyRing;
  /** Whether the key ring is the default one, which other replicas cannot share. */
  readonly processKeyRing: boolean;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The seams made here, by their option, which end with the server; what the caller gave is the caller's to close. */
  readonly ownSeams: ReadonlyMap<string, { close(): Promise<void> }>;
}
