import { type Channel, channel } from "node:diagnostics_channel";
import type { RequestContext } from "./context.ts";

/**
 * What a server tells whoever listens, on `node:diagnostics_channel`: process-wide, so each payload
 * carries its `serverId`. Without a subscriber a publication costs one property read.
 */
export interface RequestEvent {
  readonly serverId: string;
  readonly context: RequestContext;
  /** The tool, prompt or resource addressed; undefined for other methods. */
  readonly target: string | undefined;
  /** `performance.now()` when dispatch began. */
  readonly startedAtMs: number;
}

/** A request ended, by an answer or without one. `durationMs` counts from the begin of dispatch. */
export interface RequestEndEvent extends RequestEvent {
  readonly durationMs: number;
  /** `tool_error` is an `isError` result; `error` a JSON-RPC error. */
  readonly outcome: "ok" | "input_required" | "tool_error" | "error" | "cancelled";
  readonly errorCode: number | undefined;
}

/** A session or stream was opened (+1) or ended (−1) in this process. */
export interface GaugeEvent {
  readonly serverId: string;
  readonly kind: "session" | "stream";
  readonly delta: 1 | -1;
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

// The types of Node 20 give a channel's payload no parameter to fill.
function typed<Payload>(name: string): Channel<unknown, Payload> {
  return channel(name) as Channel<unknown, Payload>;
}

/** The channels by what happens on them; the names are `backplane:…`. */
export const CHANNELS: {
  readonly requestStart: Channel<unknown, RequestEvent>;
  readonly requestEnd: Channel<unknown, RequestEndEvent>;
  readonly gauge: Channel<unknown, GaugeEvent>;
  readonly maskedError: Channel<unknown, MaskedErrorEvent>;
  readonly cacheLookup: Channel<unknown, CacheLookupEvent>;
  readonly cacheState: Channel<unknown, CacheStateEvent>;
} = {
  requestStart: typed("backplane:request.start"),
  requestEnd: typed("backplane:request.end"),
  gauge: typed("backplane:gauge"),
  maskedError: typed("backplane:masked-error"),
  cacheLookup: typed("backplane:cache.lookup"),
  cacheState: typed("backplane:cache.state"),
};
