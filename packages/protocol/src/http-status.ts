import { AuthorizationError, ErrorCode, type MCPError } from "./errors.ts";
import type { Era } from "./revisions.ts";

const OWN: readonly (readonly [number, number])[] = [
  [ErrorCode.rateLimited, 429],
  [ErrorCode.unavailable, 503],
];

/**
 * The HTTP status of a JSON-RPC error that a request ends with, where the specification or this table
 * prescribes one; any other code rides in a 200 (spec: transports/streamable-http; the legacy revisions
 * prescribe none). Used only while headers can still be set: once an SSE stream is open, every error is
 * in-band.
 */
const statusByCode: Readonly<Record<Era, ReadonlyMap<number, number>>> = {
  modern: new Map([
    [ErrorCode.parseError, 400],
    [ErrorCode.invalidRequest, 400],
    [ErrorCode.methodNotFound, 404],
    [ErrorCode.headerMismatch, 400],
    [ErrorCode.missingClientCapability, 400],
    [ErrorCode.unsupportedProtocolVersion, 400],
    ...OWN,
  ]),
  legacy: new Map(OWN),
};

/** The status for `error` in `era`; 200 when none is prescribed. */
export function httpStatusOf(error: MCPError, era: Era): number {
  if (AuthorizationError.isInstance(error)) return error.failure.status;
  return statusByCode[era].get(error.code) ?? 200;
}
