import type {
  ClientAuth,
  Clock,
  Implementation,
  Interceptor,
  Logger,
  MessageTransport,
  Revision,
} from "@backplane/protocol";
import type { BulkheadOptions } from "./bulkhead.ts";
import type { CircuitBreakerOptions } from "./circuit-breaker.ts";
import type { ClientContext } from "./client-context.ts";
import type { EraCache } from "./era-cache.ts";
import type { InputHandlers } from "./input-handlers.ts";
import type { LogEntry } from "./request-options.ts";
import type { ResponseCache } from "./response-cache.ts";
import type { RetryOptions } from "./retry.ts";
import type { StdioOptions } from "./stdio/stdio-options.ts";
import type { ResubscribeOptions } from "./subscriptions/resubscribe.ts";

/** Bounds on what a server may send or make this client do. Whole numbers of 1 or more. */
export interface ClientLimits {
  /** Largest answer, SSE event or stdio line, in bytes. Default 16 MiB. */
  readonly maxResponseBytes: number;
  /** Deepest nesting of arrays and objects in an answer. Default 64. */
  readonly maxJsonDepth: number;
  /** Events that one request's stream may bring before the response. Default 100,000. */
  readonly maxStreamEvents: number;
  /** Pages that a list may have. Default 1,000. */
  readonly maxPages: number;
  /** Items that a list may have in all its pages. Default 100,000. */
  readonly maxItems: number;
  /** Rounds of input that one request may ask for. Default 16. */
  readonly maxInputRounds: number;
  /** Questions that one round may hold. Default 64. */
  readonly maxInputRequests: number;
  /** Characters of a `requestState`, which every further round carries. Default 65,536. */
  readonly maxRequestStateLength: number;
}

/** Which server a client talks to: exactly one of the three. */
export interface ClientTarget {
  /** The MCP endpoint over HTTP, such as `https://mcp.example/mcp`. */
  readonly url?: string | URL;
  /** A local server that is started as a process and spoken to over its stdin and stdout. */
  readonly stdio?: StdioOptions;
  /** An open connection that carries messages, such as one end of `createInMemoryTransportPair()`. */
  readonly transport?: MessageTransport;
}

/** What clients and pools have in common. */
export interface ClientBehaviour {
  /** How this client introduces itself. Default name "backplane-client". */
  readonly info?: Implementation;
  /** `auto` finds out what the server speaks; a revision insists on it. Default "auto". */
  readonly protocol?: "auto" | Revision;
  /** Credentials for HTTP: a bearer token, or a source of headers such as those of `@backplane/auth/client`. */
  readonly auth?: string | ClientAuth;
  /** Further HTTP headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers to what the server may ask; what is missing is not declared. */
  readonly handlers?: InputHandlers;
  /** Longest silence of a request in milliseconds; progress starts it anew. Default 30,000. */
  readonly timeoutMs?: number;
  /** Longest time of a request with all its attempts, in milliseconds. Default 300,000. */
  readonly maxTotalTimeoutMs?: number;
  /** Longest time for opening a connection and settling the era, in milliseconds. Default 30,000. */
  readonly connectTimeoutMs?: number;
  /** Further attempts after the first. 0 for none. Default 3. */
  readonly maxRetries?: number;
  /** How long to wait between attempts. */
  readonly retry?: Partial<Omit<RetryOptions, "maxRetries">>;
  /**
   * How a subscription whose stream was lost comes back, and when it is given up. A legacy session's stream is
   * first opened again within its session, then within a new one, each time inside these bounds.
   */
  readonly resubscribe?: Partial<ResubscribeOptions>;
  /** Stops calling a server that fails; `false` for never. */
  readonly circuitBreaker?: Partial<CircuitBreakerOptions> | false;
  /** Bounds how many requests run and wait at once. Default 256 and 1,024. */
  readonly bulkhead?: Partial<BulkheadOptions>;
  /**
   * Whether a tool's `readOnlyHint` and `idempotentHint` make its calls repeatable. They are the server's word:
   * say `false` for a server that you do not trust (spec: server/tools). Default true.
   */
  readonly trustAnnotations?: boolean;
  /**
   * Where results with a `ttlMs` are kept. Default: a cache of this client alone; `false` for none. Clients
   * that share one cache share `public` results, and `private` ones only under the same credentials.
   */
  readonly cache?: ResponseCache | false;
  /** Remembers which era a server speaks. Default: one for the process. */
  readonly eraCache?: EraCache;
  readonly limits?: Partial<ClientLimits>;
  /** Log messages that belong to no request with an `onLog` of its own. */
  readonly onLog?: (entry: LogEntry) => void;
  /** Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** The options of `MCPClient`. */
export interface MCPClientOptions extends ClientTarget, ClientBehaviour {
  /** Sockets that an HTTP client may hold open at once. Default 64. */
  readonly maxSockets?: number;
}

/** An interceptor of a client. */
export type ClientInterceptor = Interceptor<ClientContext>;
