import type { JsonObject } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { Exchange, ExchangeOwner } from "../exchange.ts";
import type { LinkRequest } from "../link.ts";
import type { ChangeEvent } from "../subscription-types.ts";
import { changeOf } from "./changes.ts";
import type { FeedError, FeedParts } from "./feed.ts";
import { covers, readHonoured, toFilter, type Wanted } from "./wanted.ts";

const METHOD = "subscriptions/listen";

/** What a stream tells. Nothing after `close`. */
export interface ListenStreamEvents {
  onAcknowledged(honoured: Wanted): void;
  onChange(event: ChangeEvent): void;
  /** Once; before or after the acknowledgement. */
  onEnd(error: FeedError | undefined): void;
}

/** One `subscriptions/listen` request from its sending to its end (spec: patterns/subscriptions). */
export class ListenStream implements ExchangeOwner {
  readonly #wanted: Wanted;
  readonly #events: ListenStreamEvents;
  readonly #exchange: Exchange;
  #cancelTimer: (() => void) | undefined;
  #honoured: Wanted | undefined = undefined;
  #over = false;

  constructor(
    { link, clock, acknowledgeMs }: Pick<FeedParts, "link" | "clock" | "acknowledgeMs">,
    wanted: Wanted,
    events: ListenStreamEvents,
  ) {
    this.#wanted = wanted;
    this.#events = events;
    this.#exchange = link.send(listenRequest(wanted), this);
    this.#cancelTimer = clock.after(acknowledgeMs, () => {
      this.#giveUp(
        new MCPClientError(
          "timeout",
          `${METHOD}: the server did not acknowledge within ${acknowledgeMs} ms`,
          { details: { deadline: "acknowledge", limitMs: acknowledgeMs } },
        ),
      );
    });
  }

  onNotification(method: string, params: JsonObject): void {
    if (this.#over) return;
    if (method === "notifications/subscriptions/acknowledged") {
      this.#acknowledged(params);
      return;
    }
    const event = changeOf(method, params);
    // Before the acknowledgement nothing counts, and what was not asked for never does.
    if (event === undefined || this.#honoured === undefined || !this.#isOurs(event)) return;
    this.#events.onChange(event);
  }

  /** The graceful end. */
  onResult(): void {
    this.#end(
      this.#honoured === undefined
        ? new MCPClientError("connection_lost", `${METHOD}: ended before it was acknowledged`)
        : undefined,
    );
  }

  onError(error: FeedError): void {
    this.#end(error);
  }

  /** Ends it without a word to its owner; the server is told. Idempotent. */
  close(): void {
    if (this.#over) return;
    this.#stop();
    this.#exchange.giveUp(
      new MCPClientError("closed", `${METHOD}: the subscription was closed`),
      "the subscription was closed",
    );
  }

  #acknowledged({ notifications }: JsonObject): void {
    // A second one changes nothing: what is agreed is agreed.
    if (this.#honoured !== undefined) return;
    const honoured = readHonoured(notifications, this.#wanted);
    if (honoured === undefined) {
      this.#giveUp(
        new MCPClientError("invalid_response", `${METHOD}: the acknowledgement holds no filter`),
      );
      return;
    }
    this.#cancelTimer?.();
    this.#honoured = honoured;
    this.#events.onAcknowledged(honoured);
  }

  /** A resource may be a part of one that was asked for, in a way that its URI does not show. */
  #isOurs(event: ChangeEvent): boolean {
    const honoured = this.#honoured as Wanted;
    return event.kind === "resource" ? honoured.uris.size > 0 : covers(honoured, event);
  }

  #giveUp(error: MCPClientError): void {
    // Through the exchange, so that the server is told; the error comes back through `onError`.
    this.#exchange.giveUp(error, error.message);
  }

  #end(error: FeedError | undefined): void {
    if (this.#over) return;
    this.#stop();
    this.#events.onEnd(error);
  }

  #stop(): void {
    this.#over = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}

function listenRequest(wanted: Wanted): LinkRequest {
  return {
    method: METHOD,
    params: { notifications: toFilter(wanted) as JsonObject },
    meta: undefined,
    wantsProgress: false,
    logLevel: undefined,
    headers: [],
    idleMs: Number.POSITIVE_INFINITY,
    totalMs: Number.POSITIVE_INFINITY,
    longLived: true,
  };
}
