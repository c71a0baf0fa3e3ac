import {
  headerMismatch,
  invalidParams,
  invalidRequest,
  type MCPError,
  unsupportedProtocolVersion,
} from "./errors.ts";
import { isJsonObject } from "./json.ts";
import {
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  messageKind,
} from "./json-rpc.ts";
import { META_CLIENT_CAPABILITIES, META_PROTOCOL_VERSION } from "./meta.ts";
import { isModernRevision, MODERN_REVISIONS, type ModernRevision } from "./revisions.ts";

/** What one parsed message is, and in which era it asks to be served. */
export type Classified =
  | {
      readonly kind: "modern-request";
      readonly message: JsonRpcRequest;
      readonly revision: ModernRevision;
    }
  | { readonly kind: "modern-notification"; readonly message: JsonRpcNotification }
  | { readonly kind: "legacy-request"; readonly message: JsonRpcRequest }
  | { readonly kind: "legacy-notification"; readonly message: JsonRpcNotification }
  | { readonly kind: "legacy-response"; readonly message: JsonRpcResponse }
  | { readonly kind: "rejected"; readonly error: MCPError };

/**
 * Classifies one message by the ladder of basic/versioning: the claim in the body decides, the header
 * is only a cross-check, and a malformed claim is an error, never a silent fall-back to legacy.
 * @param headerVersion `MCP-Protocol-Version`; undefined on transports without headers.
 * @param overHttp whether a modern message must repeat its version in that header.
 */
export function classifyMessage(
  value: unknown,
  headerVersion: string | undefined,
  overHttp: boolean,
): Classified {
  const kind = messageKind(value);
  switch (kind) {
    case "invalid":
      return rejected(invalidRequest(whyInvalid(value)));
    case "result":
    case "failure":
      return { kind: "legacy-response", message: value as JsonRpcResponse };
    case "notification":
      return classifyNotification(value as JsonRpcNotification, headerVersion, overHttp);
    case "request":
      return classifyRequest(value as JsonRpcRequest, headerVersion, overHttp);
  }
}

function classifyRequest(
  message: JsonRpcRequest,
  headerVersion: string | undefined,
  overHttp: boolean,
): Classified {
  const claim = versionClaim(message);
  if (claim === undefined) {
    if (headerVersion === undefined || !isModernRevision(headerVersion)) {
      return { kind: "legacy-request", message };
    }
    return rejected(
      message.method === "initialize"
        ? headerMismatch(`initialize is not part of ${headerVersion}`)
        : invalidParams(
            `_meta must carry ${META_PROTOCOL_VERSION} and ${META_CLIENT_CAPABILITIES}`,
          ),
    );
  }
  const error = checkClaim(claim, headerVersion, overHttp);
  return error === undefined
    ? { kind: "modern-request", message, revision: claim as ModernRevision }
    : rejected(error);
}

function classifyNotification(
  message: JsonRpcNotification,
  headerVersion: string | undefined,
  overHttp: boolean,
): Classified {
  const claim = versionClaim(message);
  if (claim === undefined) {
    return headerVersion !== undefined && isModernRevision(headerVersion)
      ? { kind: "modern-notification", message }
      : { kind: "legacy-notification", message };
  }
  const error = checkClaim(claim, headerVersion, overHttp);
  return error === undefined ? { kind: "modern-notification", message } : rejected(error);
}

function versionClaim(message: JsonRpcRequest | JsonRpcNotification): unknown {
  return (message.params?._meta as Record<string, unknown> | undefined)?.[META_PROTOCOL_VERSION];
}

function checkClaim(
  claim: unknown,
  headerVersion: string | undefined,
  overHttp: boolean,
): MCPError | undefined {
  if (typeof claim !== "string") {
    return invalidParams(`_meta ${META_PROTOCOL_VERSION} must be a string`);
  }
  if (overHttp && headerVersion !== claim) {
    return headerMismatch(
      headerVersion === undefined
        ? "MCP-Protocol-Version is missing"
        : "MCP-Protocol-Version differs from _meta",
    );
  }
  return isModernRevision(claim) ? undefined : unsupportedProtocolVersion(claim, MODERN_REVISIONS);
}

/** Every rejection of this ladder is a 400 over HTTP, −32602 included, which is a 200 elsewhere. */
function rejected(error: MCPError): Classified {
  return { kind: "rejected", error };
}

function whyInvalid(value: unknown): string {
  if (!isJsonObject(value)) return "the message is not a JSON object";
  if (value.jsonrpc !== "2.0") return 'jsonrpc must be "2.0"';
  if ("id" in value && value.id === null) return "id must not be null";
  if ("id" in value && typeof value.id !== "string" && !Number.isInteger(value.id)) {
    return "id must be a string or an integer";
  }
  if ("method" in value && typeof value.method !== "string") return "method must be a string";
  if ("params" in value && !isJsonObject(value.params)) return "params must be an object";
  return "not a JSON-RPC request, notification or response";
}

/** Whether any member of a posted array claims a modern version: batches exist in 2025-03-26 only. */
export function hasModernClaim(messages: readonly unknown[]): boolean {
  return messages.some(
    (message) =>
      isJsonObject(message) &&
      isJsonObject(message.params) &&
      isJsonObject(message.params._meta) &&
      META_PROTOCOL_VERSION in message.params._meta,
  );
}
