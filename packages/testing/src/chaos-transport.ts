import {
  type Clock,
  checkMembers,
  type MessageTransport,
  type MessageTransportHandlers,
  systemClock,
} from "@backplane/protocol";
import { seededRandom } from "@backplane/protocol/test-suite";

/** What goes wrong in one direction. All may be changed while it runs. */
export interface ChaosFaults {
  /** Share of the messages that never arrive, 0 to 1. Default 0. */
  dropRate: number;
  /** Share that arrives twice, 0 to 1. Default 0. */
  duplicateRate: number;
  /** Share that lets the next message pass first, 0 to 1. Default 0. */
  reorderRate: number;
  /** Share that arrives cut off, 0 to 1. Default 0. */
  truncateRate: number;
  /** Share at which the connection breaks instead, 0 to 1. Default 0. */
  disconnectRate: number;
  /** How long every message is under way, in milliseconds; the order stays. Default 0. */
  delayMs: number;
  /** Up to so much more, by chance. Default 0. */
  jitterMs: number;
}

/** What `chaosTransport` takes. */
export interface ChaosTransportOptions {
  /** Makes the faults repeatable; a number. Default 1. */
  readonly seed?: number;
  /** From this end to the other. */
  readonly send?: Partial<ChaosFaults>;
  /** From the other end to this one. */
  readonly receive?: Partial<ChaosFaults>;
  /** How long a message waits for the one that is to pass it, in milliseconds. Default 20. */
  readonly reorderMs?: number;
  /** Time, for delays. Default: the machine's. */
  readonly clock?: Clock;
}

/** A fault that happened. */
export interface InjectedFault {
  readonly direction: "send" | "receive";
  readonly kind: "drop" | "duplicate" | "reorder" | "truncate" | "disconnect";
  readonly text: string;
}

/** A transport with faults, which a test may change as it goes. */
export interface ChaosTransport extends MessageTransport {
  readonly send: (text: string) => void;
  /** The faults of both directions, to be changed. */
  readonly chaos: { readonly send: ChaosFaults; readonly receive: ChaosFaults };
  /** What happened so far, the latest 1,000. */
  readonly injected: readonly InjectedFault[];
  /** Breaks the connection now. */
  disconnect(): Promise<void>;
}

const NONE: ChaosFaults = {
  dropRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  truncateRate: 0,
  disconnectRate: 0,
  delayMs: 0,
  jitterMs: 0,
};
const MAX_INJECTED = 1_000;

/**
 * Wraps one end of a connection that carries messages (in memory, stdio) so that messages are delayed,
 * dropped, duplicated, reordered and truncated, and the connection breaks, as told and repeatably by a seed.
 * @throws {TypeError} for an unknown fault, or one that is out of range.
 */
export function chaosTransport(
  inner: MessageTransport,
  options: ChaosTransportOptions = {},
): ChaosTransport {
  checkMembers("chaosTransport", options, ["seed", "send", "receive", "reorderMs", "clock"]);
  const { seed = 1, reorderMs = 20, clock = systemClock } = options;
  const chaos = {
    send: faultsOf("send", options.send),
    receive: faultsOf("receive", options.receive),
  };
  const injected: InjectedFault[] = [];
  let handlers: MessageTransportHandlers | undefined;
  let broken = false;

  const disconnect = (): Promise<void> => {
    broken = true;
    return inner.close();
  };
  const lane = (direction: "send" | "receive", salt: number, deliver: (text: string) => void) =>
    new Lane({
      faults: chaos[direction],
      // Each direction draws for itself: the timing of one must not shift the faults of the other.
      random: seededRandom(seed * 2 + salt),
      reorderMs,
      clock,
      deliver: (text) => {
        if (!broken) deliver(text);
      },
      note: (kind, text) => {
        injected.push({ direction, kind, text });
        if (injected.length > MAX_INJECTED) injected.shift();
        if (kind === "disconnect") void disconnect();
      },
    });
  const outbound = lane("send", 0, (text) => inner.send(text));
  const inbound = lane("receive", 1, (text) => handlers?.onMessage(text));

  return {
    chaos,
    injected,
    disconnect,
    start(given) {
      handlers = given;
      inner.start({
        onMessage: (text) => inbound.push(text),
        onOversized: () => given.onOversized?.(),
        onClose: () => given.onClose(),
      });
    },
    send: (text) => outbound.push(text),
    close: () => inner.close(),
  };
}

interface LaneOptions {
  readonly faults: ChaosFaults;
  readonly random: () => number;
  readonly reorderMs: number;
  readonly clock: Clock;
  readonly deliver: (text: string) => void;
  readonly note: (kind: InjectedFault["kind"], text: string) => void;
}

/** One direction. */
class Lane {
  readonly #options: LaneOptions;
  #held: { readonly text: string; readonly release: () => void } | undefined;
  #lastDueMs = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  push(text: string): void {
    const { faults, random, note } = this.#options;
    // All are drawn for every message, so that a changed rate does not shift what the seed decides later.
    const disconnects = random() < faults.disconnectRate;
    const drops = random() < faults.dropRate;
    const truncates = random() < faults.truncateRate;
    const duplicates = random() < faults.duplicateRate;
    const reorders = random() < faults.reorderRate;
    const [cut, jitter] = [random(), random()];
    if (disconnects || drops) {
      note(disconnects ? "disconnect" : "drop", text);
      return;
    }
    let arriving = text;
    if (truncates) {
      note("truncate", text);
      arriving = text.slice(0, Math.floor(cut * text.length));
    }
    if (reorders && this.#held === undefined) {
      note("reorder", text);
      this.#hold(arriving, jitter);
    } else {
      this.#travel(arriving, jitter);
      this.#held?.release();
    }
    if (!duplicates) return;
    note("duplicate", text);
    this.#travel(arriving, jitter);
  }

  /** Until another message has passed, or none comes. */
  #hold(text: string, jitter: number): void {
    const { clock, reorderMs } = this.#options;
    const release = (): void => {
      cancel();
      this.#held = undefined;
      this.#travel(text, jitter);
    };
    const cancel = clock.after(reorderMs, release);
    this.#held = { text, release };
  }

  #travel(text: string, jitter: number): void {
    const { faults, clock, deliver } = this.#options;
    const delayMs = faults.delayMs + jitter * faults.jitterMs;
    const nowMs = clock.now();
    // A connection keeps its order, whatever each message takes.
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + delayMs);
    if (this.#lastDueMs <= nowMs) deliver(text);
    else clock.after(this.#lastDueMs - nowMs, () => deliver(text));
  }
}

function faultsOf(direction: string, given: Partial<ChaosFaults> = {}): ChaosFaults {
  checkMembers(`chaosTransport: option "${direction}"`, given, Object.keys(NONE));
  for (const [name, value] of Object.entries(given)) {
    const highest = name.endsWith("Rate") ? 1 : Number.MAX_SAFE_INTEGER;
    if (!(typeof value === "number" && value >= 0 && value <= highest)) {
      throw new TypeError(
        `chaosTransport: option "${direction}.${name}" must be a number of 0 ${highest === 1 ? "to 1" : "or more"}, not ${String(value)}`,
      );
    }
  }
  return { ...NONE, ...given };
}
