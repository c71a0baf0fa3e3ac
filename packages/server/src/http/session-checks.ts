import { HEADER_SESSION_ID, invalidRequest, type SessionRecord } from "@backplane/protocol";
import type { Caller } from "../caller.ts";
import { isOwnedBy } from "../sessions.ts";
import type { HttpExchange } from "./exchange.ts";
import { isSseSession } from "./legacy-sse.ts";
import { namedRevision, Refusal } from "./refusal.ts";

/** @throws {Refusal} 400 without an id. */
export function checkId(id: string | undefined): string {
  if (id !== undefined) return id;
  throw new Refusal(
    400,
    invalidRequest(
      "Mcp-Session-Id is missing: begin with initialize, or send the _meta of revision 2026-07-28",
    ),
  );
}

/**
 * @throws {Refusal} 404 for a session that has ended or is another principal's, 400 for a header that names
 * another revision than was negotiated.
 */
export function checkSession(
  exchange: HttpExchange,
  caller: Caller,
  record: SessionRecord | undefined,
): SessionRecord {
  if (!isOwnedBy(record, caller.principalKey)) throw sessionNotFound();
  const usesHeader = exchange.header(HEADER_SESSION_ID) !== undefined;
  // A session of one transport cannot be used with the other.
  if (usesHeader === isSseSession(record.id)) throw sessionNotFound();
  const named = namedRevision(exchange);
  if (named !== undefined && named !== record.revision) {
    const reason = `this session negotiated ${record.revision}, not ${named}`;
    throw new Refusal(400, invalidRequest(reason));
  }
  return record;
}

export function sessionNotFound(): Refusal {
  const reason = "the session is unknown or has ended; begin again with initialize";
  return new Refusal(404, invalidRequest(reason));
}
