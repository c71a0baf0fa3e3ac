/** Somebody who wants what is being made. */
export interface Passenger<Value> {
  readonly load: (flight: FlightState) => Promise<Value>;
  /** Ends the wait of this one. */
  readonly signal?: AbortSignal | undefined;
  /** Whether this one has given up; its load may fail for that reason alone. */
  readonly cancelled?: (() => boolean) | undefined;
}

/** What a load learns about its own flight. */
export interface FlightState {
  /** Fires when nobody wants it any more. */
  readonly signal: AbortSignal;
  /** Whether something newer was written, or it was forgotten, meanwhile: then it must not be kept. */
  readonly superseded: boolean;
}

class Flight<Value> implements FlightState {
  readonly tags: readonly string[];
  readonly waiting: Passenger<Value>[] = [];
  readonly controller: AbortController = new AbortController();
  readonly arrival: Promise<Value>;
  /** How many still want it. */
  wanted = 1;
  superseded = false;

  constructor(leader: Passenger<Value>, tags: readonly string[]) {
    this.tags = tags;
    // After this tick, so that nothing runs before the flight is known.
    this.arrival = Promise.resolve().then(() => this.#fly(leader));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  async #fly(leader: Passenger<Value>): Promise<Value> {
    let current = leader;
    for (;;) {
      try {
        return await current.load(this);
      } catch (error) {
        if (this.signal.aborted || !hasLeft(current)) throw error;
        let next = this.waiting.shift();
        while (next !== undefined && hasLeft(next)) next = this.waiting.shift();
        if (next === undefined) throw error;
        current = next;
      }
    }
  }
}

/**
 * One load for all who ask at once. A leader who gives up promotes a waiter: the load goes on for those who
 * still want it, and if it fails because its leader was cancelled, the next one's load runs.
 */
export class Flights<Value> {
  readonly #flights = new Map<string, Flight<Value>>();

  /** Loads that run now. */
  get size(): number {
    return this.#flights.size;
  }

  join(key: string, passenger: Passenger<Value>, tags: readonly string[] = []): Promise<Value> {
    if (passenger.signal?.aborted === true) return Promise.reject(passenger.signal.reason);
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = this.#start(key, passenger, tags);
    } else {
      flight.waiting.push(passenger);
      flight.wanted++;
    }
    return passenger.signal === undefined
      ? flight.arrival
      : this.#until(passenger.signal, key, flight);
  }

  /** Something newer was written: what is being loaded must not replace it, nor be given to who asks from now on. */
  supersede(key: string): void {
    const flight = this.#flights.get(key);
    if (flight !== undefined) this.#supersede(key, flight);
  }

  /** The same for all whose keys begin so, and that carry one of the tags if any are named. */
  supersedeAll(prefix: string, tags?: readonly string[]): void {
    for (const [key, flight] of this.#flights) {
      const meant = tags === undefined || flight.tags.some((tag) => tags.includes(tag));
      if (meant && key.startsWith(prefix)) this.#supersede(key, flight);
    }
  }

  #supersede(key: string, flight: Flight<Value>): void {
    flight.superseded = true;
    this.#forget(key, flight);
  }

  #start(key: string, leader: Passenger<Value>, tags: readonly string[]): Flight<Value> {
    const flight = new Flight(leader, tags);
    this.#flights.set(key, flight);
    const land = (): void => this.#forget(key, flight);
    flight.arrival.then(land, land);
    return flight;
  }

  #until(signal: AbortSignal, key: string, flight: Flight<Value>): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason);
        if (--flight.wanted > 0) return;
        // Whoever comes next must not wait for a load that was told to end.
        this.#forget(key, flight);
        flight.controller.abort(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      flight.arrival
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", leave));
    });
  }

  #forget(key: string, flight: Flight<Value>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

function hasLeft({ signal, cancelled }: Passenger<unknown>): boolean {
  return signal?.aborted === true || cancelled?.() === true;
}
