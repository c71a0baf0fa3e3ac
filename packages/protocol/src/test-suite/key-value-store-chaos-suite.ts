import type { KeyValueStore } from "../seams/key-value-store.ts";
import { ChaosError, type ChaosOptions, chaotic } from "./chaotic.ts";
import { type KeyValueStoreSuiteOptions, keyValueStoreSuite } from "./key-value-store-suite.ts";
import { rejection, type SuiteContext, type SuiteRunner } from "./runner.ts";
import { timedTests } from "./timed-tests.ts";

/** What {@link keyValueStoreChaosSuite} hands to the function that makes the store. */
export interface StoreChaosContext extends SuiteContext {
  /** The double for what may fail: for the store itself, or for each part that it stands on. */
  readonly chaotic: <Part extends object>(part: Part) => Part;
}

/** A store, and the faults of its doubles. */
interface Rig {
  readonly store: KeyValueStore;
  readonly afflict: (faults: ChaosOptions) => void;
  close(): Promise<void>;
}

const LONG_MS = 60_000;

const MODES: Readonly<Record<string, ChaosOptions>> = {
  "that takes its time": { delayMs: 1 },
  "that fails before it acts": { failRate: 0.3 },
  "that acts, and loses its answer": { failRate: 0.3, failWhen: "after" },
};

const BEFORE: Readonly<Record<string, string | undefined>> = {
  a: "1",
  b: "2",
  "p:1": "3",
  "p:2": "4",
  none: undefined,
};

/** Each operation that changes something, and what it changes. */
const CHANGES: Readonly<
  Record<
    string,
    readonly [
      run: (store: KeyValueStore) => Promise<unknown>,
      changes: Readonly<Record<string, string | undefined>>,
    ]
  >
> = {
  set: [(store) => store.set("a", "new", LONG_MS), { a: "new" }],
  setIfAbsent: [(store) => store.setIfAbsent("none", "new", LONG_MS), { none: "new" }],
  delete: [(store) => store.delete(["a", "p:2"]), { a: undefined, "p:2": undefined }],
  clear: [(store) => store.clear("p:"), { "p:1": undefined, "p:2": undefined }],
};

/**
 * The contract of {@link KeyValueStore} while the store, or what it stands on, is late and fails. To whoever asks
 * until there is an answer it must be a store that keeps the whole contract: a failure harms nothing, and what had
 * been done although its answer was lost can be done again. Lies are for the layer above, as a store cannot see
 * its own.
 */
export function keyValueStoreChaosSuite(
  runner: SuiteRunner,
  makeStore: (context: StoreChaosContext) => KeyValueStore | Promise<KeyValueStore>,
  options: KeyValueStoreSuiteOptions = {},
): void {
  const { describe, expect } = runner;
  const test = timedTests(runner, (context) => makeRig(context, makeStore), options.passTime);

  for (const [mode, faults] of Object.entries(MODES)) {
    describe(`a store ${mode}`, () => {
      const make = async (context: SuiteContext): Promise<KeyValueStore> => {
        const { store, afflict } = await makeRig(context, makeStore);
        afflict(faults);
        return persistent(store);
      };
      keyValueStoreSuite(runner, make, options);
    });
  }

  describe("an operation that fails", () => {
    for (const [name, [run, changes]] of Object.entries(CHANGES)) {
      for (const failWhen of ["before", "after"] as const) {
        test(`${name}, ${failWhen} it acts: rejects, harms nothing else, and can be asked for again`, async ({
          store,
          afflict,
        }) => {
          for (const [key, text] of Object.entries(BEFORE)) {
            if (text !== undefined) await store.set(key, text, LONG_MS);
          }
          afflict({ failNext: 1, failWhen });
          expect((await rejection(run(store))) instanceof ChaosError).toBe(true);
          afflict({ failNext: 0 });
          const after: Readonly<Record<string, string | undefined>> = { ...BEFORE, ...changes };
          const keys = Object.keys(BEFORE);
          const seen = await store.getMany(keys);
          for (const [index, key] of keys.entries()) {
            expect([BEFORE[key], after[key]].includes(seen[index])).toBe(true);
          }
          await run(store);
          expect(await store.getMany(keys)).toEqual(keys.map((key) => after[key]));
        });
      }
    }
  });
}

async function makeRig(
  context: SuiteContext,
  makeStore: (context: StoreChaosContext) => KeyValueStore | Promise<KeyValueStore>,
): Promise<Rig> {
  const doubles: Required<ChaosOptions>[] = [];
  const store = await makeStore({
    ...context,
    chaotic: (part) => {
      const { subject, chaos } = chaotic(part);
      doubles.push(chaos);
      return subject;
    },
  });
  return {
    store,
    // Only once it is made: a store that could not be made would not be tested.
    afflict: (faults) => {
      for (const chaos of doubles) Object.assign(chaos, faults);
    },
    close: () => store.close(),
  };
}

/** The store of somebody who asks again until there is an answer. */
function persistent(store: KeyValueStore): KeyValueStore {
  return {
    shared: store.shared,
    getMany: (keys) => untilAnswered(() => store.getMany(keys)),
    set: (key, value, ttlMs) => untilAnswered(() => store.set(key, value, ttlMs)),
    async setIfAbsent(key, value, ttlMs) {
      let asked = 0;
      const wasAbsent = await untilAnswered(() => {
        asked++;
        return store.setIfAbsent(key, value, ttlMs);
      });
      if (wasAbsent || asked === 1) return wasAbsent;
      // The answer that was lost may have been that it is ours.
      const [text] = await untilAnswered(() => store.getMany([key]));
      return text === value;
    },
    delete: (keys) => untilAnswered(() => store.delete(keys)),
    clear: (prefix) => untilAnswered(() => store.clear(prefix)),
    close: () => store.close(),
  };
}

/** @throws whatever is no fault of a double. */
async function untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
    }
  }
}
