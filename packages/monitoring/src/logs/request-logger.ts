import type { Logger, RequestContext } from "@backplane/protocol";

/** The form of W3C trace context, version 00: ids of zeros only are none. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}/;

/**
 * A logger for a handler: each line carries the correlation id of the request, which stands in its audit record
 * and in the answer of a masked error too, its method, who asks, and the trace that the client began, if the
 * request carries one. Fields of these names do not replace them: what a handler logs often came from the client.
 */
export function requestLogger(logger: Logger, context: RequestContext): Logger {
  const { correlationId, method, principal, meta } = context;
  const { traceparent } = meta;
  const trace = typeof traceparent === "string" ? TRACEPARENT.exec(traceparent) : null;
  const about = {
    correlationId,
    method,
    ...(principal !== undefined && { principal: principal.id }),
    ...(trace !== null && { traceId: trace[1], parentSpanId: trace[2] }),
  };
  return {
    debug: (fields, message) => logger.debug({ ...about, ...fields, ...about }, message),
    info: (fields, message) => logger.info({ ...about, ...fields, ...about }, message),
    warn: (fields, message) => logger.warn({ ...about, ...fields, ...about }, message),
    error: (fields, message) => logger.error({ ...about, ...fields, ...about }, message),
  };
}
