import type { MCPError } from "@backplane/protocol";
import type { MCPClientError } from "./errors.ts";

/** What a client wants to hear about (spec: patterns/subscriptions). */
export interface ListenFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  /** URIs of resources; an update may name a sub-resource of one of them. */
  readonly resourceSubscriptions?: readonly string[];
}

/** Something changed at the server. */
export type ChangeEvent =
  | { readonly kind: "tools" | "prompts" | "resources" }
  | { readonly kind: "resource"; readonly uri: string };

/**
 * `connecting` until the server acknowledged; `open`; `reconnecting` after a loss; `exhausted` when the budget
 * of reconnects is used up; `closed` by this side, or when the server refuses for good.
 */
export type StreamState = "connecting" | "open" | "reconnecting" | "exhausted" | "closed";

/** Where changes go. The methods must not throw. */
export interface ListenHandlers {
  /** A change. Called with each one again after a reconnect that may have missed it: re-fetch then. */
  readonly onChange: (event: ChangeEvent) => void;
  readonly onState?: (state: StreamState, error?: MCPError | MCPClientError) => void;
}

/**
 * Hears of one resource. `updated`: the server said so; `resumed`: the stream was opened again after a loss, so
 * that an update may have been missed. Must not throw.
 */
export type ResourceListener = (uri: string, change: "updated" | "resumed") => void;

/** A running subscription. */
export interface Listening {
  readonly state: StreamState;
  /** What the server agreed to; undefined before the first acknowledgement. */
  readonly honoured: ListenFilter | undefined;
  /** Why it ended, for `exhausted` and for `closed` by the server. */
  readonly error: MCPError | MCPClientError | undefined;
  /** Ends it. Idempotent. */
  close(): Promise<void>;
}
