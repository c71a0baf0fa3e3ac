import {
  type AuthenticationFailure,
  type AuthenticationOutcome,
  type AuthenticationRequest,
  type Authenticator,
  type Clock,
  checkBoolean,
  checkMembers,
  checkMethods,
  type Principal,
  type Secret,
  sha256Binary,
  systemClock,
} from "@backplane/protocol";
import {
  API_KEY_FORM,
  type APIKey,
  type APIKeyEntry,
  type APIKeys,
  keyDigest,
  readApiKey,
} from "./api-key-entry.ts";
import { AuthenticationError } from "./authentication-error.ts";
import { bearerChallenge, describeRefusal, refusalOf } from "./internal/gate.ts";
import { checkedHeaderName } from "./internal/header-name.ts";
import { challenge, headerText } from "./internal/www-authenticate.ts";

/** What `new APIKeyAuth` takes. */
export interface APIKeyAuthOptions {
  /** Keys by the client that they stand for: `{ client1: "…" }`, or with scopes, roles and limits. */
  readonly apiKeys: APIKeys;
  /**
   * The request header that carries the key. With `Authorization` it stands behind `Bearer`. Default
   * `X-API-Key`.
   */
  readonly headerName?: string;
  /** Takes keys of fewer than 16 characters without a warning. Default false. */
  readonly allowWeakKeys?: boolean;
  /** Stands in every principal as `issuer`. Default `api-key`. */
  readonly issuer?: string;
  /** Stands in the challenge. Default `mcp`. */
  readonly realm?: string;
  readonly clock?: Clock;
}

const SUBJECT = "APIKeyAuth";
const KNOWN: readonly string[] = [
  "apiKeys",
  "headerName",
  "allowWeakKeys",
  "issuer",
  "realm",
  "clock",
] satisfies (keyof APIKeyAuthOptions)[];

/** Longest header value that is looked at: no key is longer, with `Bearer` before it. */
const MAX_HEADER_LENGTH = 600;

/**
 * API keys in a request header. Keys are kept as digests and found by them: how long a look-up takes says
 * nothing about a key, since nobody can choose the digest of a guess. Keys are read from that header only,
 * never from a URL or a body.
 */
export class APIKeyAuth implements Authenticator {
  readonly #entries = new Map<string, APIKeyEntry>();
  readonly #headerName: string;
  readonly #bearer: boolean;
  readonly #challenge: (error: AuthenticationError) => string;
  readonly #allowWeakKeys: boolean;
  readonly #issuer: string;
  readonly #clock: Clock;
  readonly notices: readonly string[];
  /** The header with the key: handlers do not see it. */
  readonly credentialHeaders: readonly string[];

