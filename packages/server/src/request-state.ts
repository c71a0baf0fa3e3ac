import { Buffer } from "node:buffer";
import {
  type Clock,
  canonicalJson,
  digest,
  ErrorCode,
  invalidParams,
  type KeyRing,
  MCPError,
  type RingKey,
  wholeNumber,
} from "@backplane/protocol";

/** What a handler's earlier runs have gathered. */
export interface StatePayload {
  /** By the key of the ask. `ask` is a digest of the ask as it was made; another ask is asked anew. */
  readonly answers: Readonly<Record<string, { readonly ask: string; readonly result: unknown }>>;
  /** What `ctx.once` keeps, by its key. */
  readonly memos: Readonly<Record<string, unknown>>;
  /** How often the client has been asked. */
  readonly round: number;
}

/** The one request that a state belongs to. */
export interface StateBinding {
  readonly principalKey: string;
  readonly method: string;
  /** The name of a tool or prompt, the URI of a resource. */
  readonly name: string;
  /** Kept as a digest only. */
  readonly arguments: unknown;
}

/** Makes and opens `requestState`. */
export interface StateSealer {
  /** @throws {MCPError} −32603 when the state would be larger than `maxBytes`. */
  seal(payload: StatePayload, binding: StateBinding): Promise<string>;
  /**
   * @throws {MCPError} −32602 for a state that is not ours, was changed, has expired, or belongs to
   * another principal, method, name or arguments.
   */
  open(token: string, binding: StateBinding): Promise<StatePayload>;
}

export interface StateSealerOptions {
  /** How long a state can be used. Default 10 minutes; 1 or more. */
  readonly ttlMs?: number;
  /** Largest token. Default 16 KiB; 1 or more. */
  readonly maxBytes?: number;
}

const DEFAULT_TTL_MS = 600_000;
const DEFAULT_MAX_BYTES = 16_384;

const VERSION = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const PURPOSE = new TextEncoder().encode("backplane requestState v1");
// Every token has a key of its own, so that no pair of key and IV comes twice (NIST SP 800-38D, 8.2).
const IV = new Uint8Array(12);

// The name of this type is in no library that Node's types bring without the DOM.
type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

type Packed = [
  expiresAtMs: number,
  round: number,
  answers: StatePayload["answers"],
  memos: StatePayload["memos"],
];

class AeadStateSealer implements StateSealer {
  readonly #keyRing: KeyRing;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxBytes: number;
  readonly #imported = new WeakMap<Uint8Array, Promise<CryptoKey>>();

  constructor(keyRing: KeyRing, clock: Clock, options: StateSealerOptions) {
    this.#keyRing = keyRing;
    this.#clock = clock;
    this.#ttlMs = wholeNumber("requestState", "ttlMs", options.ttlMs ?? DEFAULT_TTL_MS);
    this.#maxBytes = wholeNumber("requestState", "maxBytes", options.maxBytes ?? DEFAULT_MAX_BYTES);
  }

