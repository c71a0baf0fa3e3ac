import { CHANNELS, clip, redactText, within } from "@backplane/protocol";
import type { AuditStatus } from "./audit-log.ts";
import type { ResolvedAudit } from "./audit-options.ts";
import type { AuditRecord } from "./audit-record.ts";
import { Chain, createHasher, macOf, type NodeCrypto } from "./chain.ts";
import { continueChain } from "./continue-chain.ts";
import { type AuditEntry, EntryWriter, toMembers } from "./entries.ts";

/** Lines of one batch: writing them as JSON and hashing them takes about a millisecond. */
const BATCH = 256;
/** How long a sink may take over a batch before it counts as away. */
const STALL_MS = 10_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;
/** Below the 5 seconds that a stopping server gives each of its parts. */
const CLOSE_MS = 4_000;
/** How long nothing may have been lost before the audit counts as whole again. */
const CALM_MS = 10_000;
const MAX_RECENT = 200;

/** Makes lines of the entries that wait, and brings them to the sink, one batch at a time. */
export class AuditWriter {
  readonly #options: ResolvedAudit;
  readonly #entries: AuditEntry[];
  /** Lines of the chain that the sink has not taken yet. */
  #lines: string[] = [];
  #chain: Chain | undefined;
  #crypto: NodeCrypto | undefined;
  #entryWriter: EntryWriter | undefined;
  #flushing: Promise<void> | undefined;
  #written = 0;
  #lost = 0;
  /** Lost since the chain said so last. */
  #unsaid = 0;
  #unsaidSinceMs = 0;
  #lostAtMs = Number.NEGATIVE_INFINITY;
  #degraded = false;
  #lastError: string | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retryAtMs = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #headAtMs = performance.now();
  #headSeq = 0;
  readonly #recent: string[] = [];
  #closed = false;
  #timeMs = Number.NaN;
  #time = "";

  constructor(options: ResolvedAudit, entries: AuditEntry[]) {
    this.#options = options;
    this.#entries = entries;
  }

  /** The flush that runs now. */
  get running(): Promise<void> | undefined {
    return this.#flushing;
  }

  /** Lines that the sink has not taken yet. */
  get waiting(): number {
    return this.#lines.length;
  }

  get status(): AuditStatus {
    return {
      written: this.#written,
      buffered: this.#entries.length + this.#lines.length,
      lost: this.#lost,
      degraded: this.#degraded,
      lastError: this.#lastError,
    };
  }

