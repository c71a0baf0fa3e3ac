import type { KeyValueStore } from "../seams/key-value-store.ts";
import type { PassTime, SuiteContext, SuiteRunner } from "./runner.ts";
import { timedTests } from "./timed-tests.ts";

/** For stores whose time cannot be moved. */
export interface KeyValueStoreSuiteOptions {
  /** By default the fake clock is moved. */
  readonly passTime?: PassTime;
}

const LONG_MS = 60_000;

/** Names that mean something to one store or another: to a pattern, a prototype, a wire protocol. */
const AWKWARD = [
  "*",
  "a*",
  "a?",
  "[a]",
  "\\",
  "__proto__",
  "constructor",
  "ü✓",
  "a b",
  "a\r\nb",
  "a:b",
];

/**
 * The contract of {@link KeyValueStore}. Each test gets its own store from `makeStore`, without keys of
 * another, and closes it.
 */
export function keyValueStoreSuite(
  runner: SuiteRunner,
  makeStore: (context: SuiteContext) => KeyValueStore | Promise<KeyValueStore>,
  options: KeyValueStoreSuiteOptions = {},
): void {
  const { describe, expect } = runner;

  const test = timedTests(runner, makeStore, options.passTime);

  const read = async (store: KeyValueStore, key: string): Promise<string | undefined> =>
    (await store.getMany([key]))[0];

  describe("KeyValueStore", () => {
    test("keeps a text, and replaces it", async (store) => {
      expect(await read(store, "a")).toBe(undefined);
      await store.set("a", '{"text":"ünï ✓"}', LONG_MS);
      expect(await read(store, "a")).toBe('{"text":"ünï ✓"}');
      await store.set("a", "", LONG_MS);
      expect(await read(store, "a")).toBe("");
    });

    test("answers many keys in their order, the unknown and the repeated too", async (store) => {
      await store.set("a", "1", LONG_MS);
      await store.set("c", "3", LONG_MS);
      expect(await store.getMany(["c", "b", "a", "c"])).toEqual(["3", undefined, "1", "3"]);
      expect(await store.getMany([])).toEqual([]);
    });

    test("reads asked for at once do not get one another's answers", async (store) => {
      const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => store.set(key, `value of ${key}`, LONG_MS)));
      const answers = await Promise.all(
        keys.map((key, index) => store.getMany(index % 3 === 0 ? [key, "none", key] : [key])),
      );
      expect(answers.map(([first]) => first)).toEqual(keys.map((key) => `value of ${key}`));
      expect(answers.map((each) => each.length)).toEqual(
        keys.map((_, index) => (index % 3 === 0 ? 3 : 1)),
      );
    });

    test("keeps keys apart, whatever their names", async (store) => {
      for (const key of AWKWARD) await store.set(key, `of ${key}`, LONG_MS);
      expect(await store.getMany(AWKWARD)).toEqual(AWKWARD.map((key) => `of ${key}`));
      await store.delete(["a*"]);
      expect(await store.getMany(["a*", "a?", "a b", "*"])).toEqual([
        undefined,
        "of a?",
        "of a b",
        "of *",
      ]);
    });

    test("a text ends with its time, and not before", async (store, pass) => {
      await store.set("short", "1", 300);
      await store.set("long", "2", LONG_MS);
      expect(await read(store, "short")).toBe("1");
      await pass(400);
      expect(await store.getMany(["short", "long"])).toEqual([undefined, "2"]);
    });

    test("a text that is set again has the time of the last one", async (store, pass) => {
      await store.set("a", "1", 200);
      await store.set("a", "2", LONG_MS);
      await store.set("b", "1", LONG_MS);
      await store.set("b", "2", 200);
      await pass(300);
      expect(await store.getMany(["a", "b"])).toEqual(["2", undefined]);
    });

    test("only one of many sets a key that is absent", async (store, pass) => {
      const won = await Promise.all(
        Array.from({ length: 20 }, (_, index) => store.setIfAbsent("a", String(index), 300)),
      );
      expect(won.filter(Boolean).length).toBe(1);
      expect(await read(store, "a")).toBe(String(won.indexOf(true)));
      await pass(400);
      expect(await store.setIfAbsent("a", "again", LONG_MS)).toBe(true);
      expect(await store.setIfAbsent("a", "too late", LONG_MS)).toBe(false);
      expect(await read(store, "a")).toBe("again");
    });

    test("forgets what it is told to, and nothing else", async (store) => {
      for (const key of ["a", "b", "c"]) await store.set(key, key, LONG_MS);
      await store.delete(["a", "none", "c"]);
      await store.delete([]);
      expect(await store.getMany(["a", "b", "c"])).toEqual([undefined, "b", undefined]);
    });

    test("clears by prefix, which is no pattern", async (store) => {
      const kept = ["b", "ab*", "b:a*:1", "A*:1", "a"];
      const cleared = ["a*", "a*:1", "a*:ü✓"];
      for (const key of [...kept, ...cleared]) await store.set(key, key, LONG_MS);
      await store.clear("a*");
      expect(await store.getMany([...kept, ...cleared])).toEqual([
        ...kept,
        ...cleared.map(() => undefined),
      ]);
      await store.clear("");
      expect(await store.getMany(kept)).toEqual(kept.map(() => undefined));
    });

    test("clears more than one batch", async (store) => {
      const keys = Array.from({ length: 2_500 }, (_, index) => `a:${index}`);
      await Promise.all([...keys, "b:1"].map((key) => store.set(key, "1", LONG_MS)));
      await store.clear("a:");
      expect((await store.getMany(keys)).filter((value) => value !== undefined)).toEqual([]);
      expect(await read(store, "b:1")).toBe("1");
    });
  });
}
