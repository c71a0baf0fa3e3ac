import { exceedsJsonDepth, isJsonObject, messageKind, type RequestId } from "@backplane/protocol";
import { MCPClientError, type RetryAdvice } from "../errors.ts";
import { type HttpRefusal, isChallenge } from "./http-call.ts";
import { withoutNullId } from "./messages.ts";
import { firstOf, retryAfterMs } from "./response-head.ts";

/** Where a request that is sent again may fare better. Other statuses would be the same again. */
const RETRY_BY_STATUS: Readonly<Record<number, RetryAdvice>> = {
  // The server has not read the whole request (RFC 9110, 15.5.9).
  408: "always",
  429: "always",
  500: "if-idempotent",
  502: "if-idempotent",
  503: "always",
  504: "if-idempotent",
};

/** As much of a body that is no JSON as an error carries. */
const MAX_BODY_TEXT = 1_000;

const METHOD_NOT_FOUND = -32601;

/** What a refusal is judged with. */
export interface RefusalContext {
  readonly where: string;
  /** The request named a session. */
  readonly inSession: boolean;
  readonly maxJsonDepth: number;
  readonly nowMs: number;
}

/** The JSON-RPC error that a refusal carries for the request `id`, where it is the server's answer. */
export function errorMessageIn(
  refusal: HttpRefusal,
  id: RequestId,
  { inSession, maxJsonDepth }: RefusalContext,
): unknown {
  if (refusal.status < 400 || isChallenge(refusal)) return undefined;
  const message = withoutNullId(parsed(refusal, maxJsonDepth));
  if (messageKind(message) !== "failure") return undefined;
  const { id: answered, error } = message as { id?: RequestId; error: { code: number } };
  if (answered !== undefined && answered !== id) return undefined;
  // In a session 404 means that it is gone (2025-11-25, basic/transports), unless only the method is.
  const isOwn = answered === id && error.code === METHOD_NOT_FOUND;
  return refusal.status === 404 && inSession && !isOwn ? undefined : message;
}

/** What a refusal is as an error. */
export function refusalError(refusal: HttpRefusal, context: RefusalContext): MCPClientError {
  const { status, headers } = refusal;
  const { where, inSession, maxJsonDepth, nowMs } = context;
  if (status < 400) {
    return new MCPClientError(
      "redirected",
      `${where}: answered ${status}; redirects are not followed, give the final URL`,
      { status, details: { location: locationOf(refusal) } },
    );
  }
  const body = parsed(refusal, maxJsonDepth) ?? refusal.body.slice(0, MAX_BODY_TEXT);
  if (isChallenge(refusal)) {
    return new MCPClientError("unauthorized", `${where}: answered ${status}`, {
      status,
      details: { body, challenge: firstOf(headers["www-authenticate"]) },
    });
  }
  if (status === 404 && inSession) {
    const message = `${where}: the server no longer knows the session`;
    return new MCPClientError("session_lost", message, { status, details: { body } });
  }
  return new MCPClientError("http_status", `${where}: answered ${status}`, {
    status,
    retry: RETRY_BY_STATUS[status] ?? "never",
    retryAfterMs: retryAfterMs(headers, nowMs),
    details: { body },
  });
}

/** The body as a JSON object, where it is one. */
function parsed({ body }: HttpRefusal, maxJsonDepth: number): Record<string, unknown> | undefined {
  if (exceedsJsonDepth(body, maxJsonDepth)) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Where a redirect leads, without what may be secret in it. */
function locationOf({ headers }: HttpRefusal): string | undefined {
  const location = firstOf(headers["location"]);
  if (location === undefined || !URL.canParse(location)) return location?.replace(/[?#].*$/s, "");
  const { origin, pathname } = new URL(location);
  return origin + pathname;
}
