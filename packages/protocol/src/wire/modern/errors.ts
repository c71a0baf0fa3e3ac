import { ErrorCode, type MCPError } from "../../errors.ts";
import type { JsonRpcErrorObject } from "../../json-rpc.ts";

/** The legacy revisions' range for servers; this era keeps it for itself (spec: basic/index). */
const RESERVED_FROM = -32099;
const RESERVED_TO = -32000;
const definedCodes: ReadonlySet<number> = new Set([
  ErrorCode.headerMismatch,
  ErrorCode.missingClientCapability,
  ErrorCode.unsupportedProtocolVersion,
]);

/**
 * The modern form of an error. Codes of the legacy revisions become −32602, codes that nobody defined
 * −32603: this era must emit neither (spec: basic/index).
 */
export function encodeError(error: MCPError): JsonRpcErrorObject {
  const object = error.toErrorObject();
  const { code } = object;
  if (code < RESERVED_FROM || code > RESERVED_TO || definedCodes.has(code)) return object;
  const known =
    code === ErrorCode.legacyResourceNotFound || code === ErrorCode.legacyUrlElicitationRequired;
  return { ...object, code: known ? ErrorCode.invalidParams : ErrorCode.internalError };
}

/** An unknown resource (spec: server/resources, error handling). */
export const RESOURCE_NOT_FOUND_CODE: number = ErrorCode.invalidParams;
