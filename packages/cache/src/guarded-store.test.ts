import type { KeyValueStore, Logger } from "@backplane/protocol";
import {
  type ChaosOptions,
  type Chaotic,
  chaotic,
  createFakeClock,
  type FakeClock,
  keyValueStoreSuite,
} from "@backplane/protocol/test-suite";
import { describe, expect, it, vi } from "vitest";
import { GuardedStore } from "./guarded-store.ts";
import { createMemoryStore } from "./memory-store.ts";

interface Rig {
  readonly clock: FakeClock;
  readonly store: KeyValueStore;
  readonly chaos: Chaotic<KeyValueStore>["chaos"];
  readonly guard: GuardedStore;
  readonly states: boolean[];
  readonly logged: string[];
}

function rig(faults: ChaosOptions = {}): Rig {
  const clock = createFakeClock();
  const store = createMemoryStore({ clock });
  const { subject, chaos } = chaotic(store, faults);
  const states: boolean[] = [];
  const logged: string[] = [];
  const note =
    (level: string) =>
    (_fields: object, message: string): void =>
      void logged.push(`${level} ${message}`);
  const logger: Logger = {
    debug: note("debug"),
    info: note("info"),
    warn: note("warn"),
    error: note("error"),
  };
  const guard = new GuardedStore({
    store: subject,
    fallback: createMemoryStore({ clock }),
    timeoutMs: 500,
    retryMs: 1_000,
    clock,
    logger,
    onState: (degraded) => states.push(degraded),
  });
  return { clock, store, chaos, guard, states, logged };
}

