/**
 * A connection that carries one JSON-RPC message per text, both ways: stdio, a pair of ends in memory.
 * HTTP is not one: its requests are independent.
 */
export interface MessageTransport {
  /** Called once, before the first message. Messages that arrived earlier are delivered then. */
  start(handlers: MessageTransportHandlers): void;
  /** Queues one message, without a newline in it. Never throws; a closed transport drops it. */
  send(text: string): void;
  /** Closes both directions. Idempotent. */
  close(): Promise<void>;
}

/** What a transport tells the one who started it. */
export interface MessageTransportHandlers {
  onMessage(text: string): void;
  /** A line that was given up because it passed the size limit. */
  onOversized?(): void;
  /** The peer is gone, or `close` was called. Called once. */
  onClose(): void;
}
