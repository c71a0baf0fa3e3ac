import { CHANNELS } from "@backplane/protocol";
import { limitHit } from "./limit-hit.ts";

/** Counts open streams, in all and per owner, so that neither grows without bound. */
export class StreamSlots {
  readonly #serverId: string;
  readonly #max: number;
  readonly #maxPerOwner: number;
  readonly #byOwner = new Map<string, number>();
  #total = 0;

  constructor(serverId: string, max: number, maxPerOwner: number) {
    this.#serverId = serverId;
    this.#max = max;
    this.#maxPerOwner = maxPerOwner;
  }

  /** Open now. */
  get taken(): number {
    return this.#total;
  }

  /**
   * @param route what it is for, beside MCP.
   * @returns what gives the slot back (idempotent), or undefined when there is none left.
   */
  take(owner: string, route?: string): (() => void) | undefined {
    const held = this.#byOwner.get(owner) ?? 0;
    if (this.#total >= this.#max || held >= this.#maxPerOwner) {
      const limit = this.#total >= this.#max ? "maxStreams" : "maxStreamsPerPrincipal";
      limitHit(this.#serverId, limit, undefined, undefined, route);
      return undefined;
    }
    const beganAtMs = performance.now();
    this.#change(owner, 1, undefined);
    let taken = true;
    return () => {
      if (taken) this.#change(owner, -1, performance.now() - beganAtMs);
      taken = false;
    };
  }

  #change(owner: string, delta: 1 | -1, durationMs: number | undefined): void {
    const held = (this.#byOwner.get(owner) ?? 0) + delta;
    if (held === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, held);
    this.#total += delta;
    if (CHANNELS.gauge.hasSubscribers) {
      CHANNELS.gauge.publish({ serverId: this.#serverId, kind: "stream", delta, durationMs });
    }
  }
}
