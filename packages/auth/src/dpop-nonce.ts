import { Buffer } from "node:buffer";
import type { Clock, KeyRing } from "@backplane/protocol";

/** How long a nonce is good. */
export const DEFAULT_NONCE_LIFE_MS = 300_000;

/**
 * Nonces without a memory (RFC 9449, 9): each says when it was made, sealed with HMAC-SHA-256, so that any
 * replica with the same keys takes what another one gave.
 */
export class DpopNonces {
  readonly #ring: KeyRing;
  readonly #lifeMs: number;
  readonly #clock: Clock;

  constructor(ring: KeyRing, lifeMs: number, clock: Clock) {
    this.#ring = ring;
    this.#lifeMs = lifeMs;
    this.#clock = clock;
  }

  async make(): Promise<string> {
    const { id, secret } = await this.#ring.current();
    const said = `${this.#clock.now().toString(36)}.${id}`;
    const mac = await crypto.subtle.sign("HMAC", await keyOf(secret), bytesOf(said));
    return `${said}.${Buffer.from(mac).toString("base64url")}`;
  }

  /** Whether this is one of ours and its time is not over. */
  async accepts(nonce: string): Promise<boolean> {
    const [, time, id, mac] = /^([0-9a-z]{1,12})\.([\w-]{1,32})\.([\w-]{43})$/.exec(nonce) ?? [];
    if (time === undefined || id === undefined || mac === undefined) return false;
    const ageMs = this.#clock.now() - Number.parseInt(time, 36);
    if (!(ageMs >= -this.#lifeMs && ageMs < this.#lifeMs)) return false;
    const key = await this.#ring.find(id);
    if (key === undefined) return false;
    const given = new Uint8Array(Buffer.from(mac, "base64url"));
    return crypto.subtle.verify("HMAC", await keyOf(key.secret), given, bytesOf(`${time}.${id}`));
  }
}

/** A key of its own for this use, so that the ring can seal other things as well. */
async function keyOf(secret: Uint8Array) {
  const from = await crypto.subtle.importKey("raw", new Uint8Array(secret), "HKDF", false, [
    "deriveKey",
  ]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytesOf("dpop nonce") },
    from,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