  async seal(payload: StatePayload, binding: StateBinding): Promise<string> {
    const expiresAtMs = this.#clock.now() + this.#ttlMs;
    const packed: Packed = [expiresAtMs, payload.round, payload.answers, payload.memos];
    const plaintext = Buffer.from(JSON.stringify(packed));
    const key = await this.#keyRing.current();
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const header = Buffer.concat([
      Uint8Array.of(VERSION, key.id.length),
      Buffer.from(key.id),
      salt,
    ]);
    const bytes = Math.ceil(((header.length + plaintext.length + TAG_BYTES) * 4) / 3);
    if (bytes > this.#maxBytes) throw tooLarge(bytes, this.#maxBytes);
    const sealed = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv: IV, additionalData: await associatedData(header, binding) },
      await this.#tokenKey(key, salt, "encrypt"),
      plaintext,
    );
    return Buffer.concat([header, new Uint8Array(sealed)]).toString("base64url");
  }

  async open(token: string, binding: StateBinding): Promise<StatePayload> {
    const parts = token.length > this.#maxBytes ? undefined : split(token);
    const key = parts && (await this.#keyRing.find(parts.keyId));
    if (parts === undefined || key === undefined) throw unusable();
    const plaintext = await this.#decrypt(parts, key, binding);
    const [expiresAtMs, round, answers, memos] = JSON.parse(plaintext.toString("utf8")) as Packed;
    if (this.#clock.now() >= expiresAtMs) throw expired();
    return { answers, memos, round };
  }

  async #decrypt(parts: TokenParts, key: RingKey, binding: StateBinding): Promise<Buffer> {
    const additionalData = await associatedData(parts.header, binding);
    const tokenKey = await this.#tokenKey(key, parts.salt, "decrypt");
    try {
      const algorithm = { name: "AES-GCM", iv: IV, additionalData };
      return Buffer.from(await crypto.subtle.decrypt(algorithm, tokenKey, parts.sealed));
    } catch {
      // The tag alone decides, and says no more than no: no oracle for what exactly was wrong.
      throw unusable();
    }
  }

  async #tokenKey(
    key: RingKey,
    salt: Uint8Array,
    usage: "encrypt" | "decrypt",
  ): Promise<CryptoKey> {
    let imported = this.#imported.get(key.secret);
    if (imported === undefined) {
      imported = crypto.subtle.importKey("raw", key.secret, "HKDF", false, ["deriveKey"]);
      this.#imported.set(key.secret, imported);
    }
    return crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt, info: PURPOSE },
      await imported,
      { name: "AES-GCM", length: 256 },
      false,
      [usage],
    );
  }
}

interface TokenParts {
  /** Everything before the ciphertext: version, key id, salt. */
  readonly header: Uint8Array;
  readonly keyId: string;
  readonly salt: Uint8Array;
  readonly sealed: Uint8Array;
}

function split(token: string): TokenParts | undefined {
  if (!BASE64URL.test(token)) return undefined;
  const bytes = Buffer.from(token, "base64url");
  // The last character may carry bits that decode to nothing: only one spelling is ours.
  if (bytes.toString("base64url") !== token || bytes[0] !== VERSION) return undefined;
  const saltStart = 2 + (bytes[1] ?? 0);
  const sealedStart = saltStart + SALT_BYTES;
  if (bytes.length < sealedStart + TAG_BYTES) return undefined;
  return {
    header: bytes.subarray(0, sealedStart),
    keyId: bytes.toString("latin1", 2, saltStart),
    salt: bytes.subarray(saltStart, sealedStart),
    sealed: bytes.subarray(sealedStart),
  };
}

// The binding is authenticated without standing in the token: it costs no bytes and tells nothing.
async function associatedData(header: Uint8Array, binding: StateBinding): Promise<Uint8Array> {
  const argumentsDigest =
    binding.arguments === undefined ? "" : await digest(canonicalJson(binding.arguments));
  const bound = [binding.principalKey, binding.method, binding.name, argumentsDigest];
  return Buffer.concat([header, Buffer.from(JSON.stringify(bound))]);
}

function unusable(): MCPError {
  return invalidParams(
    "requestState is not valid for this request; start again without requestState",
  );
}

function expired(): MCPError {
  return invalidParams("requestState has expired; start again without requestState");
}

function tooLarge(bytes: number, maxBytes: number): MCPError {
  return new MCPError(
    ErrorCode.internalError,
    `The state of this request would be ${bytes} bytes; requestState holds at most ${maxBytes}`,
    { data: { bytes, maxBytes } },
  );
}

/**
 * Seals `requestState` with AES-256-GCM under a key derived for each token (HKDF-SHA-256 of a ring key
 * and 16 random bytes). Key id and format version stand in clear and are authenticated; so is the
 * request that the state belongs to. The client sees no content. (Spec: patterns/mrtr;
 * a server must treat `requestState` as controlled by an attacker.)
 *
 * @throws {TypeError} when an option is not a whole number of 1 or more.
 */
export function createStateSealer(
  keyRing: KeyRing,
  clock: Clock,
  options: StateSealerOptions = {},
): StateSealer {
  return new AeadStateSealer(keyRing, clock, options);
}
