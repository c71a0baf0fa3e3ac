import type { RequestId } from "@backplane/protocol";

/** What the official SDKs (v1 and v2) call a `Transport`, as far as Backplane uses it. */
export interface SdkTransport {
  start(): Promise<void>;
  send(message: object, options?: { relatedRequestId?: RequestId | undefined }): Promise<void>;
  close(): Promise<void>;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: never, extra?: never) => void) | undefined;
  sessionId?: string | undefined;
}

/** The same of SDK v2. */
export interface SdkV2Transport extends SdkTransport {
  /** The revisions that a transport over HTTP lets through. */
  setSupportedProtocolVersions?: ((versions: string[]) => void) | undefined;
}

/** What the official SDKs call an `McpServer` or a `Server`, as far as Backplane uses it. */
export interface SdkServer {
  connect(transport: SdkTransport): Promise<void>;
  close(): Promise<void>;
}

/** What the official SDKs tell a handler of its caller, as `authInfo`. */
export interface SdkAuthInfo {
  readonly token: string;
  readonly clientId: string;
  readonly scopes: string[];
  /** Seconds since the epoch. */
  readonly expiresAt?: number;
  readonly resource?: URL;
  readonly extra?: Record<string, unknown>;
}
