/** Faults that {@link chaotic} injects. All may be changed while it runs, through its `chaos` object. */
export interface ChaosOptions {
  /** Share of calls that fail, 0 to 1. Default 0. */
  failRate?: number;
  /** So many of the next calls fail, whatever the rate. Default 0. */
  failNext?: number;
  /** Each call waits so long, in real time, before it acts. Default 0. */
  delayMs?: number;
  /**
   * `before`: the call fails without having acted. `after`: it acts, and the answer is lost, as when a
   * connection breaks. Default `before`.
   */
  failWhen?: "before" | "after";
  /**
   * Share of calls that act, and then give the answer that another call of the same method got before, 0 to 1:
   * a store that mixes up its keys. Default 0.
   */
  lieRate?: number;
}

/** What a chaotic call rejects with. */
export class ChaosError extends Error {
  override readonly name: string = "ChaosError";
  readonly method: string;

  constructor(method: string) {
    super(`Chaos: the call of "${method}" failed as asked`);
    this.method = method;
  }
}

/** The double, its faults, and how many calls failed so far. */
export interface Chaotic<T> {
  readonly subject: T;
  readonly chaos: Required<ChaosOptions>;
  readonly failures: () => number;
  readonly lies: () => number;
}

/**
 * A double around any seam object (a store, a log, a bus, a key ring): the same methods, all
 * asynchronous, which fail, wait and lie as told. `close` never fails, so that tests can clean up.
 *
 * @param options.seed makes the order of failures repeatable; a number. Default 1.
 */
export function chaotic<T extends object>(
  target: T,
  options: ChaosOptions & { readonly seed?: number } = {},
): Chaotic<T> {
  const { seed = 1, ...faults } = options;
  const chaos: Required<ChaosOptions> = {
    failRate: 0,
    failNext: 0,
    delayMs: 0,
    failWhen: "before",
    lieRate: 0,
    ...faults,
  };
  const random = seededRandom(seed);
  const randomLie = seededRandom(seed + 1);
  const wrapped = new Map<PropertyKey, unknown>();
  const answered = new Map<string, unknown>();
  let failures = 0;
  let lies = 0;

  const mustFail = (): boolean => {
    // Drawn for every call, so that `failNext` does not shift what the seed decides later.
    const drawn = random() < chaos.failRate;
    if (chaos.failNext > 0) chaos.failNext--;
    else if (!drawn) return false;
    failures++;
    return true;
  };

  const wrap =
    (name: string, method: (...parameters: unknown[]) => unknown) =>
    async (...parameters: unknown[]): Promise<unknown> => {
      const fails = name !== "close" && mustFail();
      const { delayMs, failWhen } = chaos;
      if (delayMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, delayMs));
      if (fails && failWhen === "before") throw new ChaosError(name);
      const answer = await method.apply(target, parameters);
      if (fails) throw new ChaosError(name);
      const lie = randomLie() < chaos.lieRate && answered.has(name) && name !== "close";
      const earlier = answered.get(name);
      answered.set(name, answer);
      if (!lie) return answer;
      lies++;
      return earlier;
    };

  const subject = new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || typeof name !== "string") return value;
      if (!wrapped.has(name)) wrapped.set(name, wrap(name, value as never));
      return wrapped.get(name);
    },
  });
  return { subject, chaos, failures: () => failures, lies: () => lies };
}

/** A small generator of numbers from 0 up to 1, the same for the same seed (mulberry32); not for secrets. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
