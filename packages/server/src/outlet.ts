import type { MCPError } from "@backplane/protocol";
import type { AnswerText } from "./large-text.ts";

/**
 * Where one request's answer goes: an HTTP response, a stdio line, a place in a batch. Exactly one of
 * `finish` and `abandon` is called, once; `notify` and `request` only before it.
 */
export interface Outlet {
  /** Sends the response: its JSON text, and the error it holds where it is one. */
  finish(text: AnswerText, error: MCPError | undefined): void;
  /** The request was cancelled: nothing may be answered any more. */
  abandon(): void;
  /** Sends a notification that belongs to this request, as JSON text. */
  notify(text: string): void;
  /** Sends a server request and resolves with the client's result; absent where nobody could answer. */
  readonly request?: (
    method: string,
    params: object,
    signal: AbortSignal,
  ) => Promise<Record<string, unknown>>;
  /** Calls back once when the client is gone; only transports where that cancels the request. */
  readonly onDisconnect?: (listener: () => void) => void;
  /** See `InputContext.releaseConnection`. */
  readonly release?: (retryMs: number | undefined) => boolean;
}
