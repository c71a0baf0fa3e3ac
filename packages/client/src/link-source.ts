import { abortListener, type MCPError, unwatchAbort, watchAbort } from "@backplane/protocol";
import type { MCPClientError } from "./errors.ts";
import { abortError } from "./internal/until-aborted.ts";
import { Link } from "./link.ts";
import type { Agreement } from "./server-description.ts";

/** Who waits for a link. The methods must not throw; one of them is called, once, unless the wait is cancelled. */
export interface LinkTaker {
  onLink(link: Link): void;
  /** Connecting failed, no connection was free in time, the source was closed. */
  onNoLink(error: unknown): void;
}

/** A wait for a link. */
export interface LinkWait {
  /** When it ends at the latest, on the monotonic clock; left out where nothing bounds it. */
  readonly endsAtMs?: number;
  /** The taker hears no more. No-op once it has heard. */
  cancel(): void;
}

/** Where requests get their link: one that is shared, or one of a pool. */
export interface LinkSource {
  /** What the last link settled on; undefined before the first. */
  readonly agreement: Agreement | undefined;
  /**
   * A link for one attempt, at once where one is open; else the taker gets it, never before this returns. With
   * callbacks, since a promise for each request that waits costs more than the waiting.
   */
  acquire(taker: LinkTaker): Link | LinkWait;
  /** Gives a link back after the attempt; `failure` is what ended it, for the source to judge the link by. */
  release(link: Link, failure: MCPError | MCPClientError | undefined): void;
}

/**
 * A link for those who do not ask often; it has to be released.
 * @throws {MCPError} {@link MCPClientError} why there is none; `aborted`, or the signal's own reason where that
 * is an `MCPClientError`, when the signal fires.
 */
export function acquireLink(source: LinkSource, signal?: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortError(signal));
      return;
    }
    const listener = abortListener(() => {
      (got as LinkWait).cancel();
      reject(abortError(signal as AbortSignal));
    });
    const settled = (): void => {
      if (signal !== undefined) unwatchAbort(signal, listener);
    };
    const got = source.acquire({
      onLink: (link) => {
        settled();
        resolve(link);
      },
      onNoLink: (error) => {
        settled();
        reject(error);
      },
    });
    if (got instanceof Link) resolve(got);
    else if (signal !== undefined) watchAbort(signal, listener);
  });
}
