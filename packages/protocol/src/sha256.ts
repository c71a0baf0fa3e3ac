import type { createHash } from "node:crypto";

interface NodeCrypto {
  /** Node 20.12 or later. */
  readonly hash?: (algorithm: string, data: string, encoding: "base64url" | "binary") => string;
  readonly createHash: typeof createHash;
}

/**
 * SHA-256 of a text's UTF-8 form, as 43 characters of base64url.
 *
 * Not `crypto.subtle`, which answers later: every request would wait for another thread. Looking a text of
 * 700 characters up in a `Map` costs as much as this (2 µs either way: a header's text is new each time, and
 * has to be hashed by V8), so that a digest is free, and no table ever holds a credential.
 *
 * @throws {Error} on a runtime without Node's crypto, when it is first used.
 */
export function sha256(text: string): string {
  implementation ??= load();
  return implementation(text, "base64url");
}

/**
 * As {@link sha256}, but as a binary string: one character for each of the 32 bytes. For the keys of tables
 * that never leave the process: making one and looking it up takes a seventh less. No text to print or send.
 *
 * @throws {Error} on a runtime without Node's crypto, when it is first used.
 */
export function sha256Binary(text: string): string {
  implementation ??= load();
  return implementation(text, "binary");
}

type Digest = (text: string, encoding: "base64url" | "binary") => string;

let implementation: Digest | undefined;

function load(): Digest {
  // Not an import, which other runtimes could not load. Deno, Bun and Workers have it as well.
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } };
  const crypto = process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
  if (crypto === undefined) {
    throw new Error(
      "this runtime has no process.getBuiltinModule with node:crypto, which digests need",
    );
  }
  const { hash, createHash } = crypto;
  return hash === undefined
    ? (text, encoding) => createHash("sha256").update(text).digest(encoding)
    : (text, encoding) => hash("sha256", text, encoding);
}
