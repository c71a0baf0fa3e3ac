/** What kind of refusal it is. */
export type AuthenticationErrorCode =
  /** No credential, or none that could be one. */
  | "missing_credentials"
  /** The credential was sent in a way that is not allowed (RFC 6750, 3.1). */
  | "invalid_request"
  | "invalid_token"
  /** RFC 9449, 7.1. */
  | "invalid_dpop_proof"
  /** RFC 9449, 9. */
  | "use_dpop_nonce"
  | "insufficient_scope"
  /** Nobody can say now whether it is valid: the client should keep it. */
  | "unavailable";

/** The status, and what the client is told: it never learns which check refused. */
const ANSWERS: Readonly<
  Record<AuthenticationErrorCode, readonly [status: 400 | 401 | 403 | 503, message: string]>
> = {
  missing_credentials: [401, "Authentication required"],
  invalid_request: [400, "The credential was sent in a way that is not allowed"],
  invalid_token: [401, "The credential is not valid"],
  invalid_dpop_proof: [401, "The DPoP proof is not valid"],
  use_dpop_nonce: [401, "A DPoP nonce is needed"],
  insufficient_scope: [403, "The credential lacks a scope"],
  unavailable: [503, "Credentials cannot be checked now"],
};

/** The check that refused. For logs. */
export type AuthenticationStage =
  | "credentials"
  | "origin"
  | "format"
  | "algorithm"
  | "key"
  | "signature"
  | "type"
  | "issuer"
  | "audience"
  | "expiry"
  | "not_before"
  | "claims"
  | "revocation"
  | "introspection"
  | "binding"
  | "proof"
  | "nonce"
  | "replay"
  | "scope";

/** What an error says beside its code and stage. */
export interface AuthenticationErrorOptions {
  /** Every scope that is needed, with the code `insufficient_scope`. */
  readonly scopes?: readonly string[];
  /** For the log. Must not hold the credential. */
  readonly cause?: unknown;
}

const brand: symbol = Symbol.for("backplane.AuthenticationError");

/** Why a credential was refused. Neither message nor fields ever hold a part of it. */
export class AuthenticationError extends Error {
  override readonly name: string = "AuthenticationError";
  readonly code: AuthenticationErrorCode;
  readonly stage: AuthenticationStage;
  /** The HTTP status that says so. */
  readonly status: 400 | 401 | 403 | 503;
  readonly scopes: readonly string[];

  static {
    Object.defineProperty(AuthenticationError.prototype, brand, { value: true });
  }

  constructor(
    code: AuthenticationErrorCode,
    stage: AuthenticationStage,
    options: AuthenticationErrorOptions = {},
  ) {
    const [status, message] = ANSWERS[code];
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.stage = stage;
    this.status = status;
    this.scopes = options.scopes ?? [];
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is AuthenticationError {
    return typeof value === "object" && value !== null && brand in value;
  }
}
