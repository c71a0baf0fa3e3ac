import type { RouteEndEvent } from "@backplane/protocol";
import { observe } from "../observe.ts";
import { type AuditOptions, type ResolvedAudit, resolveAudit } from "./audit-options.ts";
import type { AuditRecord } from "./audit-record.ts";
import { AuditWriter } from "./audit-writer.ts";
import { type AuditEntry, callEntry, limitEntry, refusalEntry, routeEntry } from "./entries.ts";

/** How an audit fares. */
export interface AuditStatus {
  /** Lines that the sink has taken. */
  readonly written: number;
  /** Records that wait to be written. */
  readonly buffered: number;
  /** Records lost, because `maxBuffered` waited already or the close could not wait. */
  readonly lost: number;
  /** Whether the sink does not take lines now. */
  readonly degraded: boolean;
  /** Why it did not, the last time. */
  readonly lastError: string | undefined;
}

/**
 * Records every request of a server, every refused credential, and what its routes beside MCP answered to whom,
 * as lines of a hash chain: who, what, under which schema, what the policy decided, how it ended. Never arguments,
 * results or credentials.
 *
 * Calls do not wait for it: records are kept in memory and written in batches. What happens when the sink
 * does not keep up or is away (a full disk): calls go on, at most `maxBuffered` records wait, further ones are
 * lost. The loss is counted in {@link AuditLog.status}, said in the log and on the channel `degraded`, and
 * written into the chain as soon as there is room. A process that dies loses what waited, at most `flushMs`.
 *
 * The chain proves order and integrity of what is there. That nothing was cut off its end, only a head that
 * is kept elsewhere can prove (`onHead`).
 */
export class AuditLog {
  readonly #options: ResolvedAudit;
  readonly #writer: AuditWriter;
  readonly #subscriptions: readonly (() => void)[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws {TypeError} for an option that is unknown, missing or illegal; the message names it. */
  constructor(options: AuditOptions) {
    this.#options = resolveAudit(options);
    const { server } = this.#options;
    const { serverId } = server;
    this.#writer = new AuditWriter(this.#options);
    // Before anything is heard: a server that has stopped already refuses.
    server.onStop?.("audit", () => this.close());
    this.#subscriptions = [
      observe("requestEnd", serverId, (event) => this.#record(callEntry(event))),
      observe("authenticationRefused", serverId, (event) => this.#record(refusalEntry(event))),
      observe("routeEnd", serverId, (event) => {
        if (this.#isDecision(event)) this.#record(routeEntry(event));
      }),
      observe("limit", serverId, (event) => {
        // What a request ran into is part of that request's own record, be it of MCP or a route.
        if (event.context === undefined && event.route === undefined)
          this.#record(limitEntry(event));
      }),
    ];
  }

  get status(): AuditStatus {
    return this.#writer.status;
  }

  /** The last records that were written, at most 200, the newest first. */
  recent(limit = 200): readonly AuditRecord[] {
    return this.#writer.recent(limit);
  }

  /** Writes what waits. Resolves when it is written, or the sink has refused it. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One that runs may have begun before the last record.
    await this.#writer.running;
    await this.#writer.flush(true);
  }

  /**
   * Records nothing more, writes what waits, the last head and the closing line, and closes the sink. What
   * cannot be written within 4 seconds is lost, and said in the log. Idempotent; the server does it when it
   * stops.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #isDecision({ route, access, method, stage }: RouteEndEvent): boolean {
    // A refused credential has a record of its own.
    if (stage === "authentication" || this.#options.skipRoutes.has(route)) return false;
    const isRead = method === "GET" || method === "HEAD";
    return access !== "public" || stage !== undefined || !isRead;
  }

  #record(entry: AuditEntry): void {
    const { maxBuffered, flushMs } = this.#options;
    if (this.#writer.waiting >= maxBuffered) {
      this.#writer.lose(entry.atMs);
      return;
    }
    this.#writer.take(entry);
    if (this.#timer === undefined) this.#arm(flushMs);
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#writer.flush(false).then(() => {
        if (this.#writer.waiting > 0 && this.#timer === undefined) this.#arm(delayMs);
      });
    }, delayMs);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  async #close(): Promise<void> {
    for (const end of this.#subscriptions) end();
    clearTimeout(this.#timer);
    await this.#writer.close();
  }
}
