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

/** Most lines under one seal. */
export const SHARED_SEAL = 64;

/** How a line begins that has no seal of its own. */
export const OPEN_START = '{"seq":';

/** How a line with a seal begins. */
export const SEALED_START = '{"chain":';

/**
 * Joins lines by seals: each carries the hash of the seal before, and a hash over every byte since that. A line
 * has a seal of its own, or shares that of a line after it.
 */
export class Chain {
  readonly id: string;
  readonly #hash: Hasher;
  seq: number;
  head: string;
  /** The lines since the last seal. */
  #open = "";

  constructor(id: string, hash: Hasher, seq = 0, head: string = GENESIS) {
    this.id = id;
    this.#hash = hash;
    this.seq = seq;
    this.head = head;
  }

  /**
   * Adds a line that shares the seal of the next {@link Chain.seal}.
   * @param members JSON members without braces, such as `"kind":"call","method":"ping"`.
   */
  add(time: string, members: string): void {
    this.seq++;
    this.#open += `${OPEN_START}${this.seq},"time":"${time}",${members}}\n`;
  }

  /** Adds a line with a seal over it and those before it that have none. @returns their text, each with its end. */
  seal(time: string, members: string): string {
    this.seq++;
    const body = `${this.#open}${SEALED_START}"${this.id}","seq":${this.seq},"time":"${time}",${members},"prev":"${this.head}"`;
    this.#open = "";
    this.head = this.#hash(body);
    return `${body}${SEAL}${this.head}${END}\n`;
  }
}

/** A line taken apart: the last of what its hash must be over, and what it says its hash is. */
export interface SealedLine {
  readonly body: Uint8Array;
  readonly hash: string;
}

/** @returns undefined for a line that does not end with a seal. */
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
