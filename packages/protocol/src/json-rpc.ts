import { isJsonObject } from "./json.ts";

/** A request id: a string or an integer, never null (spec: basic/index). */
export type RequestId = string | number;

/** A token chosen by the requester to receive progress: a string or an integer. */
export type ProgressToken = string | number;

/** A message that expects an answer (JSON-RPC 2.0, 4). */
export interface JsonRpcRequest {
  readonly jsonrpc: "2.0";
  readonly id: RequestId;
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

/** A message that is never answered (JSON-RPC 2.0, 4.1). */
export interface JsonRpcNotification {
  readonly jsonrpc: "2.0";
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

/** A successful response (JSON-RPC 2.0, 5). MCP results are objects. */
export interface JsonRpcResult {
  readonly jsonrpc: "2.0";
  readonly id: RequestId;
  readonly result: Record<string, unknown>;
}

/** The error member of a response. `code` is an integer. */
export interface JsonRpcErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** A failed response. `id` is absent when the request's id could not be read. */
export interface JsonRpcFailure {
  readonly jsonrpc: "2.0";
  readonly id?: RequestId;
  readonly error: JsonRpcErrorObject;
}

/** The answer to a request. */
export type JsonRpcResponse = JsonRpcResult | JsonRpcFailure;
/** Whatever may be on the wire, batches apart. */
export type JsonRpcMessage = JsonRpcRequest | JsonRpcNotification | JsonRpcResponse;

/** What a parsed JSON value is as a JSON-RPC message. */
export type MessageKind = "request" | "notification" | "result" | "failure" | "invalid";

/**
 * Whether `value` may be a request id: a string or a safe integer. A larger integer was rounded when it
 * was parsed, so its answer would carry another id.
 */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || Number.isSafeInteger(value);
}

/**
 * Says which JSON-RPC message `value` is, without copying or changing it. Written by hand because
 * it stands on the path of every request; `json-rpc.parity.test.ts` holds it to the SDK's schema.
 */
export function messageKind(value: unknown): MessageKind {
  if (!isJsonObject(value) || value.jsonrpc !== "2.0") return "invalid";
  if ("method" in value) {
    if (typeof value.method !== "string" || "result" in value || "error" in value) return "invalid";
    if (value.params !== undefined && !isJsonObject(value.params)) return "invalid";
    if (!hasValidMeta(value.params)) return "invalid";
    if (!("id" in value)) return "notification";
    return isRequestId(value.id) ? "request" : "invalid";
  }
  if ("result" in value) {
    if ("error" in value || !isRequestId(value.id) || !isJsonObject(value.result)) return "invalid";
    return hasValidMeta(value.result) ? "result" : "invalid";
  }
  if ("error" in value) {
    if (value.id !== undefined && !isRequestId(value.id)) return "invalid";
    return isErrorObject(value.error) ? "failure" : "invalid";
  }
  return "invalid";
}

function hasValidMeta(container: unknown): boolean {
  if (container === undefined) return true;
  const meta = (container as { _meta?: unknown })._meta;
  return meta === undefined || isJsonObject(meta);
}

function isErrorObject(value: unknown): value is JsonRpcErrorObject {
  return (
    isJsonObject(value) && Number.isSafeInteger(value.code) && typeof value.message === "string"
  );
}

/** The id of a message that failed its guard, where it has a usable one, so that the error can carry it. */
export function salvageId(value: unknown): RequestId | undefined {
  if (!isJsonObject(value)) return undefined;
  return isRequestId(value.id) ? value.id : undefined;
}
