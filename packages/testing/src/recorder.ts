import { type Clock, wholeNumber } from "@backplane/protocol";

/** What HTTP adds to a message. */
export interface TrafficHttp {
  /** Of the answer; undefined for what was sent. */
  readonly status: number | undefined;
  /** Names in lower case. Values that carry credentials are `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One message as it crossed between the test client and the server. */
export interface TrafficEntry {
  /** As the client sees it. */
  readonly direction: "sent" | "received";
  /** The clock's time, in milliseconds since the epoch. */
  readonly atMs: number;
  /** As it was on the wire. */
  readonly text: string;
  /** The same, parsed; undefined for what is not JSON. */
  readonly message: TrafficMessage | undefined;
  /** Undefined in memory. */
  readonly http: TrafficHttp | undefined;
}

/** The members that a JSON-RPC message may have; which of them depends on its kind. */
export interface TrafficMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** A notification of the server. */
export interface ReceivedNotification {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Parses when somebody looks: most messages of a test are never looked at. */
class Entry implements TrafficEntry {
  readonly direction: "sent" | "received";
  readonly atMs: number;
  readonly text: string;
  readonly http: TrafficHttp | undefined;
  #message: TrafficMessage | undefined;
  #parsed = false;

  constructor(
    direction: "sent" | "received",
    atMs: number,
    text: string,
    http: TrafficHttp | undefined,
  ) {
    this.direction = direction;
    this.atMs = atMs;
    this.text = text;
    this.http = http;
  }

  get message(): TrafficMessage | undefined {
    if (!this.#parsed) {
      this.#parsed = true;
      try {
        this.#message = JSON.parse(this.text) as TrafficMessage;
      } catch {
        // Shown as the text that it is.
      }
    }
    return this.#message;
  }
}

/** Keeps the latest messages of one test client. */
export class Recorder {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #entries: Entry[] = [];
  #dropped = 0;

  /** @throws {TypeError} for a bound that is none. */
  constructor(clock: Clock, maxEntries: number) {
    this.#clock = clock;
    this.#maxEntries = wholeNumber("MCPTestClient", "maxTraffic", maxEntries);
  }

  get entries(): readonly TrafficEntry[] {
    return this.#entries;
  }

  /** How many of the oldest were given up. */
  get dropped(): number {
    return this.#dropped;
  }

  record(direction: "sent" | "received", text: string, http?: TrafficHttp): void {
    this.#entries.push(new Entry(direction, this.#clock.now(), text, http));
    if (this.#entries.length <= this.#maxEntries) return;
    this.#entries.shift();
    this.#dropped++;
  }

  clear(): void {
    this.#entries.length = 0;
    this.#dropped = 0;
  }

  /** What the server told without being asked, in order. */
  notifications(): readonly ReceivedNotification[] {
    return this.#entries.flatMap(({ direction, message }) => {
      const { id, method, params = {} } = message ?? {};
      return direction === "received" && method !== undefined && id === undefined
        ? [{ method, params }]
        : [];
    });
  }
}
