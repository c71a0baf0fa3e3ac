import {
  abortListener,
  type ListNode,
  type MCPError,
  unwatchAbort,
  watchAbort,
} from "@backplane/protocol";
import type { MCPClientError } from "./errors.ts";
import { abortError } from "./internal/until-aborted.ts";
import { Link } from "./link.ts";
import type { Agreement } from "./server-description.ts";

/**
 * Who waits for a link. The methods must not throw; one of them is called, once, unless the wait is cancelled. It
 * stands in the source's queue itself, so that waiting allocates nothing.
 */
export interface LinkTaker extends ListNode<LinkTaker> {
  /** Written by the source: when the wait ends at the latest, on the monotonic clock; `Infinity` for never. */
  waitEndsAtMs: number;
  onLink(link: Link): void;
  /** Connecting failed, no connection was free in time, the source was closed. */
  onNoLink(error: unknown): void;
}

/** Where requests get their link: one that is shared, or one of a pool. */
export interface LinkSource {
  /** What the last link settled on; undefined before the first. */
  readonly agreement: Agreement | undefined;
  /**
   * A link for one attempt where one is open, or the error that says why there will be none. Undefined: the taker
   * waits, and hears of one after this has returned; with callbacks, since a promise for each request that waits
   * costs more than the waiting.
   */
  acquire(taker: LinkTaker): Link | MCPClientError | undefined;
  /** Whether others wait for a link that is in use: how many requests end in a turn counts more than when. */
  readonly isAwaited: boolean;
  /** The taker hears no more. No-op for one that does not wait. */
  cancel(taker: LinkTaker): void;
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
      source.cancel(taker);
      reject(abortError(signal as AbortSignal));
    });
    const settled = (): void => {
      if (signal !== undefined) unwatchAbort(signal, listener);
    };
    const taker = linkTaker({
      onLink: (link) => {
        settled();
        resolve(link);
      },
      onNoLink: (error) => {
        settled();
        reject(error);
      },
    });
    const got = source.acquire(taker);
    if (got instanceof Link) resolve(got);
    else if (got !== undefined) reject(got);
    else if (signal !== undefined) watchAbort(signal, listener);
  });
}

/** A taker that is nothing else. */
export function linkTaker(methods: Pick<LinkTaker, "onLink" | "onNoLink">): LinkTaker {
  return {
    ...methods,
    waitEndsAtMs: 0,
    listNext: undefined,
    listPrevious: undefined,
    listed: false,
  };
}
