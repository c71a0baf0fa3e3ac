import { isJsonObject } from "@backplane/protocol";
import type { AuditHead, AuditRecord } from "./audit-record.ts";
import {
  createHasher,
  GENESIS,
  type Hasher,
  macOf,
  type NodeCrypto,
  type SealedLine,
  SHARED_SEAL,
  unseal,
} from "./chain.ts";

/** The first thing that is wrong with an audit. */
export interface AuditFault {
  readonly file: string;
  /** Counted from 1 in its file; of lines that share a seal, the first. */
  readonly line: number;
  readonly reason: string;
}

/** What a verification found. */
export interface AuditVerdict {
  /** Whether every line verifies and every given head was found. */
  readonly valid: boolean;
  readonly fault: AuditFault | undefined;
  /** Lines that verify, up to the fault. */
  readonly records: number;
  readonly firstSeq: number | undefined;
  readonly lastSeq: number | undefined;
  /** Records that the audit says it lost. */
  readonly lost: number;
  /**
   * The last record of which a head given to the verification proves that it was there. What comes after it
   * may have been cut off without a trace.
   */
  readonly anchoredSeq: number | undefined;
  /** What the verdict does not prove, as sentences for a person. */
  readonly notes: readonly string[];
}

/** A line that waits for the seal it shares. */
interface OpenLine {
  readonly bytes: Uint8Array;
  readonly record: AuditRecord;
}

/** What a seal says beside its hash. */
interface Seal {
  readonly chain: string;
  readonly prev: string;
  readonly hash: string;
}

/** Follows a chain line by line, up to the first fault. */
export class ChainCheck {
  readonly #hash: Hasher;
  readonly #keyed: boolean;
  readonly #heads: readonly AuditHead[];
  readonly #badHead: AuditHead | undefined;
  readonly #anchors: ReadonlyMap<string, string>;
  readonly #onRecord: ((record: AuditRecord) => void) | undefined;
  readonly #notes: string[] = [];
  readonly #chains = new Set<string>();
  readonly #found = new Set<string>();
  #file = "";
  #lineNumber = 0;
  #open: OpenLine[] = [];
  #chain: string | undefined;
  #seq = 0;
  #prev = "";
  #records = 0;
  #firstSeq: number | undefined;
  #lost = 0;
  #anchored: number | undefined;
  #closed = false;
  fault: AuditFault | undefined;

