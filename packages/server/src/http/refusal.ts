import {
  codecFor,
  HEADER_PROTOCOL_VERSION,
  invalidRequest,
  isLegacyRevision,
  LATEST_LEGACY_REVISION,
  LEGACY_REVISIONS,
  type LegacyRevision,
  type MCPError,
  salvageId,
  unavailable,
  unsupportedProtocolVersion,
} from "@backplane/protocol";
import { encodeFailure } from "../response-encoder.ts";
import type { HttpExchange } from "./exchange.ts";
import { errorHeaders } from "./respond.ts";

/** An HTTP request that ends before dispatch. Thrown, so that checks read as a list. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly error: MCPError;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(status: number, error: MCPError, headers?: Readonly<Record<string, string>>) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

/** Answers with a JSON-RPC error in its legacy form. */
export function refuse(
  exchange: HttpExchange,
  status: number,
  error: MCPError,
  message?: unknown,
  headers?: Readonly<Record<string, string>>,
): void {
  const object = codecFor(LATEST_LEGACY_REVISION).encodeError(error);
  const text = encodeFailure(salvageId(message), object);
  exchange.respond(status, text, { ...errorHeaders(error), ...headers });
}

/**
 * The revision that a request's header names; undefined without one.
 * @throws {Refusal} 400 for one that is not spoken here (2025-11-25, basic/transports).
 */
export function namedRevision(exchange: HttpExchange): LegacyRevision | undefined {
  const version = exchange.header(HEADER_PROTOCOL_VERSION);
  if (version === undefined || isLegacyRevision(version)) return version;
  throw new Refusal(400, unsupportedProtocolVersion(version, LEGACY_REVISIONS));
}

/** @throws {Refusal} 406 unless the client said that it reads event streams (2025-11-25, basic/transports). */
export function checkAcceptsStream(exchange: HttpExchange): void {
  if (exchange.header("accept")?.toLowerCase().includes("text/event-stream") === true) return;
  throw new Refusal(406, invalidRequest("Accept must list text/event-stream"));
}

/** When a client that was refused may come again: others will have left, or a new server is up. */
const RETRY_AFTER_MS = 5_000;

/** The named 503. */
export function refusedFor(reason: Parameters<typeof unavailable>[0]): Refusal {
  return new Refusal(503, unavailable(reason, RETRY_AFTER_MS));
}

export function methodNotAllowed(reason: string, allow: string): Refusal {
  return new Refusal(405, invalidRequest(reason), { Allow: allow });
}
