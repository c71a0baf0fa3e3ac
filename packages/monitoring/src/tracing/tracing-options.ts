import {
  checkBoolean,
  checkMembers,
  checkMethods,
  type Era,
  type Revision,
} from "@backplane/protocol";
import type { ContextPropagator, TracerSource } from "../opentelemetry-types.ts";

/** What both sides may be told. */
export interface ClientTracingOptions {
  /** Default: the one that is registered with `@opentelemetry/api`. */
  readonly tracerProvider?: TracerSource;
  /** Reads and writes trace context. Default: the one that is registered, usually W3C's. */
  readonly propagator?: ContextPropagator;
  /** Records the arguments of tool calls, redacted and at most 8,192 characters. Default false. */
  readonly recordArguments?: boolean;
  /** Records the results of tool calls, in the same way. Default false. */
  readonly recordResults?: boolean;
}

/** What `tracing` takes. */
export interface TracingOptions extends ClientTracingOptions {
  /**
   * What the trace context of a client is for this server. `parent`: its span is the parent, its decision to
   * sample is followed, and its baggage is handed on to what handlers ask of others. `link`: a trace of
   * our own begins and links to it, for servers whose clients are strangers. Default `parent`.
   */
  readonly remoteContext?: "parent" | "link";
  /**
   * The share of the traces that begin at this server which the SDK's sampler is asked about, 0 to 1; the others
   * are not recorded, nor is what their handlers ask of others. Cheaper than a ratio in the sampler, because
   * nothing is made for a span that would be dropped. A decision of the client, or of a span that is active, is
   * followed as without it. It needs a sampler that follows a parent's decision, as the SDK's default does; a
   * ratio in that sampler counts as well. Default 1: the sampler decides on all.
   */
  readonly sampleRatio?: number;
}

/** The options with every default filled in, but for what is registered globally. */
export interface ResolvedTracing {
  readonly tracerProvider: TracerSource | undefined;
  readonly propagator: ContextPropagator | undefined;
  readonly recordArguments: boolean;
  readonly recordResults: boolean;
  readonly remoteContext: "parent" | "link";
  readonly sampleRatio: number;
}

/** What tracing needs to know of a client's request; the contexts of `@backplane/client` have it. */
export interface TracedClientContext {
  readonly method: string;
  readonly clientId: string;
  readonly era: Era | undefined;
  readonly revision: Revision | undefined;
  readonly server: string;
  readonly options: {
    readonly meta?: Readonly<Record<string, unknown>>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

const SHARED = [
  "tracerProvider",
  "propagator",
  "recordArguments",
  "recordResults",
] as const satisfies (keyof ClientTracingOptions)[];

/** @throws {TypeError} that names the option. */
export function resolveTracing(options: TracingOptions): ResolvedTracing {
  checkMembers("tracing", options, [...SHARED, "remoteContext", "sampleRatio"]);
  const { remoteContext = "parent", sampleRatio = 1 } = options;
  if (remoteContext !== "parent" && remoteContext !== "link") {
    throw new TypeError(
      `tracing: option "remoteContext" must be "parent" or "link", not ${String(remoteContext)}`,
    );
  }
  if (typeof sampleRatio !== "number" || !(sampleRatio >= 0 && sampleRatio <= 1)) {
    throw new TypeError(
      `tracing: option "sampleRatio" must be a number from 0 to 1, not ${String(sampleRatio)}`,
    );
  }
  return { ...shared("tracing", options), remoteContext, sampleRatio };
}

/** @throws {TypeError} that names the option. */
export function resolveClientTracing(options: ClientTracingOptions): ResolvedTracing {
  checkMembers("clientTracing", options, SHARED);
  return { ...shared("clientTracing", options), remoteContext: "parent", sampleRatio: 1 };
}

function shared(
  subject: string,
  options: ClientTracingOptions,
): Omit<ResolvedTracing, "remoteContext" | "sampleRatio"> {
  const { tracerProvider, propagator, recordArguments = false, recordResults = false } = options;
  checkMethods(subject, "tracerProvider", tracerProvider, ["getTracer"]);
  checkMethods(subject, "propagator", propagator, ["inject", "extract", "fields"]);
  for (const [option, value] of Object.entries({ recordArguments, recordResults })) {
    checkBoolean(subject, option, value);
  }
  return { tracerProvider, propagator, recordArguments, recordResults };
}
