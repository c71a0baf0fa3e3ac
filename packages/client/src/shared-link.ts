import { ErrorCode, IntrusiveList, type MCPError } from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import type { Link } from "./link.ts";
import type { LinkSource, LinkTaker } from "./link-source.ts";
import type { Agreement } from "./server-description.ts";

/** One link for all requests, opened with the first and again after it is over. */
export class SharedLink implements LinkSource {
  readonly #open: (signal: AbortSignal) => Promise<Link>;
  readonly #closing: AbortController = new AbortController();
  #link: Link | undefined;
  #opening: Promise<Link> | undefined;
  readonly #waiting = new IntrusiveList<LinkTaker>();
  /** Those that were replaced, until their last request has ended. */
  readonly #retired = new Set<Link>();

  /** @param open opens a link; rejects with a typed error, also when the signal fires. */
  constructor(open: (signal: AbortSignal) => Promise<Link>) {
    this.#open = open;
  }

  agreement: Agreement | undefined = undefined;
  /** The one link serves all that want it. */
  readonly isAwaited = false;

  /** The open link, or undefined. */
  get current(): Link | undefined {
    return this.#link?.over === false ? this.#link : undefined;
  }

  acquire(taker: LinkTaker): Link | MCPClientError | undefined {
    const link = this.#link;
    if (link !== undefined && !link.over) return link;
    if (this.#closing.signal.aborted) {
      return new MCPClientError("closed", "the client was closed");
    }
    taker.waitEndsAtMs = Number.POSITIVE_INFINITY;
    this.#waiting.add(taker);
    // By a promise, so that each hears of it in its caller's async context: credentials and traces may depend on it.
    this.#reopen().then(
      (opened) => {
        if (this.#waiting.delete(taker)) taker.onLink(opened);
      },
      (error: unknown) => {
        if (this.#waiting.delete(taker)) taker.onNoLink(error);
      },
    );
    return undefined;
  }

  cancel(taker: LinkTaker): void {
    this.#waiting.delete(taker);
  }

  release(link: Link, failure: MCPError | MCPClientError | undefined): void {
    if (failure === undefined || link !== this.#link || !isLost(failure)) return;
    this.#link = undefined;
    this.#retired.add(link);
    const error = new MCPClientError("session_lost", "the link was replaced", { cause: failure });
    link
      .retire(error)
      // It was lost: there may be nothing left to close.
      .catch(() => {})
      .finally(() => this.#retired.delete(link));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    const link = this.#link;
    this.#link = undefined;
    const retired = [...this.#retired].map((each) => each.close());
    await Promise.all([link?.close(), this.#opening?.catch(() => undefined), ...retired]);
  }

  /** All that wait while a link opens share the opening. */
  #reopen(): Promise<Link> {
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openOnce(): Promise<Link> {
    const { signal } = this.#closing;
    const closed = (cause?: unknown): MCPClientError =>
      new MCPClientError("closed", "the client was closed while it connected", { cause });
    const link = await this.#open(signal).catch((error: unknown) => {
      throw signal.aborted ? closed(error) : error;
    });
    if (signal.aborted) {
      await link.close();
      throw closed();
    }
    this.#link = link;
    this.agreement = { era: link.era, revision: link.revision };
    return link;
  }
}

/** Whether a failure says that what the link agreed with the server no longer holds. */
export function isLost(failure: MCPError | MCPClientError): boolean {
  return failure.code === "session_lost" || failure.code === ErrorCode.unsupportedProtocolVersion;
}
