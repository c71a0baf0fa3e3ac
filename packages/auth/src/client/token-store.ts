/** The registration of this client at one authorization server. */
export interface ClientKey {
  readonly kind: "client";
  /** The `issuer` of the authorization server, as its metadata spells it. */
  readonly issuer: string;
}

/** The tokens that one client got for one resource at one authorization server. */
export interface TokensKey {
  readonly kind: "tokens";
  readonly issuer: string;
  readonly clientId: string;
  /** The resource indicator (RFC 8707), byte for byte. */
  readonly resource: string;
  /** Whose tokens, where one store serves several users; "" for one. */
  readonly account: string;
}

/** What credentials are kept under. Nothing is ever read under another issuer than it was written. */
export type CredentialKey = ClientKey | TokensKey;

/** What the authorization server answered to the registration (RFC 7591, 3.2.1). */
export interface ClientRecord {
  readonly clientId: string;
  readonly clientSecret?: string;
  /** Milliseconds since the epoch; absent for never. */
  readonly clientSecretExpiresAtMs?: number;
  readonly tokenEndpointAuthMethod?: string;
  readonly redirectUrl: string;
}

/** An access token with what belongs to it. */
export interface TokenRecord {
  readonly accessToken: string;
  readonly tokenType: "Bearer" | "DPoP";
  /** Milliseconds since the epoch; absent when the authorization server did not say. */
  readonly expiresAtMs?: number;
  readonly obtainedAtMs: number;
  readonly refreshToken?: string;
  /** The granted scopes; those asked for when the authorization server did not say (RFC 6749, 5.1). */
  readonly scope?: string;
  /** The key that the token is bound to (RFC 7638 thumbprint). */
  readonly dpopThumbprint?: string;
}

/** The record that belongs to a key. Plain JSON. */
export type CredentialRecord<Key extends CredentialKey> = Key extends ClientKey
  ? ClientRecord
  : TokenRecord;

/** A record and the version that a later write or deletion names. */
export interface Versioned<Record> {
  readonly record: Record;
  /** Opaque; another one after each write. */
  readonly version: string;
}

/**
 * Where client registrations and tokens are kept. Each write and deletion names the version that it is
 * based on and does nothing when another one is there: a failed refresh of an old token can then never
 * remove the new one that somebody else got meanwhile. A store that outlives the process must protect what
 * it holds, refresh tokens above all (spec: authorization, token theft).
 */
export interface TokenStore {
  get<Key extends CredentialKey>(key: Key): Promise<Versioned<CredentialRecord<Key>> | undefined>;
  /**
   * @param version what `get` gave; undefined when there must be nothing yet.
   * @returns whether it was written.
   */
  set<Key extends CredentialKey>(
    key: Key,
    record: CredentialRecord<Key>,
    version: string | undefined,
  ): Promise<boolean>;
  /** @returns whether this very version was there, and is no more. */
  delete(key: CredentialKey, version: string): Promise<boolean>;
}

/** One text for a key, the same in every process: what stores and locks go by. */
export function credentialKeyText(key: CredentialKey): string {
  return JSON.stringify(
    key.kind === "client"
      ? [key.kind, key.issuer]
      : [key.kind, key.issuer, key.clientId, key.resource, key.account],
  );
}
