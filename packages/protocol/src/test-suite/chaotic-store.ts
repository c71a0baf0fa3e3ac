import type { KeyValueStore } from "../seams/key-value-store.ts";
import { type ChaosOptions, chaotic } from "./chaotic.ts";

/**
 * How a store of texts may lie: it has nothing (`forgets`), gives what belongs to another key (`mixes-up`), the
 * beginning of a text (`cuts-off`), what another program wrote (`foreign`), fewer answers than keys (`too-few`),
 * or what is no text (`nonsense`); of a key that is to be absent it says always that it was (`claims`), or never
 * (`denies`).
 */
export const STORE_LIES = [
  "forgets",
  "mixes-up",
  "cuts-off",
  "foreign",
  "too-few",
  "nonsense",
  "claims",
  "denies",
] as const;

/** One way in which a store answers what is not so. */
export type StoreLie = (typeof STORE_LIES)[number];

/** A store that waits, throws and lies as told. */
export interface ChaoticStore {
  readonly subject: KeyValueStore;
  /** Delays and throws. */
  readonly chaos: Required<ChaosOptions>;
  readonly failures: () => number;
  /** Answers that were not the store's so far. */
  readonly lies: () => number;
  /** What it answers instead of the truth; undefined for the truth. */
  lie: StoreLie | undefined;
}

/** The double around a store. */
export function chaoticStore(
  target: KeyValueStore,
  options: Parameters<typeof chaotic>[1] = {},
): ChaoticStore {
  const { subject: honest, chaos, failures, lies: mixed } = chaotic(target, options);
  const written = new Map<string, string>();
  let lies = 0;
  const double: ChaoticStore = {
    chaos,
    failures,
    lies: () => lies + mixed(),
    lie: undefined,
    subject: {
      shared: target.shared,
      async getMany(keys) {
        const texts = await honest.getMany(keys);
        const lying = double.lie === undefined ? undefined : LYING_TEXTS[double.lie];
        if (lying === undefined) return texts;
        lies++;
        return lying(texts, keys, written) as readonly (string | undefined)[];
      },
      async set(key, value, ttlMs) {
        written.set(key, value);
        await honest.set(key, value, ttlMs);
      },
      async setIfAbsent(key, value, ttlMs) {
        const wasAbsent = await honest.setIfAbsent(key, value, ttlMs);
        if (double.lie !== "claims" && double.lie !== "denies") return wasAbsent;
        lies++;
        return double.lie === "claims";
      },
      delete: (keys) => honest.delete(keys),
      clear: (prefix) => honest.clear(prefix),
      close: () => honest.close(),
    },
  };
  return double;
}

type LyingTexts = (
  texts: readonly (string | undefined)[],
  keys: readonly string[],
  written: ReadonlyMap<string, string>,
) => unknown;

const FOREIGN = '{"id":1,"name":"of another program"}';
const NO_TEXTS = [42, null, {}, true];

const LYING_TEXTS: Partial<Record<StoreLie, LyingTexts>> = {
  forgets: (texts) => texts.map(() => undefined),
  "mixes-up": (_, keys, written) => keys.map((key) => ofAnotherKey(key, written)),
  // By as little as possible: what is left looks most like the whole.
  "cuts-off": (texts) => texts.map((text) => text?.slice(0, -1)),
  foreign: (texts) => texts.map(() => FOREIGN),
  "too-few": (texts) => texts.slice(1),
  nonsense: (texts) => texts.map((_, index) => NO_TEXTS[index % NO_TEXTS.length]),
};

function ofAnotherKey(key: string, written: ReadonlyMap<string, string>): string | undefined {
  return [...written].findLast(([other]) => other !== key)?.[1];
}
