import { CHANNELS, clip, redactText, within } from "@backplane/protocol";
import type { AuditStatus } from "./audit-log.ts";
import type { ResolvedAudit } from "./audit-options.ts";
import type { AuditRecord } from "./audit-record.ts";
import { Chain, createHasher, type Lines, macOf, type NodeCrypto, SHARED_SEAL } from "./chain.ts";
import { continueChain } from "./continue-chain.ts";
import { type AuditEntry, EntryWriter, toMembers } from "./entries.ts";

/** A write that is longer begins with what there is: some thousand lines. */
const MAX_WRITE_BYTES = 1024 * 1024;
/** How long a sink may take over a batch before it counts as away. */
const STALL_MS = 10_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;
/** Below the 5 seconds that a stopping server gives each of its parts. */
const CLOSE_MS = 4_000;
/** How long nothing may have been lost before the audit counts as whole again. */
const CALM_MS = 10_000;
const MAX_RECENT = 200;
/** Records from before there was a chain that are made into lines in one go, in about a millisecond. */
const EARLY_AT_ONCE = 16 * SHARED_SEAL;

/** Makes lines of the entries that wait, and brings them to the sink, one write at a time. */
export class AuditWriter {
  readonly #options: ResolvedAudit;
  /** What came before there was a chain; later ones are made into lines at once, and grow old nowhere. */
  readonly #entries: AuditEntry[] = [];
  /** Lines with their seals that the sink has not taken yet. */
  readonly #lines: Lines[] = [];
  #sealed = 0;
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
  /** The last lines that were written, at least as many as may be asked for. */
  readonly #recent: Lines[] = [];
  #recentCount = 0;
  #closed = false;

  constructor(options: ResolvedAudit) {
    this.#options = options;
  }

  /** The flush that runs now. */
  get running(): Promise<void> | undefined {
    return this.#flushing;
  }

  /** Records that the sink has not taken yet. */
  get waiting(): number {
    return this.#entries.length + this.#sealed + (this.#chain?.open ?? 0);
  }

  get status(): AuditStatus {
    return {
      written: this.#written,
      buffered: this.waiting,
      lost: this.#lost,
      degraded: this.#degraded,
      lastError: this.#lastError,
    };
  }

  recent(limit: number): readonly AuditRecord[] {
    const lines = this.#recent
      .flatMap(({ bytes }) => bytes.toString().split("\n").slice(0, -1))
      .reverse();
    const count = Math.max(0, Math.min(limit, MAX_RECENT));
    return lines.slice(0, count).map((line) => JSON.parse(line) as AuditRecord);
  }

  /** @param reason why it is lost. */
  lose(atMs: number, reason: unknown = "records are lost: more wait than may be kept"): void {
    this.#lost++;
    this.#lostAtMs = performance.now();
    if (this.#unsaid++ === 0) this.#unsaidSinceMs = atMs;
    if (this.#unsaid === 1) this.#becomes(true, reason);
  }

  /** Makes a line of what happened. */
  take(entry: AuditEntry): void {
    // In their order.
    if (this.#chain === undefined || this.#entries.length > 0) this.#entries.push(entry);
    else this.#write(this.#chain, entry);
  }

  /**
   * Never rejects.
   * @param now although the sink failed a moment ago.
   */
  flush(now: boolean): Promise<void> {
    if (!now && performance.now() < this.#retryAtMs) return Promise.resolve();
    return this.#flushing ?? this.#alone(this.#flush());
  }

  /** Until it ends nothing else flushes, which would write the same lines. */
  #alone(work: Promise<void>): Promise<void> {
    const running = work.finally(() => {
      if (this.#flushing === running) this.#flushing = undefined;
    });
    this.#flushing = running;
    return running;
  }

  async close(): Promise<void> {
    const { sink, logger } = this.#options;
    const work = this.#alone(this.#finish(this.#flushing));
    await within(CLOSE_MS, work);
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    const left = this.waiting;
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

  async #finish(before: Promise<void> | undefined): Promise<void> {
    await before;
    await this.#flush();
    if (this.#chain === undefined || this.waiting > 0) return;
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
    if (this.waiting === 0) return;
    try {
      await this.#begin();
      await this.#takeEarly();
      this.#sealEach();
      await this.#writeLines();
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
    const { tornBytes = 0, tail } = (await sink.open?.()) ?? {};
    const earlier = tail === undefined ? undefined : continueChain(tail, hash);
    const abandoned = tail !== undefined && earlier === undefined;
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

  async #takeEarly(): Promise<void> {
    const chain = this.#chain as Chain;
    while (this.#entries.length > EARLY_AT_ONCE && !this.#closed) {
      for (const entry of this.#entries.splice(0, EARLY_AT_ONCE)) this.#write(chain, entry);
      await this.#writeLines();
    }
    // The rest without a pause, in which more would come: then later ones need not wait here.
    for (const entry of this.#entries.splice(0)) this.#write(chain, entry);
  }

  #write(chain: Chain, entry: AuditEntry): void {
    chain.begin();
    try {
      (this.#entryWriter as EntryWriter).write(chain.text, entry);
    } catch (error) {
      // An authenticator may have named somebody by what is no text: that record is lost, and no other.
      chain.abandon();
      this.lose(entry.atMs, error);
      return;
    }
    this.#wait(chain.end());
  }

  #addLine(atMs: number, members: string): void {
    (this.#chain as Chain).add(new Date(atMs).toISOString(), members);
    this.#sealEach();
  }

  /** Few that come in `flushMs` have a seal each, by which the verifier finds the very line that was altered. */
  #sealEach(): void {
    this.#wait((this.#chain as Chain).sealEach());
  }

  #wait(lines: Lines | undefined): void {
    if (lines === undefined) return;
    this.#lines.push(lines);
    this.#sealed += lines.count;
  }

  #sayLost(): void {
    const since = new Date(this.#unsaidSinceMs).toISOString();
    this.#addLine(Date.now(), toMembers({ kind: "lost", count: this.#unsaid, since }));
    this.#unsaid = 0;
  }

  /** Writes what waits now. */
  async #writeLines(): Promise<void> {
    let due = this.#lines.length;
    while (due > 0 && !this.#closed) due -= await this.#writeSome(due);
  }

  /** @returns how many of them the sink has taken. */
  async #writeSome(due: number): Promise<number> {
    let taken = 0;
    let length = 0;
    while (taken < due && length < MAX_WRITE_BYTES)
      length += this.#lines[taken++]?.bytes.length ?? 0;
    const pieces = this.#lines.slice(0, taken).map(({ bytes }) => bytes);
    const { sink } = this.#options;
    const work = Promise.resolve(
      sink.writeBytes === undefined
        ? sink.write(Buffer.concat(pieces, length).toString())
        : sink.writeBytes(pieces),
    );
    if (!(await within(STALL_MS, work))) {
      this.#becomes(true, `the sink takes longer than ${STALL_MS} ms`);
      await work;
    }
    for (const lines of this.#lines.splice(0, taken)) {
      this.#sealed -= lines.count;
      this.#written += lines.count;
      this.#remember(lines);
    }
    return taken;
  }

  #remember(lines: Lines): void {
    this.#recent.push(lines);
    this.#recentCount += lines.count;
    for (
      let oldest = this.#recent[0];
      oldest !== undefined && this.#recentCount - oldest.count >= MAX_RECENT;
      oldest = this.#recent[0]
    ) {
      this.#recent.shift();
      this.#recentCount -= oldest.count;
    }
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
