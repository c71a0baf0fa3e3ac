import { ErrorCode, type MCPError } from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import type { Link } from "./link.ts";
import type { LinkSource } from "./link-source.ts";
import type { Agreement } from "./server-description.ts";

/** One link for all requests, opened with the first and again after it is over. */
export class SharedLink implements LinkSource {
  readonly #open: () => Promise<Link>;
  #link: Link | undefined;
  #opening: Promise<Link> | undefined;
  #closed = false;

  /** @param open opens a link; rejects with a typed error. */
  constructor(open: () => Promise<Link>) {
    this.#open = open;
  }

  agreement: Agreement | undefined = undefined;

  /** The open link, or undefined. */
  get current(): Link | undefined {
    return this.#link?.over === false ? this.#link : undefined;
  }

  acquire(): Link | Promise<Link> {
    const link = this.#link;
    if (link !== undefined && !link.over) return link;
    return this.#reopen();
  }

  release(link: Link, failure: MCPError | MCPClientError | undefined): void {
    if (failure === undefined || link !== this.#link || !isLost(failure)) return;
    this.#link = undefined;
    link.close().catch(() => {
      // It was lost: there may be nothing left to close.
    });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const link = this.#link ?? (await this.#opening?.catch(() => undefined));
    this.#link = undefined;
    await link?.close();
  }

  /** All that wait while a link opens share the opening. */
  #reopen(): Promise<Link> {
    if (this.#closed) {
      return Promise.reject(new MCPClientError("closed", "the client was closed"));
    }
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openOnce(): Promise<Link> {
    const link = await this.#open();
    if (this.#closed) {
      await link.close();
      throw new MCPClientError("closed", "the client was closed while it connected");
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
