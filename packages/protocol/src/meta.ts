/** The revision of a request: the first of the `_meta` keys that the protocol reserves (spec: basic/index). */
export const META_PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion";
/** What the client can, with each request. */
export const META_CLIENT_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
/** Name and version of the client. */
export const META_CLIENT_INFO = "io.modelcontextprotocol/clientInfo";
/** From which level on the request wants log notifications. */
export const META_LOG_LEVEL = "io.modelcontextprotocol/logLevel";
/** Name and version of the server, on results. */
export const META_SERVER_INFO = "io.modelcontextprotocol/serverInfo";
/** Which `subscriptions/listen` a notification belongs to. */
export const META_SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId";

/** Carries the typed part of a `ToolExecutionError` on an `isError` result; ours, hence our own prefix. */
export const META_TOOL_ERROR = "dev.backplane/error";

/** On the result of a workflow served as a tool: `runId`, `status`, and the status of each node. */
export const META_WORKFLOW = "dev.backplane/workflow";

/** The W3C trace context keys, the same as the HTTP header names. */
export const TRACE_KEYS = ["traceparent", "tracestate", "baggage"] as const;
