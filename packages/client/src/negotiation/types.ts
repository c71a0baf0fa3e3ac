import type { Era, LegacyRevision, MCPError, ModernRevision, Revision } from "@backplane/protocol";
import type { EraVerdict } from "../era-cache.ts";
import type { MCPClientError } from "../errors.ts";

/** What a message can travel over; `sse` is the HTTP+SSE transport of 2024-11-05. */
export type Carrier = "http" | "sse" | "stdio" | "in-memory";

/** What the server answered, or what went wrong on the way. */
export type Failure = MCPError | MCPClientError;

/** What a negotiation begins with. */
export interface NegotiationSetup {
  readonly carrier: Exclude<Carrier, "sse">;
  /** A revision insists on it: nothing else is tried, and nothing else is accepted. */
  readonly protocol: "auto" | Revision;
  /** What an earlier negotiation with the same server settled on. */
  readonly verdict: Pick<EraVerdict, "era" | "revision" | "transport"> | undefined;
}

/** Send `server/discover`. */
export interface DiscoverStep {
  readonly kind: "discover";
  readonly revision: ModernRevision;
  readonly over: Carrier;
  /** A new process: the one that is there died, or did not answer. */
  readonly freshConnection: boolean;
}

/** Send `initialize`; over `sse`, after its stream has been opened. */
export interface InitializeStep {
  readonly kind: "initialize";
  readonly revision: LegacyRevision;
  readonly over: Carrier;
  readonly freshConnection: boolean;
}

/** The era is known. */
export interface SettledStep {
  readonly kind: "settled";
  readonly era: Era;
  readonly revision: Revision;
  readonly over: Carrier;
}

/** There is no way to speak with this server, at least not now. */
export interface FailedStep {
  readonly kind: "failed";
  readonly error: Failure;
}

/** What is to be done next. */
export type NegotiationStep = DiscoverStep | InitializeStep | SettledStep | FailedStep;

/** What came of the step. */
export type NegotiationEvent =
  /** A result of `server/discover`. */
  | { readonly kind: "discovered"; readonly supportedVersions: readonly string[] }
  /** A result of `initialize`. */
  | { readonly kind: "initialized"; readonly protocolVersion: string }
  | JsonRpcErrorEvent
  /** An HTTP status whose body is no JSON-RPC error; over `sse` also that of the GET. */
  | { readonly kind: "http-failure"; readonly error: MCPClientError }
  /** A result that is not what the protocol prescribes for the request, or no JSON-RPC message at all. */
  | { readonly kind: "unusable"; readonly error: MCPClientError }
  | { readonly kind: "timeout"; readonly error: MCPClientError }
  /** The process or connection ended. */
  | { readonly kind: "closed"; readonly error: MCPClientError }
  /** What no other request would change: no credentials, no such command, given up by the caller. */
  | { readonly kind: "fatal"; readonly error: Failure };

/** A JSON-RPC error, and the HTTP status it came with, where there was one. */
export interface JsonRpcErrorEvent {
  readonly kind: "error";
  readonly error: MCPError;
  readonly status?: number | undefined;
}

/** The state of a negotiation: a value that is never changed. */
export interface Negotiation {
  readonly step: NegotiationStep;
  readonly setup: NegotiationSetup;
  /** The verdict is still believed; what contradicts it starts the negotiation over, once. */
  readonly believing: boolean;
  /** The server has answered as only a modern one does. */
  readonly proven: boolean;
  readonly discoverCorrected: boolean;
  readonly initializeCorrected: boolean;
  /** `initialize` was repeated on a connection that carried nothing before it. */
  readonly refreshed: boolean;
  /** The connection carried a request before this step's. */
  readonly reused: boolean;
  /** Revisions that were refused in `initialize` over the first carrier; they are not offered there again. */
  readonly refusedRevisions: readonly LegacyRevision[];
  /** The last such refusal. */
  readonly refusal: Refusal | undefined;
  readonly sseFailed: boolean;
}

/** An `initialize` that did not work, and the revision it offered. */
export interface Refusal {
  readonly revision: LegacyRevision;
  readonly error: Failure;
  readonly status: number | undefined;
}