  recent(limit: number): readonly AuditRecord[] {
    const count = Math.max(0, Math.min(limit, this.#recent.length));
    const lines = this.#recent.slice(this.#recent.length - count).reverse();
    return lines.map((line) => JSON.parse(line) as AuditRecord);
  }

  /** @param reason why it is lost. */
  lose(atMs: number, reason: unknown = "records are lost: more wait than may be kept"): void {
    this.#lost++;
    this.#lostAtMs = performance.now();
    if (this.#unsaid++ === 0) this.#unsaidSinceMs = atMs;
    if (this.#unsaid === 1) this.#becomes(true, reason);
  }

  /**
   * Never rejects.
   * @param now although the sink failed a moment ago.
   */
  flush(now: boolean): Promise<void> {
    if (!now && performance.now() < this.#retryAtMs) return Promise.resolve();
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async close(): Promise<void> {
    const { sink, logger } = this.#options;
    const work = this.#finish();
    await within(CLOSE_MS, work);
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    const left = this.#entries.length + this.#lines.length;
    if (left > 0) {
      this.#lost += left;
      logger?.warn(
        { records: left },
        "the audit was closed with records that could not be written",
      );
    }
    this.#entries.length = 0;
    try {
      await within(CLOSE_MS, Promise.resolve(sink.close?.()));
    } catch (error) {
      logger?.warn({ err: error }, "the audit's sink could not be closed in order");
    }
  }

  async #finish(): Promise<void> {
    await this.#flushing;
    await this.#flush();
    if (this.#chain === undefined || this.#lines.length > 0) return;
    this.#addLine(Date.now(), '"kind":"close"');
    try {
      await this.#writeLines();
      await this.#giveHead();
    } catch (error) {
      this.#becomes(true, error);
    }
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#retryTimer);
    if (this.#entries.length === 0 && this.#lines.length === 0) return;
    try {
      await this.#begin();
      await this.#writeLines();
      // What comes meanwhile waits for the next flush, unless it fills a batch: a write for every few costs more.
      let due = this.#entries.length;
      while ((due > 0 || this.#entries.length >= BATCH) && !this.#closed) {
        if (this.#unsaid > 0) this.#sayLost();
        const batch = this.#entries.splice(0, BATCH);
        due -= batch.length;
        for (const entry of batch) this.#addEntry(entry);
        await this.#writeLines();
        // Other work comes between two batches.
        if (due > 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      if (this.#unsaid > 0) {
        this.#sayLost();
        await this.#writeLines();
      }
      this.#works();
      await this.#headIfDue();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #begin(): Promise<void> {
    if (this.#chain !== undefined) return;
    this.#crypto ??= await import("node:crypto");
    const { sink, key, server, logger } = this.#options;
    const hash = createHasher(this.#crypto, key);
    const { tornBytes = 0, lastLine } = (await sink.open?.()) ?? {};
    const earlier = lastLine === undefined ? undefined : continueChain(lastLine, hash);
    const abandoned = lastLine !== undefined && earlier === undefined;
    if (abandoned) {
      logger?.warn(
        {},
        "the last line of the earlier audit does not verify: a new chain begins, and the old one is put aside",
      );
      await sink.setAside?.();
    }
    this.#entryWriter = new EntryWriter(this.#crypto);
    const id = earlier?.chain ?? this.#crypto.randomBytes(12).toString("base64url");
    this.#chain = new Chain(id, hash, earlier?.seq, earlier?.hash);
    this.#addLine(
      Date.now(),
      toMembers({
        kind: "open",
        version: 1,
        keyed: key !== undefined,
        serverId: server.serverId,
        ...(tornBytes > 0 && { tornBytes }),
        ...(abandoned && { abandoned }),
      }),
    );
  }

  #addEntry(entry: AuditEntry): void {
    let members: string;
    try {
      members = (this.#entryWriter as EntryWriter).members(entry);
    } catch (error) {
      // An authenticator may have named somebody by what is no text: that record is lost, and not its whole batch.
      this.lose(entry.atMs, error);
      return;
    }
    this.#addLine(entry.atMs, members);
  }

  #addLine(atMs: number, members: string): void {
    // Many records come in one millisecond, and its text costs as much as the hash.
    if (atMs !== this.#timeMs) {
      this.#timeMs = atMs;
      this.#time = new Date(atMs).toISOString();
    }
    this.#lines.push((this.#chain as Chain).add(this.#time, members));
  }

  #sayLost(): void {
    const since = new Date(this.#unsaidSinceMs).toISOString();
    this.#addLine(Date.now(), toMembers({ kind: "lost", count: this.#unsaid, since }));
    this.#unsaid = 0;
  }

  async #writeLines(): Promise<void> {
    const lines = this.#lines;
    if (lines.length === 0) return;
    const work = Promise.resolve(this.#options.sink.write(lines));
    if (!(await within(STALL_MS, work))) {
      this.#becomes(true, `the sink takes longer than ${STALL_MS} ms`);
      await work;
    }
    this.#written += lines.length;
    this.#recent.push(...lines.slice(-MAX_RECENT));
    this.#recent.splice(0, this.#recent.length - MAX_RECENT);
    this.#lines = [];
  }

  #works(): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#retryAtMs = 0;
    // A server that is always too fast for its sink would be news with every batch.
    if (performance.now() - this.#lostAtMs > CALM_MS) this.#becomes(false, undefined);
  }

  #failed(error: unknown): void {
    this.#becomes(true, error);
    if (this.#closed) return;
    this.#retryAtMs = performance.now() + this.#retryMs;
    this.#retryTimer = setTimeout(() => void this.flush(true), this.#retryMs);
    (this.#retryTimer as { unref?: () => void }).unref?.();
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
  }

  #becomes(degraded: boolean, reason: unknown): void {
    if (degraded) this.#lastError = describe(reason);
    if (degraded === this.#degraded) return;
    this.#degraded = degraded;
    const { logger, server } = this.#options;
    if (degraded) {
      logger?.warn(
        { err: reason },
        "audit records cannot be written; calls go on, and what does not fit is lost",
      );
    } else logger?.info({ lost: this.#lost }, "audit records are written again");
    if (CHANNELS.degraded.hasSubscribers) {
      CHANNELS.degraded.publish({ serverId: server.serverId, part: "audit", degraded });
    }
  }

  async #headIfDue(): Promise<void> {
    const { onHead, key, headEveryMs } = this.#options;
    if (onHead === undefined && key === undefined) return;
    if (performance.now() - this.#headAtMs < headEveryMs) return;
    if (this.#chain?.seq === this.#headSeq) return;
    this.#addLine(Date.now(), '"kind":"head"');
    await this.#writeLines();
    await this.#giveHead();
  }

  async #giveHead(): Promise<void> {
    const { onHead, key, logger } = this.#options;
    const { id, seq, head: hash } = this.#chain as Chain;
    this.#headAtMs = performance.now();
    this.#headSeq = seq;
    if (onHead === undefined) return;
    const head = { chain: id, seq, hash, time: new Date().toISOString() };
    try {
      const mac = key && macOf(this.#crypto as NodeCrypto, key, head);
      await onHead({ ...head, ...(mac !== undefined && { mac }) });
    } catch (error) {
      logger?.warn({ err: error, seq }, "the head of the audit could not be kept");
    }
  }
}

function describe(reason: unknown): string {
  try {
    const message = (reason as { message?: unknown } | null)?.message;
    return clip(redactText(String(message ?? reason), 1_000), 300);
  } catch {
    // A sink may throw anything, even what throws when it is looked at.
    return "the sink failed";
  }
}
