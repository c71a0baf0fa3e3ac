import {
  ErrorCode,
  type Invocation,
  type InvocationResult,
  type Next,
  type RequestContext,
  sha256,
  type TransportInfo,
} from "@backplane/protocol";
import {
  type Attributes,
  type Context,
  context as contexts,
  isSpanContextValid,
  type Link,
  propagation,
  type Span,
  SpanKind,
  type TextMapPropagator,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { ATTRIBUTES, transportAttributes } from "../attributes.ts";
import { SCOPE } from "../metrics/opentelemetry.ts";
import { headerGetter, metaGetter } from "./carriers.ts";
import {
  asMCPError,
  endWithError,
  endWithResult,
  recorded,
  spanName,
  targetAttributes,
  targetKind,
} from "./span-ends.ts";
import type { ResolvedTracing } from "./tracing-options.ts";
import { UnrecordedContext } from "./unrecorded-context.ts";

/** Ends with its stream, which may be hours. */
const LONG_LIVED = "subscriptions/listen";

/** The code under which clients see an unexpected error. */
const MASKED = String(ErrorCode.internalError);

/** Where a span hangs: under what, and beside what. */
interface Place {
  readonly parent: Context;
  readonly links: Link[];
}

type Extractor = Pick<TextMapPropagator, "extract">;

/** @see tracing */
export function createServerSpans(options: ResolvedTracing): {
  intercept(invocation: Invocation, next: Next): Promise<InvocationResult>;
} {
  const { tracerProvider, propagator = propagation, recordArguments, recordResults } = options;
  const { sampleRatio } = options;
  const tracer = (tracerProvider ?? trace).getTracer(SCOPE) as Tracer;
  async function runRecorded(
    span: Span,
    inside: Context,
    invocation: Invocation,
    next: Next,
  ): Promise<InvocationResult> {
    const { method, context, params } = invocation;
    const isCall = method === "tools/call";
    span.setAttributes(attributesOf(context));
    if (recordArguments && isCall) {
      span.setAttribute(ATTRIBUTES.arguments, recorded(params["arguments"] ?? {}));
    }
    try {
      const result = await contexts.with(inside, next, undefined, invocation);
      endWithResult(span, result, recordResults && isCall);
      return result;
    } catch (error) {
      // Clients get −32603, and the id by which the log can be found.
      if (asMCPError(error) === undefined) {
        span.setAttribute("backplane.correlation_id", context.correlationId);
      }
      endWithError(span, error, MASKED);
      throw error;
    }
  }
  return {
    // Not async: each promise costs several times as much while a context manager rests on async hooks.
    intercept(invocation, next) {
      const { method, target, context } = invocation;
      if (method === LONG_LIVED) return next(invocation);
      const { parent, links } = placeOf(context, propagator as Extractor, options.remoteContext);
      // Before the SDK is asked: ids, attributes and its sampler cost many times as much as this.
      if (Math.random() >= sampleRatio && isRoot(parent)) {
        return contexts.with(new UnrecordedContext(parent), next, undefined, invocation);
      }
      const span = tracer.startSpan(
        spanName(method, targetKind(method), target),
        { kind: SpanKind.SERVER, attributes: targetAttributes(method, target), links },
        parent,
      );
      const inside = trace.setSpan(parent, span);
      // What a handler asks of others must carry the decision not to record.
      if (!span.isRecording()) return contexts.with(inside, next, undefined, invocation);
      return runRecorded(span, inside, invocation, next);
    },
  };
}

/**
 * The context of `_meta` is the parent, because it is that of the request; what is active here, or stands in
 * the HTTP headers, belongs to its transport and becomes a link (conventions for MCP, context propagation).
 */
function placeOf(
  { meta, transport }: RequestContext,
  propagator: Extractor,
  remoteContext: "parent" | "link",
): Place {
  const active = contexts.active();
  const ambient = trace.getSpanContext(active);
  const fromMeta = propagator.extract(active, meta, metaGetter);
  const inMeta = trace.getSpanContext(fromMeta);
  const ofRequest = inMeta === ambient ? undefined : inMeta;
  const fromTransport =
    ambient === undefined && saysMore(transport, ofRequest && meta["traceparent"])
      ? propagator.extract(active, transport, headerGetter)
      : active;
  const ofTransport = trace.getSpanContext(fromTransport);
  if (remoteContext === "link") {
    const remote = ofRequest ?? (ambient === undefined ? ofTransport : undefined);
    return { parent: active, links: remote === undefined ? [] : [{ context: remote }] };
  }
  if (ofRequest === undefined) {
    return {
      parent: ofTransport === undefined || ambient !== undefined ? fromMeta : fromTransport,
      links: [],
    };
  }
  return { parent: fromMeta, links: ofTransport === undefined ? [] : [{ context: ofTransport }] };
}

/** Whether a trace begins here, so that nobody has decided on it. */
function isRoot(parent: Context): boolean {
  const above = trace.getSpanContext(parent);
  return above === undefined || !isSpanContextValid(above);
}

/** Whether the headers may hold another context than `_meta`: most clients write the same into both. */
function saysMore(transport: TransportInfo, traceparent: unknown): boolean {
  if (transport.kind !== "http") return false;
  return traceparent === undefined || !isSameOrNone(transport.header("traceparent"), traceparent);
}

function isSameOrNone(header: string | undefined, traceparent: unknown): boolean {
  return header === undefined || header === traceparent;
}

/** What a sampler need not know: of a hundred spans most are not recorded. */
function attributesOf({ requestId, revision, sessionId, transport }: RequestContext): Attributes {
  return {
    [ATTRIBUTES.requestId]: String(requestId).slice(0, 200),
    [ATTRIBUTES.revision]: revision,
    ...(sessionId !== undefined && { [ATTRIBUTES.session]: sha256(sessionId) }),
    ...transportAttributes(transport.kind),
    ...(transport.remoteAddress !== undefined && {
      [ATTRIBUTES.clientAddress]: transport.remoteAddress,
    }),
  };
}
