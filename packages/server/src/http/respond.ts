import { AuthorizationError, type Era, httpStatusOf, type MCPError } from "@backplane/protocol";
import type { AnswerText } from "../large-text.ts";
import type { HttpExchange } from "./exchange.ts";

/** Headers that an error carries over HTTP beside its status. */
export function errorHeaders(error: MCPError): Readonly<Record<string, string>> | undefined {
  if (AuthorizationError.isInstance(error)) return error.failure.headers;
  if (error.retryAfterMs === undefined) return undefined;
  // Whole seconds (RFC 9110, 10.2.3), rounded up so that nobody comes too early.
  return { "Retry-After": String(Math.ceil(error.retryAfterMs / 1000)) };
}

/** Sends a whole JSON answer with the status that its error prescribes. */
export function respondJson(
  exchange: HttpExchange,
  era: Era,
  text: AnswerText,
  error: MCPError | undefined,
): void {
  if (error === undefined) exchange.respond(200, text);
  else exchange.respond(httpStatusOf(error, era), text, errorHeaders(error));
}
