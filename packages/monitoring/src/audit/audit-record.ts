import type {
  AuthorizationDecision,
  Era,
  LimitEvent,
  RequestOutcome,
  RouteRefusalStage,
} from "@backplane/protocol";

/** What every line of an audit has. */
export interface AuditRecordBase {
  /** Names the chain; the same after each restart that goes on with it. On lines with a seal. */
  readonly chain?: string;
  /** Counts every line of a chain from 1, without a gap. */
  readonly seq: number;
  /** ISO 8601 in UTC, to the millisecond. */
  readonly time: string;
  /** The `hash` of the seal before; 43 times `A` on the first. On lines with a seal. */
  readonly prev?: string;
  /**
   * The seal: over every byte since the line of the seal before, up to this member; SHA-256, or HMAC-SHA-256 with
   * a key; base64url. Absent on a line that shares the seal of a line after it.
   */
  readonly hash?: string;
}

/** Who it was, as the authenticator said. */
export interface AuditedPrincipal {
  readonly id: string;
  readonly issuer?: string;
  readonly clientId?: string;
}

/** A request that was dispatched, with what the policy decided about it. Never its arguments or its result. */
export interface AuditedCall extends AuditRecordBase {
  readonly kind: "call";
  readonly correlationId: string;
  /** Null for an anonymous caller. */
  readonly principal: AuditedPrincipal | null;
  readonly transport: "http" | "stdio" | "in-memory";
  readonly remoteAddress?: string;
  readonly era: Era;
  readonly method: string;
  /** The tool, prompt or resource asked for, as the client wrote it, without credentials; cut at 256 characters. */
  readonly target?: string;
  /** Whether something of that name is registered, be it hidden from the caller. */
  readonly known?: boolean;
  /** Of the schemas under which a tool was called: SHA-256 of their canonical JSON (RFC 8785), base64url. */
  readonly schemaHash?: string;
  /** Absent without a policy, and for what it is not asked about. */
  readonly decision?: AuthorizationDecision["effect"];
  readonly outcome: RequestOutcome;
  /** The JSON-RPC error code of the answer. */
  readonly errorCode?: number;
  readonly durationMs: number;
}

/** A credential that was refused, or missing. */
export interface AuditedRefusal extends AuditRecordBase {
  readonly kind: "authentication";
  readonly transport: "http" | "stdio";
  readonly remoteAddress?: string;
  /** The HTTP status that was answered. */
  readonly status?: number;
  /** Which check refused: a fixed word. */
  readonly stage?: string;
  /** The route that it was for, as it was registered; absent for what is MCP. */
  readonly route?: string;
}

/** A request of what is served over HTTP beside MCP: it was answered, or refused by something but its credential. */
export interface AuditedRoute extends AuditRecordBase {
  readonly kind: "route";
  /** Null for an anonymous caller, as on public and open routes. */
  readonly principal: AuditedPrincipal | null;
  readonly remoteAddress?: string;
  /** As it was registered, such as `/metrics` or `/files/*`. */
  readonly route: string;
  /** As the client wrote it; cut at 256 characters. */
  readonly method: string;
  /** Absent when the client was gone before the answer. */
  readonly status?: number;
  /** What refused it, or cut it off; absent when the route itself answered. */
  readonly stage?: RouteRefusalStage;
  /** Under which the log has the unexpected error that the client did not see. */
  readonly correlationId?: string;
  /** Of a stream, to its close. */
  readonly durationMs: number;
}

/** Something refused before it was read, because there is too much of it. */
export interface AuditedLimit extends AuditRecordBase {
  readonly kind: "limit";
  readonly limit: LimitEvent["limit"];
}

/** Records that were lost, because they could not be written in time. */
export interface AuditedLoss extends AuditRecordBase {
  readonly kind: "lost";
  readonly count: number;
  /** When the first of them would have been written. */
  readonly since: string;
}

/** An audit began, or went on after a restart. */
export interface AuditedOpening extends AuditRecordBase {
  readonly kind: "open";
  readonly version: 1;
  /** Whether hashes are made with a key. */
  readonly keyed: boolean;
  readonly serverId: string;
  /** Bytes of lines that a crash had cut off; they were taken away. */
  readonly tornBytes?: number;
  /** Whether an earlier chain could not be gone on with, because its last line does not verify. */
  readonly abandoned?: boolean;
}

/** What stood in the chain when a head was given out, to be kept where the audit's writer cannot reach it. */
export interface AuditedHead extends AuditRecordBase {
  readonly kind: "head";
}

/** The audit was closed in order. */
export interface AuditedClosing extends AuditRecordBase {
  readonly kind: "close";
}

/** One line of an audit. */
export type AuditRecord =
  | AuditedCall
  | AuditedRefusal
  | AuditedRoute
  | AuditedLimit
  | AuditedLoss
  | AuditedOpening
  | AuditedHead
  | AuditedClosing;

/**
 * The end of a chain at some time. Kept elsewhere, it proves that everything up to it was there: who cuts
 * the chain off before it is found out.
 */
export interface AuditHead {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
  readonly time: string;
  /** HMAC-SHA-256 of the above with the audit's key, base64url; so that a head can be kept in a place that is not trusted. */
  readonly mac?: string;
}
