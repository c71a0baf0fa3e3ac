/**
 * Where on the way to a token something went wrong. `resource` is the MCP server, `identity_provider` the
 * enterprise's own authorization server.
 */
export type OAuthStage =
  | "discovery"
  | "registration"
  | "authorization"
  | "token"
  | "refresh"
  | "identity_provider"
  | "resource";

/** What went wrong on the way to a token. */
export type OAuthClientErrorCode = keyof typeof RETRYABLE;

/** Whether the same attempt can succeed later without anybody changing anything. */
const RETRYABLE = {
  /** A package that the flow needs is not installed; the message names it. */
  dependency_missing: false,
  /** A URL that a peer gave is not one that `urlPolicy` allows. */
  unsafe_url: false,
  /** The authorization server, or the metadata of the MCP server, cannot be reached. */
  unavailable: true,
  /** An answer that is no valid one, or larger than allowed. */
  invalid_response: false,
  /** No metadata, or metadata that this client cannot work with. */
  discovery_failed: false,
  /** The metadata speaks of another resource than the MCP server (RFC 9728, 3.3). */
  resource_mismatch: false,
  /** The metadata or the credentials belong to another authorization server (RFC 8414, 3.3). */
  issuer_mismatch: false,
  /** The authorization server does not say that it supports PKCE with S256. */
  pkce_unsupported: false,
  /** The authorization server issued no DPoP-bound token, or does not support the key's algorithm. */
  dpop_unsupported: false,
  /** The authorization server supports no way in which this client can authenticate. */
  client_auth_unsupported: false,
  /** No client id for this authorization server, and no way to get one. */
  registration_missing: false,
  /** The authorization server refused to register this client (RFC 7591, 3.2.2). */
  registration_refused: false,
  /** A user must authorize, and there is no `interaction`. */
  interaction_required: false,
  /** The user or the authorization server said no. */
  authorization_denied: false,
  /** The user did not answer in time, or the interaction failed. */
  interaction_failed: true,
  /** The application's own function gave no ID token or workload JWT; its error is the `cause`. */
  assertion_missing: true,
  /** The redirect carries another `state` than the request (RFC 6749, 10.12). */
  state_mismatch: false,
  /** The redirect is not from the authorization server that was asked (RFC 9207, 2.4). */
  iss_mismatch: false,
  /** The authorization server refused to issue a token; `oauthError` says why. */
  token_refused: false,
  /** The MCP server keeps refusing what the authorization server issues. */
  too_many_attempts: true,
  /** A credential was about to go to another origin than its own. */
  origin_mismatch: false,
} as const;

/** What an error says beside its code, stage and message. */
export interface OAuthClientErrorOptions {
  readonly cause?: unknown;
  /** The `error` of the authorization server (RFC 6749, 5.2). */
  readonly oauthError?: string | undefined;
  /** The HTTP status, where there was one. */
  readonly status?: number | undefined;
  /** Replaces what the code says. */
  readonly retryable?: boolean;
}

const brand: symbol = Symbol.for("backplane.OAuthClientError");

/** Why there is no credential for a request. Neither message nor fields ever hold one. */
export class OAuthClientError extends Error {
  override readonly name: string = "OAuthClientError";
  readonly code: OAuthClientErrorCode;
  readonly stage: OAuthStage;
  /** Whether the same attempt can succeed later without anybody changing anything. */
  readonly retryable: boolean;
  readonly oauthError: string | undefined;
  readonly status: number | undefined;

  static {
    Object.defineProperty(OAuthClientError.prototype, brand, { value: true });
  }

  constructor(
    code: OAuthClientErrorCode,
    stage: OAuthStage,
    message: string,
    options: OAuthClientErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.stage = stage;
    this.retryable = options.retryable ?? RETRYABLE[code];
    this.oauthError = options.oauthError;
    this.status = options.status;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is OAuthClientError {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** A URL for a message: what follows the path can hold credentials, and a peer chooses its length. */
export function shownUrl(url: string | URL): string {
  const text = String(url);
  if (!URL.canParse(text)) return "(no URL)";
  const { origin, protocol, pathname } = new URL(text);
  const shown = `${origin === "null" ? protocol : origin}${pathname === "/" ? "" : pathname}`;
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}
