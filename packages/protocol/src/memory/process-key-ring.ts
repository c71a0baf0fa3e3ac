import type { KeyRing, RingKey } from "../seams/key-ring.ts";

const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
const SECRET_BYTES = 32;

/**
 * A ring of given keys, the first of which seals. All replicas need the same keys.
 *
 * @throws {TypeError} when there is no key, an id is repeated or malformed, or a secret is not 32 bytes.
 */
export function createKeyRing(keys: readonly RingKey[]): KeyRing {
  const byId = new Map<string, RingKey>();
  keys.forEach(({ id, secret }, index) => {
    const option = `createKeyRing: keys[${index}]`;
    if (typeof id !== "string" || !KEY_ID.test(id)) {
      throw new TypeError(`${option}.id must be 1 to 32 characters of A-Z a-z 0-9 _ -`);
    }
    if (!(secret instanceof Uint8Array) || secret.byteLength !== SECRET_BYTES) {
      throw new TypeError(`${option}.secret must be a Uint8Array of ${SECRET_BYTES} random bytes`);
    }
    if (byId.has(id)) throw new TypeError(`${option}.id "${id}" is used twice`);
    // A copy: the caller may wipe or reuse its buffer.
    byId.set(id, { id, secret: new Uint8Array(secret) });
  });
  const [current] = byId.values();
  if (current === undefined) throw new TypeError("createKeyRing: keys must hold at least one key");
  return { current: () => current, find: (id) => byId.get(id) };
}

/**
 * The ring that a text names, as from an environment variable: `id:secret` pairs with commas between, the secret
 * being 32 random bytes in base64url. The first one seals.
 *
 * @throws {TypeError} that tells which pair is wrong, and nothing of what it holds.
 */
export function parseKeyRing(text: string): KeyRing {
  const keys = text.split(",").map((pair, index) => {
    const [, id, secret] = /^\s*([^:\s]*):([\w-]{43})=?\s*$/.exec(pair) ?? [];
    if (id === undefined || secret === undefined) {
      throw new TypeError(
        `parseKeyRing: pair ${index + 1} must be id:secret, the secret being 32 bytes in base64url`,
      );
    }
    return { id, secret: decodeBase64Url(secret) };
  });
  return createKeyRing(keys);
}

function decodeBase64Url(text: string): Uint8Array {
  const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(bytes, (char) => char.charCodeAt(0));
}

/**
 * One random key that lives as long as this process: what it sealed cannot be opened by another
 * replica or after a restart. For several replicas use {@link createKeyRing}.
 */
export function createProcessKeyRing(): KeyRing {
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  // Random, so that a token of another process meets an unknown id and not a failing key.
  return createKeyRing([{ id: `p-${crypto.randomUUID().slice(0, 18)}`, secret }]);
}
