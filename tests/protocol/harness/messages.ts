/** A JSON-RPC message as it came over the wire; nothing about it is taken for granted. */
export interface WireMessage {
  readonly jsonrpc?: unknown;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>> & { readonly _meta?: WireMeta };
  readonly result?: WireResult;
  readonly error?: WireError;
}

export type WireMeta = Readonly<Record<string, unknown>>;

export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface InputRequest {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface WireResult {
  readonly [key: string]: unknown;
  readonly resultType?: string;
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly isError?: boolean;
  readonly structuredContent?: unknown;
  readonly inputRequests?: Readonly<Record<string, InputRequest>>;
  readonly requestState?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly nextCursor?: string;
  readonly ttlMs?: number;
  readonly cacheScope?: string;
  readonly tools?: readonly WireTool[];
  readonly _meta?: WireMeta;
}

export interface WireTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
}

export type Params = Readonly<Record<string, unknown>>;

export const modernRevision = "2026-07-28";
export const metaVersion = "io.modelcontextprotocol/protocolVersion";
export const metaCapabilities = "io.modelcontextprotocol/clientCapabilities";
export const metaClientInfo = "io.modelcontextprotocol/clientInfo";
export const metaLogLevel = "io.modelcontextprotocol/logLevel";
export const metaSubscriptionId = "io.modelcontextprotocol/subscriptionId";
export const metaServerInfo = "io.modelcontextprotocol/serverInfo";

export interface ModernOptions {
  readonly id?: string | number;
  readonly capabilities?: Params;
  /** More `_meta` keys; a key set to undefined is left out. */
  readonly meta?: Params;
}

/** Everything a client can be asked for, in the modern shape. */
export const fullCapabilities: Params = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {} },
  roots: {},
};

/** A request of 2026-07-28 with its required `_meta`. */
export function modernRequest(method: string, params: Params = {}, options: ModernOptions = {}) {
  const meta: Params = {
    [metaVersion]: modernRevision,
    [metaCapabilities]: options.capabilities ?? {},
    [metaClientInfo]: { name: "protocol-tests", version: "1.0.0" },
    ...options.meta,
  };
  return { jsonrpc: "2.0", id: options.id ?? 1, method, params: { ...params, _meta: meta } };
}

export function legacyRequest(method: string, params: Params | undefined, id: string | number) {
  return { jsonrpc: "2.0", id, method, ...(params !== undefined && { params }) };
}

export function notification(method: string, params?: Params) {
  return { jsonrpc: "2.0", method, ...(params !== undefined && { params }) };
}

const headerSafe = /^[!-~](?:[\t -~]*[!-~])?$/;
const sentinel = /^=\?base64\?.*\?=$/s;

/** A header value as the specification wants it: plain where that is safe, base64 otherwise. */
export function encodeHeaderValue(value: string): string {
  if (headerSafe.test(value) && !sentinel.test(value)) return value;
  return `=?base64?${Buffer.from(value, "utf8").toString("base64")}?=`;
}

/** The headers that mirror a modern message. */
export function modernHeaders(message: {
  readonly method: string;
  readonly params: Params & { readonly _meta: Params };
}): Record<string, string> {
  const { method, params } = message;
  const name = method === "resources/read" ? params["uri"] : params["name"];
  const named = ["tools/call", "prompts/get", "resources/read"].includes(method);
  return {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": String(params._meta[metaVersion] ?? modernRevision),
    "mcp-method": method,
    ...(named && typeof name === "string" && { "mcp-name": encodeHeaderValue(name) }),
  };
}

/** The text of a result's first block. */
export function textOf(message: WireMessage | undefined): string | undefined {
  return message?.result?.content?.[0]?.text;
}
