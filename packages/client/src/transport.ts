import type { RequestId } from "@backplane/protocol";
import type { MCPClientError } from "./errors.ts";

/** A JSON-RPC request in its wire form. */
export interface OutgoingRequest {
  readonly id: RequestId;
  readonly method: string;
  /** The whole message as JSON, without a newline in it. */
  readonly text: string;
  /**
   * What HTTP sends beside the transport's own headers: names in lower case and values by turns. `Mcp-Method`,
   * `Mcp-Name`, `Mcp-Param-*` and the caller's. Other transports ignore it.
   */
  readonly headers: readonly string[];
  /** The answer is a stream that stays open, as of `subscriptions/listen`: HTTP gives it a connection of its own. */
  readonly longLived?: boolean;
}

/** Where the answer to one request goes. The methods never throw, and are never called inside `request`. */
export interface ResponseReceiver {
  /** HTTP: the session that the answer opens, before its messages (2025-11-25, basic/transports). */
  onSession?(sessionId: string): void;
  /** HTTP: the JSON-RPC error that follows came with this status of 400 or above, and with `Retry-After`. */
  onStatus?(status: number, retryAfterMs: number | undefined): void;
  /**
   * One parsed message on this request's stream: its response, or a notification or request that came
   * before. After the response nothing follows.
   */
  onMessage(message: unknown): void;
  /** The stream ended without a response. Called at most once, and never after the response. */
  onFailure(error: MCPClientError): void;
}

/** What a transport tells beside the answers. The methods never throw. */
export interface TransportEvents {
  /** A parsed message that belongs to no request: what a message transport and the GET stream deliver. */
  onMessage(message: unknown): void;
  /** The transport ended by itself; requests under way have failed already. Called at most once. */
  onClose(error: MCPClientError): void;
  /**
   * HTTP, legacy: what became of the GET stream. `open` also after each reopening, when messages may have
   * been missed; after `ended`, whose error says why, it is not opened again.
   */
  onServerStream?(state: "open" | "interrupted" | "ended", error: MCPClientError | undefined): void;
}

/** What of an established connection HTTP repeats on each request. */
export interface HttpBinding {
  /** `MCP-Protocol-Version`; none in revisions before 2025-06-18. */
  readonly protocolVersion: string | undefined;
  /** `Mcp-Session-Id` (legacy). */
  readonly sessionId: string | undefined;
  /** Streams may be resumed by GET with `Last-Event-ID`, and a broken one waits as `retry` says (legacy). */
  readonly resumable: boolean;
}

/** Carries JSON-RPC messages to one server and back, of either era. Knows nothing of methods. */
export interface ClientTransport {
  readonly kind: "http" | "sse" | "stdio" | "in-memory";
  /** Opens what must be open before the first request: a process, an SSE stream. Called once. @throws {MCPClientError} */
  open(events: TransportEvents): Promise<void>;
  /** Sends a request. Never throws: a failure reaches the receiver. */
  request(request: OutgoingRequest, receiver: ResponseReceiver): void;
  /**
   * Gives a request up: its receiver hears no more. Over HTTP its stream is closed, which in the modern era
   * is the cancellation (spec: patterns/cancellation). No-op for one that has ended.
   */
  abandon(id: RequestId): void;
  /** Sends a notification, or the response to a server's request. Resolves when it is accepted. @throws {MCPClientError} */
  post(text: string, headers: readonly string[]): Promise<void>;
  /** HTTP: what the requests carry from now on. Other transports lack it. */
  bind?(binding: HttpBinding): void;
  /**
   * HTTP, legacy: holds a GET stream open, whose messages go to `onMessage` of the events, and reopens it
   * when it breaks. One stream for all that ask. Resolves with false when the server has none (405). @throws {MCPClientError}
   */
  openServerStream?(): Promise<boolean>;
  /** HTTP, legacy: ends the session by DELETE. Never throws. */
  endSession?(): Promise<void>;
  /** Ends everything; requests under way fail with `closed`. Idempotent. */
  close(): Promise<void>;
}
