import type { BinaryLike } from "node:crypto";
import type { AuditHead } from "./audit-record.ts";
import { TextBuffer } from "./text-buffer.ts";

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

const OPEN_START_BYTES = Buffer.from(OPEN_START);
const OPEN_END = Buffer.from("}\n");

/** Lines, each with its end. */
export interface Lines {
  readonly bytes: Buffer;
  readonly count: number;
}

/**
 * Joins lines by seals: each carries the hash of the seal before, and a hash over every byte since that. A line
 * has a seal of its own, or shares that of a line after it.
 */
export class Chain {
  readonly id: string;
  /** The lines since the last seal; the members of one that was begun are written here. */
  readonly text: TextBuffer = new TextBuffer();
  readonly #hash: Hasher;
  readonly #sealedStart: Uint8Array;
  /** Of the last line, with or without a seal. */
  seq: number;
  head: string;
  /** Lines since the last seal. */
  open = 0;
  /** Where the line begins that is being written. */
  #lineStart = 0;

  constructor(id: string, hash: Hasher, seq = 0, head: string = GENESIS) {
    this.id = id;
    this.#hash = hash;
    this.#sealedStart = Buffer.from(`${SEALED_START}"${id}","seq":`);
    this.seq = seq;
    this.head = head;
  }

  /** Begins a line, whose other members follow, each after a comma. */
  begin(): void {
    const { text } = this;
    this.#lineStart = text.length;
    text.put(this.open === SHARED_SEAL - 1 ? this.#sealedStart : OPEN_START_BYTES);
    text.writeNumber(this.seq + 1);
  }

  /** Takes back the line that was begun. */
  abandon(): void {
    this.text.length = this.#lineStart;
  }

  /** Ends the line that was begun. @returns the lines since the last seal, if this one seals them. */
  end(): Lines | undefined {
    this.seq++;
    this.open++;
    if (this.open < SHARED_SEAL) {
      this.text.put(OPEN_END);
      return undefined;
    }
    this.#seal(0);
    return this.#taken();
  }

  /**
   * Adds a whole line.
   * @param members JSON members without braces, such as `"kind":"call","method":"ping"`.
   */
  add(time: string, members: string): void {
    this.seq++;
    this.open++;
    this.text.write(`${OPEN_START}${this.seq},"time":"${time}",${members}}\n`);
  }

  /** Gives each line that has no seal one of its own. @returns them, if there are any. */
  sealEach(): Lines | undefined {
    if (this.open === 0) return undefined;
    const lines = this.text.take().toString().split("\n").slice(0, -1);
    for (const line of lines) {
      const start = this.text.length;
      this.text.write(`${SEALED_START}"${this.id}",${line.slice(1, -1)}`);
      this.#seal(start);
    }
    return this.#taken();
  }

  /** Ends a line with a seal over all from a place on. */
  #seal(start: number): void {
    this.text.write(`,"prev":"${this.head}"`);
    this.head = this.#hash(this.text.from(start));
    this.text.write(`${SEAL}${this.head}${END}\n`);
  }

  #taken(): Lines {
    const count = this.open;
    this.open = 0;
    return { bytes: this.text.take(), count };
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
