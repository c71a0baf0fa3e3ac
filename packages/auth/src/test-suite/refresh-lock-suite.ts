import type { Clock } from "@backplane/protocol";
import { createFakeClock, type PassTime, type SuiteRunner } from "@backplane/protocol/test-suite";
import type { RefreshLock } from "../client/refresh-lock.ts";

/** For locks whose time cannot be moved. */
export interface RefreshLockSuiteOptions {
  /** By default the fake clock is moved. */
  readonly passTime?: PassTime;
}

const TTL_MS = 1_000;

/**
 * The contract of {@link RefreshLock}. Each test gets two doors to one lock, as two processes have, with no
 * key shared with another test.
 */
export function refreshLockSuite(
  { describe, it, expect }: SuiteRunner,
  makeLocks: (
    clock: Clock,
  ) => readonly [RefreshLock, RefreshLock] | Promise<readonly [RefreshLock, RefreshLock]>,
  options: RefreshLockSuiteOptions = {},
): void {
  const test = (
    name: string,
    body: (locks: readonly [RefreshLock, RefreshLock], pass: PassTime) => Promise<void>,
  ) =>
    it(name, async () => {
      const clock = createFakeClock();
      const pass: PassTime = options.passTime ?? (async (ms) => clock.advance(ms));
      await body(await makeLocks(clock), pass);
    });

  describe("RefreshLock", () => {
    test("is held by one at a time", async ([one, other]) => {
      const order: string[] = [];
      const enter = async (lock: RefreshLock, name: string): Promise<void> => {
        const release = await lock.acquire("key", TTL_MS * 60);
        order.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push(`${name} out`);
        await release();
      };
      await Promise.all([enter(one, "a"), enter(other, "b"), enter(one, "c")]);
      for (let at = 0; at < order.length; at += 2) {
        expect(order[at + 1]).toBe(order[at]?.replace("in", "out"));
      }
      expect(order.length).toBe(6);
    });

    test("keys do not wait for each other", async ([one, other]) => {
      const held: string[] = [];
      const releaseA = await one.acquire("a", TTL_MS * 60);
      held.push("a");
      const releaseB = await other.acquire("b", TTL_MS * 60);
      held.push("b");
      await releaseA();
      await releaseB();
      expect(held).toEqual(["a", "b"]);
    });

    test("frees itself when its holder is gone", async ([one, other], pass) => {
      await one.acquire("key", TTL_MS);
      const waiting = other.acquire("key", TTL_MS);
      await pass(TTL_MS * 1.25);
      await (await waiting)();
    });

    test("a late or repeated release frees nobody else's hold", async ([one, other], pass) => {
      const lateRelease = await one.acquire("key", TTL_MS);
      await pass(TTL_MS * 1.25);
      const release = await other.acquire("key", TTL_MS * 60);
      await lateRelease();
      let entered = false;
      const third = one.acquire("key", TTL_MS * 60).then((done) => {
        entered = true;
        return done;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(entered).toBe(false);
      await release();
      const releaseThird = await third;
      await release();
      await releaseThird();
      expect(entered).toBe(true);
    });
  });
}
