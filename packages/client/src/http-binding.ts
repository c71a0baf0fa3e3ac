import { isModernRevision } from "@backplane/protocol";
import type { HttpBinding } from "./transport.ts";

/** `MCP-Protocol-Version` exists since then; earlier servers may refuse what they do not know (2025-06-18, basic/transports). */
const FIRST_WITH_VERSION_HEADER = "2025-06-18";

/** Streams can be resumed since then (2025-03-26, basic/transports). */
const FIRST_RESUMABLE = "2025-03-26";

/**
 * What the requests of a connection repeat. Revisions are dates, so they order as strings, unknown ones included.
 * @param sessionId legacy only.
 */
export function bindingFor(revision: string, sessionId: string | undefined): HttpBinding {
  if (isModernRevision(revision)) {
    return { protocolVersion: revision, sessionId: undefined, resumable: false };
  }
  return {
    protocolVersion: revision >= FIRST_WITH_VERSION_HEADER ? revision : undefined,
    sessionId,
    resumable: revision >= FIRST_RESUMABLE,
  };
}

/** For `initialize`, which settles the revision and opens the session. */
export const UNBOUND: HttpBinding = {
  protocolVersion: undefined,
  sessionId: undefined,
  resumable: false,
};
