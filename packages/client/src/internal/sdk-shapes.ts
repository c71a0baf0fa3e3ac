import type { RequestId } from "@backplane/protocol";

/** What the official SDKs (v1 and v2) tell a transport of one message, as far as it is used here. */
export interface SdkSendOptions {
  readonly relatedRequestId?: RequestId | undefined;
  readonly resumptionToken?: string | undefined;
  readonly onresumptiontoken?: ((token: string) => void) | undefined;
  /** v2: ends the message's request. */
  readonly requestSignal?: AbortSignal | undefined;
  /** v2: further HTTP headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * What the official SDKs call a `Transport`, for their `Client`. The callbacks are the client's to set; as methods
 * they fit the types of both SDKs.
 */
export interface SdkTransport {
  start(): Promise<void>;
  /** Resolves when a request has been answered, or another message was accepted. */
  send(message: object, options?: SdkSendOptions): Promise<void>;
  /** Ends the session, if there is one, and everything else. */
  close(): Promise<void>;
  onclose?(): void;
  onerror?(error: Error): void;
  onmessage?(message: object): void;
  /** Legacy: the session that the server opened. */
  readonly sessionId?: string | undefined;
  setProtocolVersion(version: string): void;
  /** v2: each request has a stream of its own, whose end is its cancellation in the modern era. */
  readonly hasPerRequestStream: true;
}