  constructor(
    crypto: NodeCrypto,
    key: Uint8Array | undefined,
    heads: readonly AuditHead[],
    onRecord: ((record: AuditRecord) => void) | undefined,
  ) {
    this.#hash = createHasher(crypto, key);
    this.#keyed = key !== undefined;
    this.#heads = heads;
    this.#onRecord = onRecord;
    const isSigned = (head: AuditHead): boolean =>
      key === undefined || head.mac === macOf(crypto, key, head);
    this.#badHead = heads.find((head) => !isSigned(head));
    this.#anchors = new Map(
      heads.filter(isSigned).map(({ chain, seq, hash }) => [anchorName(chain, seq), hash]),
    );
  }

  beginFile(name: string): void {
    this.#file = name;
    this.#lineNumber = 0;
  }

  /** @returns whether the line verifies; the first that does not is the fault. */
  line(bytes: Uint8Array): boolean {
    this.#lineNumber++;
    return this.#examine(bytes);
  }

  /** @param torn whether the file does not end with a line end. */
  endFile(torn: boolean): void {
    if (torn) {
      this.#lineNumber++;
      this.#fails("the last line is not whole");
    } else if (this.#open.length > 0) {
      this.#fails(
        "its seal is missing: the end was cut off, or the process died while it was written",
        this.#open.length - 1,
      );
    }
  }

  verdict(): AuditVerdict {
    if (this.fault === undefined) this.#checkHeads();
    return {
      valid: this.fault === undefined,
      fault: this.fault,
      records: this.#records,
      firstSeq: this.#firstSeq,
      lastSeq: this.#records === 0 ? undefined : this.#seq,
      lost: this.#lost,
      anchoredSeq: this.#anchored,
      notes: [...this.#notes, ...this.#closingNotes()],
    };
  }

  /** @param back how many lines before the one that was read last. */
  #fails(reason: string, back = 0): void {
    this.fault ??= { file: this.#file, line: this.#lineNumber - back, reason };
  }

  #examine(bytes: Uint8Array): boolean {
    const sealed = unseal(bytes);
    const record = parse(bytes);
    if (sealed === undefined) return this.#hold(bytes, record);
    const shared = this.#open.length;
    if (this.#hashOf(sealed) !== sealed.hash) {
      const what =
        shared === 0
          ? "it was"
          : `one of lines ${this.#lineNumber - shared} to ${this.#lineNumber} was`;
      return this.#refuse(
        this.#keyed
          ? `its hash does not verify: ${what} altered, or written with another key or none`
          : `its hash does not verify: ${what} altered, or written with a key, which was not given`,
        shared,
      );
    }
    const { chain, prev } = record ?? {};
    if (record === undefined || chain === undefined || prev === undefined)
      return this.#refuse("not a record");
    const records = [...this.#open.map((line) => line.record), record];
    this.#open = [];
    return this.#follow(records, { chain, prev, hash: sealed.hash });
  }

  /** Keeps a line that has no seal until that comes which it shares. */
  #hold(bytes: Uint8Array, record: AuditRecord | undefined): boolean {
    const isOpen =
      record !== undefined &&
      record.chain === undefined &&
      record.prev === undefined &&
      record.hash === undefined;
    if (!isOpen) return this.#refuse("not a line of an audit");
    const before = this.#open.at(-1)?.record.seq;
    if (before !== undefined && record.seq !== before + 1)
      return this.#refuse(misplaced(before + 1, record.seq));
    this.#open.push({ bytes: bytes.slice(), record });
    return (
      this.#open.length < SHARED_SEAL || this.#refuse("more lines than share a seal have none")
    );
  }

  #hashOf({ body }: SealedLine): string {
    if (this.#open.length === 0) return this.#hash(body);
    const lineEnd = Uint8Array.of(0x0a);
    return this.#hash(
      Buffer.concat([...this.#open.flatMap(({ bytes }) => [bytes, lineEnd]), body]),
    );
  }

  /** Takes the records under one seal. */
  #follow(records: readonly AuditRecord[], seal: Seal): boolean {
    for (const [n, record] of records.entries()) {
      const back = records.length - 1 - n;
      const reason = n === 0 ? this.#place(record, seal, back) : this.#goesOn(record);
      if (reason !== undefined) return this.#refuse(reason, back);
      this.#seq = record.seq;
    }
    this.#prev = seal.hash;
    const name = anchorName(seal.chain, this.#seq);
    const anchor = this.#anchors.get(name);
    if (anchor !== undefined) {
      if (anchor !== seal.hash)
        return this.#refuse("it is not the record that was anchored by a head");
      this.#found.add(name);
      this.#anchored = this.#seq;
    }
    for (const record of records) this.#take(record);
    return true;
  }

  #take(record: AuditRecord): void {
    this.#records++;
    this.#firstSeq ??= record.seq;
    if (record.kind === "lost") this.#lost += record.count;
    this.#closed = record.kind === "close";
    this.#onRecord?.(record);
  }

  #refuse(reason: string, back = 0): false {
    this.#fails(reason, back);
    return false;
  }

  /** Whether a record, the first under its seal, belongs behind the one before; what is wrong otherwise. */
  #place(record: AuditRecord, { chain, prev }: Seal, back: number): string | undefined {
    const { seq, kind } = record;
    if (chain === this.#chain) {
      return (
        this.#goesOn(record) ??
        (prev === this.#prev ? undefined : "it does not go on from the record before it")
      );
    }
    if (this.#chain !== undefined) {
      // A chain that could not be gone on with was put aside: the next one is in a file of its own.
      if (this.#lineNumber - back !== 1 || seq !== 1) return "a chain begins where none may begin";
      if (this.#chains.has(chain)) return "a chain is gone on with after another one";
      this.#notes.push(
        `A new chain begins in ${this.#file}; the one before it may have been cut off at its end.`,
      );
    } else if (seq !== 1) {
      this.#notes.push(`It begins with record ${seq}: earlier ones are not in these files.`);
    }
    if (seq === 1 && (prev !== GENESIS || kind !== "open")) return "its beginning is not one";
    this.#chains.add(chain);
    this.#chain = chain;
    this.#anchored = undefined;
    return undefined;
  }

  #goesOn({ seq }: AuditRecord): string | undefined {
    return seq === this.#seq + 1 ? undefined : misplaced(this.#seq + 1, seq);
  }

  #checkHeads(): void {
    if (this.#badHead !== undefined) {
      this.#fails(`the head of record ${this.#badHead.seq} is not signed with this key`);
      return;
    }
    for (const { chain, seq } of this.#heads) {
      if (this.#found.has(anchorName(chain, seq))) continue;
      if (chain === this.#chain && seq < (this.#firstSeq ?? 0)) {
        this.#notes.push(
          `The head of record ${seq} is older than these files, and proves nothing of them.`,
        );
      } else {
        this.#fails(
          `record ${seq} of chain ${chain} was there when its head was given out, and is missing: the end was cut off`,
        );
        return;
      }
    }
  }

  #closingNotes(): readonly string[] {
    if (this.fault !== undefined) return [];
    const notes: string[] = [];
    if (this.#anchored === undefined) {
      notes.push(
        "No head was given that was kept elsewhere: whether records were cut off at the end cannot be told.",
      );
    } else if (this.#anchored < this.#seq) {
      notes.push(
        `Record ${this.#anchored} is the last one that a head anchors: whether records were cut off after record ${this.#seq} cannot be told.`,
      );
    } else
      notes.push(
        `Record ${this.#anchored}, the last one, is anchored by a head: up to it nothing is missing; whether records after it were cut off cannot be told.`,
      );
    if (!this.#keyed) {
      notes.push(
        "No key was given: who can write the files can also write another chain, but for what a head anchors.",
      );
    }
    if (this.#records > 0 && !this.#closed)
      notes.push("It was not closed in order: the server runs, or died.");
    return notes;
  }
}

function misplaced(expected: number, seq: number): string {
  return `record ${expected} should be here, and not ${seq}: records were taken out, put in or moved`;
}

function anchorName(chain: string, seq: number): string {
  return `${seq} ${chain}`;
}

function parse(bytes: Uint8Array): AuditRecord | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isJsonObject(value)) return undefined;
    const { chain, seq, prev, kind, count } = value;
    const isRecord =
      isTextOrNone(chain) &&
      Number.isSafeInteger(seq) &&
      isTextOrNone(prev) &&
      typeof kind === "string" &&
      (kind !== "lost" || Number.isSafeInteger(count));
    return isRecord ? (value as unknown as AuditRecord) : undefined;
  } catch {
    return undefined;
  }
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
