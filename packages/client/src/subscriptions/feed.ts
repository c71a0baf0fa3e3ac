import type { Clock, Logger, MCPError } from "@backplane/protocol";
import type { MCPClientError } from "../errors.ts";
import type { Link } from "../link.ts";
import type { ChangeEvent } from "../subscription-types.ts";
import type { Wanted } from "./wanted.ts";

/** What ended a feed, or kept it from beginning. */
export type FeedError = MCPError | MCPClientError;

/** What a feed tells. The methods must not throw. */
export interface FeedEvents {
  onChange(event: ChangeEvent): void;
  /** The stream is away and comes back by itself. */
  onInterrupted(error: FeedError): void;
  /** The stream goes on after a loss: changes may have been missed. */
  onResumed(): void;
  /** It is over: without an error when the server ended it as it should. Called once, and not after `close`. */
  onEnd(error: FeedError | undefined): void;
}

/** What a server agreed to, and why not to the rest, where it said so. */
export interface Acceptance {
  readonly honoured: Wanted;
  readonly refusals: ReadonlyMap<string, FeedError>;
}

/** Changes over one link, in the way of its era. */
export interface Feed {
  readonly link: Link;
  /**
   * Makes the server tell of something else than before. One at a time.
   * @param accepted called at once when the server agrees, before the first change of the new kind.
   * @throws {MCPError} {@link MCPClientError} when it does not come about; what was told before still is,
   * unless the feed has ended.
   */
  update(wanted: Wanted, accepted: (acceptance: Acceptance) => void): Promise<void>;
  /** Legacy: the link told of a change outside of any request. @returns whether that counts here. */
  notified(event: ChangeEvent): boolean;
  /** Legacy over HTTP: what became of the GET stream. */
  serverStream(state: "open" | "interrupted" | "ended", error: MCPClientError | undefined): void;
  /** The link is over. */
  lost(error: FeedError): void;
  /**
   * Ends it. Never throws.
   * @param telling the session goes on without it: what was asked for is taken back.
   */
  close(telling: boolean): Promise<void>;
}

/** What feeds need of the client. */
export interface FeedParts {
  readonly link: Link;
  readonly events: FeedEvents;
  readonly clock: Pick<Clock, "after">;
  readonly logger: Logger;
  /** Longest time to an acknowledgement, or to the answer of a legacy server. */
  readonly acknowledgeMs: number;
}
