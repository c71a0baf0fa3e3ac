import type { Logger } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { ChangeEvent, ListenFilter, Listening, StreamState } from "../subscription-types.ts";
import type { Acceptance, FeedError } from "./feed.ts";
import { covers, everyChange, intersectionOf, isEmpty, toFilter, type Wanted } from "./wanted.ts";

/** What one caller does with what it hears. The methods may throw: it is logged. */
export interface MemberHandlers {
  /** @param resumed the change may have happened while the stream was away. */
  onChange(event: ChangeEvent, resumed: boolean): void;
  onState(state: StreamState, error: FeedError | undefined): void;
}

/** One caller's part of the shared subscription. */
export class Member implements Listening {
  readonly wanted: Wanted;
  /** Attempts to begin that failed. */
  failures = 0;
  readonly #handlers: MemberHandlers;
  readonly #logger: Logger;
  readonly #leave: (member: Member) => Promise<void>;
  readonly #join: { resolve(listening: Listening): void; reject(error: FeedError): void };
  #state: StreamState = "connecting";
  #honoured: Wanted | undefined = undefined;
  #error: FeedError | undefined = undefined;

  constructor(parts: {
    readonly wanted: Wanted;
    readonly handlers: MemberHandlers;
    readonly logger: Logger;
    /** Takes the member out of the hub. */
    readonly leave: (member: Member) => Promise<void>;
    /** Settles what the caller waits for. */
    readonly join: { resolve(listening: Listening): void; reject(error: FeedError): void };
  }) {
    this.wanted = parts.wanted;
    this.#handlers = parts.handlers;
    this.#logger = parts.logger;
    this.#leave = parts.leave;
    this.#join = parts.join;
  }

  get state(): StreamState {
    return this.#state;
  }

  get honoured(): ListenFilter | undefined {
    return this.#honoured === undefined ? undefined : toFilter(this.#honoured);
  }

  get error(): FeedError | undefined {
    return this.#error;
  }

  /** Not acknowledged yet. */
  get joining(): boolean {
    return this.#state === "connecting";
  }

  async close(): Promise<void> {
    if (this.#isOver()) return;
    this.end("closed", undefined);
    await this.#leave(this);
  }

  /** @returns false when nothing of what it wants was agreed to: it is over then. */
  accept({ honoured, refusals }: Acceptance): boolean {
    const mine = intersectionOf(this.wanted, honoured);
    if (isEmpty(mine)) {
      const refused = [...this.wanted.uris].map((uri) => refusals.get(uri)).find(Boolean);
      this.end("closed", refused ?? nothingOffered(this.wanted));
      return false;
    }
    this.#honoured = mine;
    const { joining } = this;
    this.#become("open", undefined);
    if (joining) this.#join.resolve(this);
    return true;
  }

  interrupted(error: FeedError | undefined): void {
    if (this.#state === "open") this.#become("reconnecting", error);
  }

  /** The stream that was interrupted goes on. */
  resumed(): void {
    if (this.#state === "reconnecting") this.#become("open", undefined);
  }

  /** Ends it for good. A caller that still waits hears of it by its promise alone. */
  end(state: "closed" | "exhausted", error: FeedError | undefined): void {
    if (this.#isOver()) return;
    this.#error = error;
    const { joining } = this;
    this.#state = state;
    if (joining) this.#join.reject(error ?? closedError());
    else this.#tell(state, error);
  }

  hears(event: ChangeEvent): boolean {
    return this.#honoured !== undefined && covers(this.#honoured, event);
  }

  get hearsResources(): boolean {
    return this.#honoured !== undefined && this.#honoured.uris.size > 0;
  }

  change(event: ChangeEvent): void {
    this.#deliver(event, false);
  }

  /** Tells of everything that may have been missed. */
  catchUp(): void {
    for (const event of everyChange(this.#honoured ?? this.wanted)) this.#deliver(event, true);
  }

  #deliver(event: ChangeEvent, resumed: boolean): void {
    if (this.#isOver()) return;
    this.#guard(() => this.#handlers.onChange(event, resumed));
  }

  #become(state: StreamState, error: FeedError | undefined): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#tell(state, error);
  }

  #tell(state: StreamState, error: FeedError | undefined): void {
    this.#guard(() => this.#handlers.onState(state, error));
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#logger.error({ err: error }, "a handler of a subscription threw");
    }
  }

  #isOver(): boolean {
    return this.#state === "closed" || this.#state === "exhausted";
  }
}

function nothingOffered(wanted: Wanted): MCPClientError {
  return new MCPClientError(
    "not_supported",
    "subscription: the server agrees to nothing of what was asked for",
    { details: { filter: toFilter(wanted) } },
  );
}

function closedError(): MCPClientError {
  return new MCPClientError("closed", "the subscription was closed");
}