async function settle(clock: FakeClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const guarded =
  (faults: ChaosOptions) => (context: { clock: import("@backplane/protocol").Clock }) =>
    new GuardedStore({
      store: chaotic(createMemoryStore(context), faults).subject,
      fallback: createMemoryStore(context),
      timeoutMs: 500,
      retryMs: 1e9,
      clock: context.clock,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      onState: () => {},
    });

describe("a guard before a store that works", () => {
  keyValueStoreSuite({ describe, it, expect }, guarded({}));
});

describe("a guard before a store that is away", () => {
  keyValueStoreSuite({ describe, it, expect }, guarded({ failRate: 1 }));
});

describe("GuardedStore", () => {
  it("serves from memory once a write has failed, and says so once", async () => {
    const { guard, chaos, states, logged } = rig();
    await guard.set("a", "old", 60_000);
    chaos.failRate = 1;
    await guard.set("a", "new", 60_000);
    await guard.set("b", "1", 60_000);
    expect(guard.degraded).toBe(true);
    expect(await guard.getMany(["a", "b"])).toEqual(["new", "1"]);
    await guard.delete(["b"]);
    expect(await guard.getMany(["b"])).toEqual([undefined]);
    expect(states).toEqual([true]);
    expect(logged).toEqual(["warn the shared cache store is away; memory serves until it is back"]);
  });

  it("takes one failed read for a miss, and two for the end", async () => {
    const { guard, chaos, states } = rig();
    await guard.set("a", "1", 60_000);
    chaos.failNext = 1;
    expect(await guard.getMany(["a"])).toEqual([undefined]);
    expect(await guard.getMany(["a"])).toEqual(["1"]);
    chaos.failNext = 2;
    await guard.getMany(["a"]);
    await guard.getMany(["a"]);
    expect(states).toEqual([true]);
  });

  it("comes back by itself, and nothing that was changed meanwhile comes back to life", async () => {
    const { guard, clock, chaos, store, states, logged } = rig();
    for (const key of ["changed", "deleted", "kept", "cleared/1"])
      await guard.set(key, "old", 60_000);
    chaos.failRate = 1;
    await guard.set("changed", "new", 60_000);
    await guard.delete(["deleted"]);
    await guard.clear("cleared/");
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(true);
    chaos.failRate = 0;
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(false);
    expect(await guard.getMany(["changed", "deleted", "kept", "cleared/1"])).toEqual([
      undefined,
      undefined,
      "old",
      undefined,
    ]);
    expect(await store.getMany(["changed", "deleted"])).toEqual([undefined, undefined]);
    expect(states).toEqual([true, false]);
    expect(logged).toHaveLength(2);
  });

  it("believes nothing that it may have missed: a write whose answer was lost is undone", async () => {
    const { guard, clock, chaos } = rig({ failWhen: "after" });
    chaos.failNext = 1;
    await guard.set("a", "lost answer", 60_000);
    expect(guard.degraded).toBe(true);
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(false);
    expect(await guard.getMany(["a"])).toEqual([undefined]);
  });

  it("stays away from a store that reads and takes no writes", async () => {
    const { guard, clock, store, states } = rig();
    const refuse = vi.spyOn(store, "set").mockRejectedValue(new Error("READONLY"));
    await guard.set("a", "1", 60_000);
    for (let round = 0; round < 5; round++) await settle(clock, 1_000);
    expect(states).toEqual([true]);
    expect(await guard.getMany(["a"])).toEqual(["1"]);
    refuse.mockRestore();
    await settle(clock, 1_000);
    expect(states).toEqual([true, false]);
  });

  it("waits for nothing: a store that does not answer is away after its deadline", async () => {
    const { guard, clock, store, states } = rig();
    vi.spyOn(store, "set").mockReturnValue(new Promise(() => {}));
    const writing = guard.set("a", "1", 60_000);
    await settle(clock, 700);
    await writing;
    expect(states).toEqual([true]);
    expect(await guard.getMany(["a"])).toEqual(["1"]);
  });

  it("believes no write that it gave up, and undoes it when it comes to pass after all", async () => {
    const { guard, clock, store } = rig();
    const set = store.set.bind(store);
    let land = async (): Promise<void> => {};
    vi.spyOn(store, "set").mockImplementationOnce(
      (...parameters) =>
        new Promise((resolve) => {
          land = () => set(...parameters).then(resolve);
        }),
    );
    const late = guard.set("a", "late", 60_000);
    await settle(clock, 700);
    await late;
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(false);
    await guard.delete(["a"]);
    await guard.set("b", "1", 60_000);
    const landed = land();
    expect(await guard.getMany(["a", "b"])).toEqual([undefined, "1"]);
    await landed;
    await settle(clock, 0);
    expect(await store.getMany(["a"])).toEqual([undefined]);
    await guard.set("a", "new", 60_000);
    expect(await guard.getMany(["a"])).toEqual(["new"]);
  });

  it.each([
    ["nothing", undefined],
    ["too few", []],
    ["too many", ["1", "2"]],
    ["no text", [42]],
    ["null", [null]],
  ])("takes a store that answers %s for one that is away", async (_name, answer) => {
    const { guard, store, states } = rig();
    await guard.set("a", "1", 60_000);
    vi.spyOn(store, "getMany").mockResolvedValue(answer as never);
    for (let read = 0; read < 2; read++) expect(await guard.getMany(["a"])).toEqual([undefined]);
    expect(states).toEqual([true]);
    await guard.set("a", "2", 60_000);
    expect(await guard.getMany(["a"])).toEqual(["2"]);
  });

  it("stays away from a store that gives another key's text for what a probe wrote", async () => {
    const { guard, clock, chaos, store } = rig({ failRate: 1 });
    await guard.check();
    chaos.failRate = 0;
    const mixed = vi.spyOn(store, "getMany").mockResolvedValue(["of another key"]);
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(true);
    mixed.mockRestore();
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(false);
  });

  it("waits for a clear as long as the store answers something else, and no longer", async () => {
    const { guard, clock, store, chaos } = rig();
    let finish = (): void => {};
    const clear = vi.spyOn(store, "clear").mockReturnValue(
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
    );
    let cleared = 0;
    const slow = guard.clear("a").then(() => cleared++);
    for (let round = 0; round < 5; round++) await settle(clock, 700);
    expect([cleared, guard.degraded]).toEqual([0, false]);
    finish();
    await slow;
    clear.mockReturnValue(new Promise<void>(() => {}));
    const hanging = guard.clear("a").then(() => cleared++);
    chaos.failRate = 1;
    await settle(clock, 700);
    await hanging;
    expect([cleared, guard.degraded]).toEqual([2, true]);
    chaos.failRate = 0;
    clear.mockRestore();
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(false);
  });

  it("empties a store that missed more changes than it remembers", async () => {
    const { guard, clock, chaos, store } = rig();
    await guard.set("old", "1", 60_000);
    chaos.failRate = 1;
    for (let index = 0; index < 10_001; index++) await guard.delete([`k${index}`]);
    chaos.failRate = 0;
    await settle(clock, 1_000);
    expect(guard.degraded).toBe(false);
    expect(await store.getMany(["old"])).toEqual([undefined]);
  });

  it("finds out without traffic, when it is asked", async () => {
    const { guard, chaos, states } = rig();
    await guard.check();
    expect(states).toEqual([]);
    chaos.failRate = 1;
    await guard.check();
    expect(states).toEqual([true]);
    await guard.close();
  });
});
