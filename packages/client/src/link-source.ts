import type { MCPError } from "@backplane/protocol";
import type { MCPClientError } from "./errors.ts";
import type { Link } from "./link.ts";
import type { Agreement } from "./server-description.ts";

/** Where requests get their link: one that is shared, or one of a pool. */
export interface LinkSource {
  /** What the last link settled on; undefined before the first. */
  readonly agreement: Agreement | undefined;
  /**
   * A link for one attempt, at once where one is open. Rejects with a typed error: not connected,
   * connecting failed, no connection free in time.
   * @param signal ends the waiting.
   */
  acquire(signal: AbortSignal | undefined): Link | Promise<Link>;
  /** Gives a link back after the attempt; `failure` is what ended it, for the source to judge the link by. */
  release(link: Link, failure: MCPError | MCPClientError | undefined): void;
}
