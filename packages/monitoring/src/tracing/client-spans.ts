import type { Invocation, InvocationResult, Next } from "@backplane/protocol";
import {
  type Attributes,
  context as contexts,
  propagation,
  SpanKind,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { ATTRIBUTES, addressAttributes, transportAttributes } from "../attributes.ts";
import { SCOPE } from "../metrics/opentelemetry.ts";
import { headersOf, setter } from "./carriers.ts";
import {
  endWithError,
  endWithResult,
  recorded,
  spanName,
  targetAttributes,
  targetKind,
} from "./span-ends.ts";
import type { ResolvedTracing, TracedClientContext } from "./tracing-options.ts";

/** @see clientTracing */
export function createClientSpans(options: ResolvedTracing): {
  intercept(
    invocation: Invocation<TracedClientContext>,
    next: Next<TracedClientContext>,
  ): Promise<InvocationResult>;
} {
  const { tracerProvider, propagator = propagation, recordArguments, recordResults } = options;
  const tracer = (tracerProvider ?? trace).getTracer(SCOPE) as Tracer;
  return {
    async intercept(invocation, next) {
      const { method, target, context, params } = invocation;
      const active = contexts.active();
      const span = tracer.startSpan(
        spanName(method, targetKind(method), target),
        { kind: SpanKind.CLIENT, attributes: attributesOf(context, target) },
        active,
      );
      const inside = trace.setSpan(active, span);
      const carrier: Record<string, string> = {};
      propagator.inject(inside, carrier, setter);
      const carrying = { ...invocation, context: carryingContext(context, carrier) };
      if (recordArguments && method === "tools/call" && span.isRecording()) {
        span.setAttribute(ATTRIBUTES.arguments, recorded(params["arguments"] ?? {}));
      }
      try {
        const result = await contexts.with(inside, next, undefined, carrying);
        const withResult = recordResults && method === "tools/call" && span.isRecording();
        endWithResult(span, result, withResult);
        return result;
      } catch (error) {
        endWithError(span, error, codeOf(error));
        throw error;
      }
    },
  };
}

/** The same request with the trace context in `_meta`, and over HTTP in the headers as well. */
function carryingContext(
  context: TracedClientContext,
  carrier: Readonly<Record<string, string>>,
): TracedClientContext {
  const { options, server } = context;
  const meta = { ...options.meta, ...carrier };
  return isUrl(server)
    ? {
        ...context,
        options: { ...options, meta, headers: { ...options.headers, ...headersOf(carrier) } },
      }
    : { ...context, options: { ...options, meta } };
}

function attributesOf(context: TracedClientContext, target: string | undefined): Attributes {
  const { method, revision, server } = context;
  return {
    ...targetAttributes(method, target),
    ...(revision !== undefined && { [ATTRIBUTES.revision]: revision }),
    ...transportAttributes(isUrl(server) ? "http" : "stdio"),
    ...addressAttributes(server),
  };
}

function isUrl(server: string): boolean {
  return /^https?:/.test(server);
}

/** The code of a client's own error, such as `timeout`. */
function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
