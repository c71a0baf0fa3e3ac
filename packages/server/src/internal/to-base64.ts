import { Buffer } from "node:buffer";

/** Base64 (RFC 4648, 4), in one pass and one string: reads of many megabytes go through it. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
