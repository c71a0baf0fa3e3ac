import { type Clock, isJsonObject } from "@backplane/protocol";
import type { JWK, JWTVerifyGetKey } from "jose";
import { AuthenticationError } from "./authentication-error.ts";
import type { FlowFetch } from "./client/guarded-fetch.ts";
import { loadJose } from "./internal/jose.ts";

/** When the keys of an authorization server are asked for again. */
export interface JwksTimes {
  /** After so long they are fetched anew, in milliseconds. */
  readonly maxAgeMs: number;
  /**
   * A key that is not among them has them fetched at most so often, in milliseconds. A fetch that failed is tried
   * again after a second.
   */
  readonly cooldownMs: number;
}

/** A set with more is refused: no server signs with so many. */
const MAX_KEYS = 100;

/** Old keys are used so long when new ones cannot be had. */
const MAX_STALE_MS = 3_600_000;

/** After a failure nobody waits for another attempt so long. */
const RETRY_MS = 1_000;

interface KeySet {
  readonly find: JWTVerifyGetKey;
  readonly fetchedAtMs: number;
}

/**
 * The public keys of an authorization server (RFC 7517, 5). Requests that need them at once share one
 * fetch; a token that names an unknown key cannot make this server ask more often than the cool-down says.
 */
export class RemoteJwks {
  readonly #url: () => Promise<string>;
  readonly #fetch: FlowFetch;
  readonly #times: JwksTimes;
  readonly #clock: Clock;
  #keys: KeySet | undefined;
  #fetching: Promise<KeySet> | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #failure: unknown;

  /** @param url where they are, found when it is first needed. */
  constructor(url: () => Promise<string>, fetch: FlowFetch, times: JwksTimes, clock: Clock) {
    this.#url = url;
    this.#fetch = fetch;
    this.#times = times;
    this.#clock = clock;
  }

  /** The key that a token names, for `jose.jwtVerify`. @throws {AuthenticationError} `unavailable`. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.#current();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!isUnknownKey(error) || this.#age(keys) < this.#times.cooldownMs) throw error;
      // The old ones do not say that it is nobody's: when new ones cannot be had, nobody can tell.
      const newer = await this.#refresh(undefined);
      return newer.find(header, token);
    }
  };

  #age({ fetchedAtMs }: KeySet): number {
    return this.#clock.now() - fetchedAtMs;
  }

  async #current(): Promise<KeySet> {
    const keys = this.#keys;
    return keys !== undefined && this.#age(keys) < this.#times.maxAgeMs
      ? keys
      : this.#refresh(keys);
  }

  /**
   * @param old what will do when new ones cannot be had.
   * @throws {AuthenticationError} when there are none then.
   */
  async #refresh(old: KeySet | undefined): Promise<KeySet> {
    const usable = old !== undefined && this.#age(old) < MAX_STALE_MS ? old : undefined;
    if (this.#clock.now() - this.#failedAtMs < RETRY_MS) return usable ?? this.#unavailable();
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined;
    });
    try {
      return await this.#fetching;
    } catch (cause) {
      this.#failedAtMs = this.#clock.now();
      this.#failure = cause;
      return usable ?? this.#unavailable();
    }
  }

  #unavailable(): never {
    throw new AuthenticationError("unavailable", "key", { cause: this.#failure });
  }

  async #load(): Promise<KeySet> {
    const { createLocalJWKSet } = await loadJose();
    const response = await this.#fetch(await this.#url(), {
      headers: { accept: "application/jwk-set+json, application/json" },
    });
    if (response.status !== 200) throw new Error(`the key set answers with ${response.status}`);
    const keys = keysOf(await response.json());
    this.#keys = { find: createLocalJWKSet({ keys }), fetchedAtMs: this.#clock.now() };
    return this.#keys;
  }
}

/** Public keys only: a shared secret in a public document would be everybody's. */
function keysOf(value: unknown): JWK[] {
  const keys = isJsonObject(value) ? value["keys"] : undefined;
  if (!Array.isArray(keys)) throw new Error("the key set is not one");
  if (keys.length > MAX_KEYS) throw new Error(`the key set holds more than ${MAX_KEYS} keys`);
  return keys.filter((key): key is JWK => isJsonObject(key) && key["kty"] !== "oct");
}

function isUnknownKey(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_JWKS_NO_MATCHING_KEY";
}