  /** @throws {TypeError} that names the option or the client, and never a key. */
  constructor(options: APIKeyAuthOptions) {
    checkMembers(SUBJECT, options, KNOWN);
    checkMethods(SUBJECT, "clock", options.clock, ["now", "after"]);
    const { apiKeys, allowWeakKeys = false } = options;
    const headerName = checkedHeaderName(SUBJECT, options.headerName);
    checkBoolean(SUBJECT, "allowWeakKeys", allowWeakKeys);
    const realm = headerText(SUBJECT, "realm", options.realm ?? "mcp");
    this.#headerName = headerName.toLowerCase();
    this.credentialHeaders = [this.#headerName];
    this.#bearer = this.#headerName === "authorization";
    this.#challenge = this.#bearer
      ? (error) => bearerChallenge(error, { realm })
      : () => challenge("ApiKey", { realm, header: headerName });
    this.#allowWeakKeys = allowWeakKeys;
    this.#issuer = options.issuer ?? "api-key";
    this.#clock = options.clock ?? systemClock;
    this.notices = this.#readAll(apiKeys);
  }

  /** @throws {AuthenticationError} when nobody has this key, or its time is over. */
  verify(key: string): Principal {
    return this.#find(key).principal;
  }

  describe(error: AuthenticationError): AuthenticationFailure {
    return describeRefusal(error, [this.#challenge(error)]);
  }

  authenticate(request: AuthenticationRequest): AuthenticationOutcome {
    const key = this.#keyOf(request.header(this.#headerName));
    try {
      return this.#find(key).outcome;
    } catch (error) {
      return refusalOf(error, (refusal) => this.describe(refusal));
    }
  }

  stepUp(scopes: readonly string[]): AuthenticationFailure {
    return this.describe(new AuthenticationError("insufficient_scope", "scope", { scopes }));
  }

  /**
   * Takes one more key from now on. To replace a key, add the new one, and revoke the old one when every
   * client has changed; or give the old one a `notAfter` from the start.
   * @throws {TypeError} for a key that somebody has already, or a weak one without `allowWeakKeys`.
   */
  addKey(client: string, key: string | Secret | APIKey): void {
    const entry = readApiKey(client, this.#issuer, key);
    if (entry.isWeak && !this.#allowWeakKeys) {
      throw new TypeError(`${SUBJECT}: ${weakKey(client)}`);
    }
    this.#add(client, entry);
  }

  /**
   * Refuses a key from now on.
   * @param key the key, or what `hashApiKey` made of it.
   * @returns whether it was known.
   */
  revokeKey(key: string | Secret): boolean {
    return this.#entries.delete(keyDigest(key));
  }

  /** Refuses every key of a client from now on. @returns how many there were. */
  revokeClient(client: string): number {
    const found = [...this.#entries.values()].filter(({ principal }) => principal.id === client);
    for (const { digest } of found) this.#entries.delete(digest);
    return found.length;
  }

  #find(key: string): APIKeyEntry {
    const entry = this.#entries.get(sha256Binary(key));
    if (entry === undefined) throw unknownKey(key);
    const { notAfterMs } = entry;
    // Most keys have no end, and to read the clock costs a tenth of all this.
    if (notAfterMs !== Number.POSITIVE_INFINITY && notAfterMs <= this.#clock.now()) {
      throw new AuthenticationError("invalid_token", "expiry");
    }
    return entry;
  }

  #readAll(apiKeys: APIKeys): readonly string[] {
    if (typeof apiKeys !== "object" || apiKeys === null || Array.isArray(apiKeys)) {
      throw new TypeError(
        `${SUBJECT}: option "apiKeys" must be an object with a key for each client`,
      );
    }
    const weak = new Set<string>();
    for (const [client, given] of Object.entries(apiKeys)) {
      const keys = Array.isArray(given) ? given : [given];
      if (keys.length === 0) throw new TypeError(`${SUBJECT}: client "${client}" has no key`);
      for (const key of keys) {
        const entry = readApiKey(client, this.#issuer, key);
        this.#add(client, entry);
        if (entry.isWeak) weak.add(client);
      }
    }
    // Never without any by mistake: nobody could call, and no key is made up instead.
    if (this.#entries.size === 0) {
      throw new TypeError(`${SUBJECT}: option "apiKeys" holds no key`);
    }
    return this.#allowWeakKeys ? [] : [...weak].map(weakKey);
  }

  #add(client: string, entry: APIKeyEntry): void {
    const other = this.#entries.get(entry.digest);
    if (other !== undefined) {
      throw new TypeError(
        `${SUBJECT}: clients "${other.principal.id}" and "${client}" have the same key; each needs its own`,
      );
    }
    this.#entries.set(entry.digest, entry);
  }

  /** Empty for what cannot be a key. */
  #keyOf(header: string | undefined): string {
    if (header === undefined || header.length > MAX_HEADER_LENGTH) return "";
    if (!this.#bearer) return header;
    return /^bearer +(.+)$/i.exec(header)?.[1] ?? "";
  }
}

/** Its form is looked at last: what is no key at all is nobody's either. */
function unknownKey(key: string): AuthenticationError {
  return API_KEY_FORM.test(key)
    ? new AuthenticationError("invalid_token", "key")
    : new AuthenticationError("missing_credentials", "credentials");
}

function weakKey(client: string): string {
  return `the API key of client "${client}" has fewer than 16 characters and can be guessed; generateApiKey() makes a good one, and allowWeakKeys: true says that this is meant`;
}
