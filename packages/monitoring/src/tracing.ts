import type { Interceptor, Invocation, InvocationResult, Next } from "@backplane/protocol";
import { apiIsMissing } from "./api-is-missing.ts";
import {
  type ClientTracingOptions,
  resolveClientTracing,
  resolveTracing,
  type TracedClientContext,
  type TracingOptions,
} from "./tracing/tracing-options.ts";

/** What a module that is loaded with the first request brings. */
interface Spans<Context> {
  intercept(invocation: Invocation<Context>, next: Next<Context>): Promise<InvocationResult>;
}

/**
 * Spans around the requests of a server, by OpenTelemetry's conventions for MCP: `server.use(tracing())`. The
 * client's trace context is read from `_meta`, else from the HTTP headers, and active while the handler runs,
 * so that what it asks of others belongs to the same trace.
 *
 * Security: arguments and results are not recorded unless asked for, and then redacted; a session id is
 * recorded as its digest; the texts of errors are redacted.
 *
 * What is refused before interceptors (an unknown name, a bad credential, the policy) has no span; metrics and
 * audit tell of it. `subscriptions/listen` has none either: it would end with the stream.
 * @throws {TypeError} that names the option.
 */
export function tracing(options: TracingOptions = {}): Interceptor {
  const resolved = resolveTracing(options);
  return lazily("tracing", async () => {
    const { createServerSpans } = await import("./tracing/server-spans.ts");
    return createServerSpans(resolved);
  });
}

/**
 * Spans around the requests of a client, by the same conventions: `client.use(clientTracing())`. The trace
 * context goes along in `_meta` and, over HTTP, in the headers.
 * @throws {TypeError} that names the option.
 */
export function clientTracing(
  options: ClientTracingOptions = {},
): Interceptor<TracedClientContext> {
  const resolved = resolveClientTracing(options);
  return lazily("client-tracing", async () => {
    const { createClientSpans } = await import("./tracing/client-spans.ts");
    return createClientSpans(resolved);
  });
}

/** OpenTelemetry loads when something is traced; until then requests wait for it. */
function lazily<Context>(name: string, load: () => Promise<Spans<Context>>): Interceptor<Context> {
  let spans: Spans<Context> | undefined;
  let loading: Promise<Spans<Context>> | undefined;
  const loaded = async (): Promise<Spans<Context>> => {
    spans = await load().catch(apiIsMissing);
    return spans;
  };
  return {
    name,
    phase: "observe",
    intercept(invocation, next) {
      if (spans !== undefined) return spans.intercept(invocation, next);
      loading ??= loaded();
      return loading.then((ready) => ready.intercept(invocation, next));
    },
  };
}
