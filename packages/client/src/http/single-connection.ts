import { Client, type Dispatcher } from "undici";
import { atTurnEnd, type TurnEndJob } from "../internal/turn-end.ts";

/** A request of a {@link SingleConnection}. */
export interface ConnectionUser {
  /** It was given up while it was held back. */
  readonly over: boolean;
  /** Hands the request to undici. From here on the connection is told, once, that it has `ended`. */
  dispatchTo(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): void;
}

interface Held {
  readonly options: Dispatcher.DispatchOptions;
  readonly user: ConnectionUser;
}

/**
 * The only connection of a sender, to which undici's `Client` is given one request at a time. The next one follows in
 * the turn of the event loop after an answer: sooner, undici would write it without a look at whether the server has
 * closed the connection behind that answer; as late as undici's `Pool` does it, it would have been made idle and
 * busy again, with timers and references, for each request.
 */
export class SingleConnection implements TurnEndJob {
  readonly #client: Client;
  readonly #held: Held[] = [];
  #busy = false;

  constructor(origin: string, options: Client.Options) {
    this.#client = new Client(origin, options);
  }

  send(options: Dispatcher.DispatchOptions, user: ConnectionUser): void {
    if (this.#busy) this.#held.push({ options, user });
    else this.#dispatch(options, user);
  }

  /** The request that undici had has its answer, or will have none. */
  ended(): void {
    atTurnEnd(this);
  }

  async destroy(): Promise<void> {
    this.#held.length = 0;
    await this.#client.destroy();
  }

  onTurnEnd(): void {
    this.#busy = false;
    let next = this.#held.shift();
    while (next?.user.over) next = this.#held.shift();
    if (next !== undefined) this.#dispatch(next.options, next.user);
  }

  #dispatch(options: Dispatcher.DispatchOptions, user: ConnectionUser): void {
    this.#busy = true;
    user.dispatchTo(this.#client, options);
  }
}
