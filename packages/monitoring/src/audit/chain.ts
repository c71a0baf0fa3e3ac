import type { BinaryLike } from "node:crypto";
import type { AuditHead } from "./audit-record.ts";

/** The crypto of Node, loaded when an audit begins: the hot path of nobody else pays for it. */
export type NodeCrypto = typeof import("node:crypto");

/** What stands before the first hash. */
export const GENESIS: string = "A".repeat(43);

const HASH_LENGTH = 43;
const SEAL = ',"hash":"';
const END = '"}';
/** Bytes of a line after what its hash is over. */
const TAIL_LENGTH: number = SEAL.length + HASH_LENGTH + END.length;

/** What hashes the lines of a chain. */
export type Hasher = (body: BinaryLike) => string;

export function createHasher(crypto: NodeCrypto, key: Uint8Array | undefined): Hasher {
  if (key === undefined) return (body) => crypto.hash("sha256", body, "base64url");
  const secret = crypto.createSecretKey(key);
  return (body) => crypto.createHmac("sha256", secret).update(body).digest("base64url");
}

/** Joins lines: each carries the hash of the one before, and a hash over all its own bytes. */
export class Chain {
  readonly id: string;
  readonly #hash: Hasher;
  seq: number;
  head: string;

  constructor(id: string, hash: Hasher, seq = 0, head: string = GENESIS) {
    this.id = id;
    this.#hash = hash;
    this.seq = seq;
    this.head = head;
  }

  /** @param members JSON members without braces, such as `"kind":"call","method":"ping"`. */
  add(time: string, members: string): string {
    this.seq++;
    const body = `{"chain":"${this.id}","seq":${this.seq},"time":"${time}",${members},"prev":"${this.head}"`;
    this.head = this.#hash(body);
    return body + SEAL + this.head + END;
  }
}

/** A line taken apart: what its hash must be over, and what it says its hash is. */
export interface SealedLine {
  readonly body: Uint8Array;
  readonly hash: string;
}

/** @returns undefined for a line that does not end as each line of a chain does. */
export function unseal(line: Uint8Array): SealedLine | undefined {
  const bodyLength = line.length - TAIL_LENGTH;
  if (bodyLength <= 0) return undefined;
  const tail = latin1(line.subarray(bodyLength));
  if (!tail.startsWith(SEAL) || !tail.endsWith(END)) return undefined;
  return { body: line.subarray(0, bodyLength), hash: tail.slice(SEAL.length, -END.length) };
}

/** Byte by byte: a decoder of UTF-8 would give different bytes the same text. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The signature of a head. */
export function macOf(
  crypto: NodeCrypto,
  key: Uint8Array,
  { chain, seq, hash, time }: Omit<AuditHead, "mac">,
): string {
  const text = JSON.stringify(["backplane audit head", chain, seq, hash, time]);
  return crypto.createHmac("sha256", key).update(text).digest("base64url");
}
