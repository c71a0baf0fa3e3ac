import type { JWK } from "jose";

/** AlgorithmIdentifier of rsaEncryption without parameters' tail (RFC 8017, A.1), as it stands in SPKI and X.509. */
const RSA_ENCRYPTION: readonly number[] = [
  0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
const BIT_STRING = 0x03;
const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** Bits of the modulus of an RSA key; undefined for a key of another kind. */
export function rsaBitsOfJwk({ kty, n }: JWK): number | undefined {
  if (kty !== "RSA" || typeof n !== "string") return undefined;
  return bitLength(bytesOf(n.replaceAll("-", "+").replaceAll("_", "/")));
}

/**
 * Bits of the modulus of the RSA key in a PEM of SPKI or X.509; undefined for a key of another kind, and
 * for what cannot be read, which the import of the key refuses with its own words.
 */
export function rsaBitsOfPem(pem: string): number | undefined {
  const der = bytesOf(pem.replace(/-----[^-]+-----/g, "").replace(/\s+/g, ""));
  const at = der.findIndex((_, index) =>
    RSA_ENCRYPTION.every((byte, offset) => der[index + offset] === byte),
  );
  if (at === -1) return undefined;
  const bits = enter(der, at + RSA_ENCRYPTION.length, BIT_STRING);
  // The first byte of a BIT STRING counts its unused bits.
  const sequence = bits && enter(der, bits.start + 1, SEQUENCE);
  const modulus = sequence && enter(der, sequence.start, INTEGER);
  return modulus && bitLength(der.subarray(modulus.start, modulus.start + modulus.length));
}

/** Where the content of the element at `at` begins, and its length (X.690, 8.1). */
function enter(
  der: Uint8Array,
  at: number,
  tag: number,
): { readonly start: number; readonly length: number } | undefined {
  const first = der[at + 1];
  if (der[at] !== tag || first === undefined) return undefined;
  if (first < 0x80) return { start: at + 2, length: first };
  const count = first & 0x7f;
  const length = der.subarray(at + 2, at + 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return { start: at + 2 + count, length };
}

function bitLength(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first] as number) + 24;
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
