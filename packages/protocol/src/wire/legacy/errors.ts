import { ErrorCode, type MCPError } from "../../errors.ts";
import type { JsonRpcErrorObject } from "../../json-rpc.ts";

const legacyCode: ReadonlyMap<number, number> = new Map([
  // These three codes are new with the modern era; a 2025 client gives them no meaning.
  [ErrorCode.headerMismatch, ErrorCode.invalidRequest],
  [ErrorCode.missingClientCapability, ErrorCode.invalidRequest],
  [ErrorCode.unsupportedProtocolVersion, ErrorCode.invalidParams],
]);

/** The legacy form of an error. */
export function encodeError(error: MCPError): JsonRpcErrorObject {
  const object = error.toErrorObject();
  const code = legacyCode.get(object.code);
  return code === undefined ? object : { ...object, code };
}

/** An unknown resource (2025-11-25, server/resources). */
export const RESOURCE_NOT_FOUND_CODE: number = ErrorCode.legacyResourceNotFound;
