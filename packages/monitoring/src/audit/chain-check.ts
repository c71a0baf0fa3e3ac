import { isJsonObject } from "@backplane/protocol";
import type { AuditHead, AuditRecord } from "./audit-record.ts";
import { createHasher, GENESIS, type Hasher, macOf, type NodeCrypto, unseal } from "./chain.ts";

/** The first thing that is wrong with an audit. */
export interface AuditFault {
  readonly file: string;
  /** Counted from 1 in its file. */
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
    const reason = this.#examine(bytes);
    if (reason === undefined) return true;
    this.#fails(reason);
    return false;
  }

  /** The file does not end with a line end. */
  torn(): void {
    this.#lineNumber++;
    this.#fails("the last line is not whole");
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

  #fails(reason: string): void {
    this.fault ??= { file: this.#file, line: this.#lineNumber, reason };
  }

  #examine(bytes: Uint8Array): string | undefined {
    const sealed = unseal(bytes);
    if (sealed === undefined) return "not a line of an audit";
    if (this.#hash(sealed.body) !== sealed.hash) {
      return this.#keyed
        ? "its hash does not verify: it was altered, or written with another key or none"
        : "its hash does not verify: it was altered, or written with a key, which was not given";
    }
    const record = parse(bytes);
    if (record === undefined) return "not a record";
    const misplaced = this.#place(record);
    if (misplaced !== undefined) return misplaced;
    this.#prev = sealed.hash;
    const anchor = this.#anchors.get(anchorName(record.chain, record.seq));
    if (anchor !== undefined) {
      if (anchor !== sealed.hash) return "it is not the record that was anchored by a head";
      this.#found.add(anchorName(record.chain, record.seq));
      this.#anchored = record.seq;
    }
    this.#records++;
    this.#firstSeq ??= record.seq;
    if (record.kind === "lost") this.#lost += record.count;
    this.#closed = record.kind === "close";
    this.#onRecord?.(record);
    return undefined;
  }

  /** Whether a record belongs behind the one before; what is wrong otherwise. */
  #place({ chain, seq, prev, kind }: AuditRecord): string | undefined {
    const begins = chain !== this.#chain;
    if (begins) {
      if (this.#chain !== undefined) {
        // A chain that could not be gone on with was put aside: the next one is in a file of its own.
        if (this.#lineNumber !== 1 || seq !== 1) return "a chain begins where none may begin";
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
    } else if (seq !== this.#seq + 1) {
      return `record ${this.#seq + 1} should be here, and not ${seq}: records were taken out, put in or moved`;
    } else if (prev !== this.#prev) return "it does not go on from the record before it";
    this.#seq = seq;
    return undefined;
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

function anchorName(chain: string, seq: number): string {
  return `${seq} ${chain}`;
}

function parse(bytes: Uint8Array): AuditRecord | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isJsonObject(value)) return undefined;
    const { chain, seq, prev, kind, count } = value;
    const isRecord =
      typeof chain === "string" &&
      Number.isSafeInteger(seq) &&
      typeof prev === "string" &&
      typeof kind === "string" &&
      (kind !== "lost" || Number.isSafeInteger(count));
    return isRecord ? (value as unknown as AuditRecord) : undefined;
  } catch {
    return undefined;
  }
}
