import type { SessionRecord, SessionStore } from "../seams/session-store.ts";
import type { PassTime, SuiteContext, SuiteRunner } from "./runner.ts";
import { timedTests } from "./timed-tests.ts";

/** What the suite asks of the store it is given. */
export interface SessionStoreSuiteContext extends SuiteContext {
  /** The store must be full with this many sessions. */
  readonly maxSessions: number;
}

/** For stores whose time cannot be moved. */
export interface SessionStoreSuiteOptions {
  /** By default the fake clock is moved. */
  readonly passTime?: PassTime;
}

const TTL_MS = 1_000;
const MAX_SESSIONS = 3;
const LIMITS = { ttlMs: TTL_MS, evictIdleMs: 300 };

function record(id: string, over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id,
    principalKey: '["issuer","alice",""]',
    revision: "2025-11-25",
    clientInfo: { name: "client", version: "1.0.0" },
    clientCapabilities: { elicitation: { form: {} }, roots: { listChanged: true } },
    initialized: false,
    logLevel: undefined,
    subscriptions: [],
    createdAtMs: 1_767_225_600_000,
    ...over,
  };
}

/**
 * The contract of {@link SessionStore}. Each test gets its own store from `makeStore`, empty and with
 * no namespace shared with another, and closes it.
 */
export function sessionStoreSuite(
  runner: SuiteRunner,
  makeStore: (context: SessionStoreSuiteContext) => SessionStore | Promise<SessionStore>,
  options: SessionStoreSuiteOptions = {},
): void {
  const { describe, expect } = runner;

  const test = timedTests(
    runner,
    (context) => makeStore({ ...context, maxSessions: MAX_SESSIONS }),
    options.passTime,
  );

  describe("SessionStore", () => {
    describe("records", () => {
      test("gives back what was created, field for field", async (store) => {
        const full = record("a", {
          clientInfo: { name: "ünï ✓", version: "2", title: "T" },
          initialized: true,
          logLevel: "warning",
          subscriptions: ["file:///a", "file:///b?c=%20"],
        });
        expect(await store.create(full, LIMITS)).toBe(true);
        expect(await store.get("a", TTL_MS)).toEqual(full);
      });

      test("keeps absent fields absent and the anonymous principal apart", async (store) => {
        const bare = record("a", { clientInfo: undefined, principalKey: "" });
        await store.create(bare, LIMITS);
        expect(await store.get("a", TTL_MS)).toEqual(bare);
      });

      test("does not know what was never created", async (store) => {
        expect(await store.get("nobody", TTL_MS)).toBe(undefined);
        expect(await store.get("__proto__", TTL_MS)).toBe(undefined);
        expect(await store.get("", TTL_MS)).toBe(undefined);
      });

      test("keeps a copy: a changed input or answer changes nothing", async (store) => {
        const subscriptions = ["file:///a"];
        await store.create(record("a", { subscriptions }), LIMITS);
        subscriptions.push("file:///planted");
        const answer = (await store.get("a", TTL_MS)) as SessionRecord;
        (answer.subscriptions as string[]).push("file:///planted");
        expect((await store.get("a", TTL_MS))?.subscriptions).toEqual(["file:///a"]);
      });

      test("keeps sessions apart", async (store) => {
        await store.create(record("a"), LIMITS);
        await store.create(record("b", { principalKey: "bob" }), LIMITS);
        await store.patch("a", { initialized: true });
        expect(await store.get("b", TTL_MS)).toEqual(record("b", { principalKey: "bob" }));
      });
    });

    describe("changes", () => {
      test("patch changes the named fields only, and answers with the new record", async (store) => {
        await store.create(record("a", { subscriptions: ["file:///a"] }), LIMITS);
        await store.patch("a", { initialized: true });
        const after = record("a", {
          initialized: true,
          logLevel: "error",
          subscriptions: ["file:///a"],
        });
        expect(await store.patch("a", { logLevel: "error" })).toEqual(after);
        expect(await store.get("a", TTL_MS)).toEqual(after);
      });

      test("patch and setSubscription on an unknown session create nothing", async (store) => {
        expect(await store.patch("a", { initialized: true })).toBe(undefined);
        expect(await store.setSubscription("a", "file:///a", true, 10)).toBe(undefined);
        expect(await store.count()).toBe(0);
      });

      test("concurrent changes are all kept", async (store) => {
        await store.create(record("a"), LIMITS);
        const uris = ["file:///1", "file:///2", "file:///3", "file:///4"];
        await Promise.all([
          store.patch("a", { initialized: true }),
          ...uris.map((uri) => store.setSubscription("a", uri, true, 10)),
          store.patch("a", { logLevel: "debug" }),
        ]);
        const found = await store.get("a", TTL_MS);
        expect([...(found?.subscriptions ?? [])].sort()).toEqual(uris);
        expect(found?.initialized).toBe(true);
        expect(found?.logLevel).toBe("debug");
      });

      test("subscribing and unsubscribing are idempotent", async (store) => {
        await store.create(record("a"), LIMITS);
        await store.setSubscription("a", "file:///a", true, 2);
        const again = await store.setSubscription("a", "file:///a", true, 2);
        expect(again).toEqual(record("a", { subscriptions: ["file:///a"] }));
        await store.setSubscription("a", "file:///a", false, 2);
        expect(await store.setSubscription("a", "file:///a", false, 2)).toEqual(record("a"));
      });

      test("the subscription limit holds, and leaves what is there", async (store) => {
        await store.create(record("a"), LIMITS);
        await store.setSubscription("a", "file:///1", true, 2);
        await store.setSubscription("a", "file:///2", true, 2);
        expect(await store.setSubscription("a", "file:///3", true, 2)).toBe("full");
        const kept = record("a", { subscriptions: ["file:///1", "file:///2"] });
        expect(await store.setSubscription("a", "file:///2", true, 2)).toEqual(kept);
        expect(await store.get("a", TTL_MS)).toEqual(kept);
      });

      test("delete ends a session once", async (store) => {
        await store.create(record("a"), LIMITS);
        expect(await store.delete("a")).toBe(true);
        expect(await store.delete("a")).toBe(false);
        expect(await store.get("a", TTL_MS)).toBe(undefined);
        expect(await store.patch("a", { initialized: true })).toBe(undefined);
        expect(await store.count()).toBe(0);
      });
    });

    describe("time", () => {
      test("a session lives for its time-to-live and no longer", async (store, pass) => {
        await store.create(record("a"), LIMITS);
        await store.create(record("b"), LIMITS);
        await pass(TTL_MS / 2);
        expect((await store.get("a", TTL_MS))?.id).toBe("a");
        await pass(TTL_MS * 0.75);
        expect(await store.get("b", TTL_MS)).toBe(undefined);
        expect((await store.get("a", TTL_MS))?.id).toBe("a");
        await pass(TTL_MS * 1.25);
        expect(await store.get("a", TTL_MS)).toBe(undefined);
        expect(await store.delete("a")).toBe(false);
      });

      test("an expired session can be neither changed nor touched back to life", async (store, pass) => {
        await store.create(record("a"), LIMITS);
        await pass(TTL_MS * 1.25);
        await store.touch(["a"], TTL_MS);
        expect(await store.patch("a", { initialized: true })).toBe(undefined);
        expect(await store.setSubscription("a", "file:///a", true, 2)).toBe(undefined);
        expect(await store.get("a", TTL_MS)).toBe(undefined);
      });

      test("touch prolongs those named; unknown ids are ignored", async (store, pass) => {
        await store.create(record("a"), LIMITS);
        await store.create(record("b"), LIMITS);
        await pass(TTL_MS * 0.75);
        await store.touch(["nobody", "a"], TTL_MS);
        await store.touch([], TTL_MS);
        await pass(TTL_MS * 0.75);
        expect((await store.get("a", TTL_MS))?.id).toBe("a");
        expect(await store.get("b", TTL_MS)).toBe(undefined);
        expect(await store.get("nobody", TTL_MS)).toBe(undefined);
      });

      test("count leaves out what has expired", async (store, pass) => {
        await store.create(record("a"), LIMITS);
        await store.create(record("b"), { ...LIMITS, ttlMs: TTL_MS * 20 });
        expect(await store.count()).toBe(2);
        await pass(TTL_MS * 1.25);
        expect(await store.count()).toBe(1);
      });
    });

    describe("the cap", () => {
      const fill = async (store: SessionStore): Promise<void> => {
        for (const id of ["a", "b", "c"]) await store.create(record(id), LIMITS);
      };

      test("a store full of sessions in use refuses, and loses none of them", async (store) => {
        await fill(store);
        expect(await store.create(record("d"), LIMITS)).toBe(false);
        expect(await store.get("d", TTL_MS)).toBe(undefined);
        expect(await store.count()).toBe(MAX_SESSIONS);
      });

      test("a full store drops the one idle longest, once it is idle enough", async (store, pass) => {
        await fill(store);
        await pass(LIMITS.evictIdleMs + 50);
        await store.touch(["a"], TTL_MS);
        await store.get("c", TTL_MS);
        expect(await store.create(record("d"), LIMITS)).toBe(true);
        expect(await store.get("b", TTL_MS)).toBe(undefined);
        expect((await store.get("a", TTL_MS))?.id).toBe("a");
        expect((await store.get("c", TTL_MS))?.id).toBe("c");
        expect(await store.create(record("e"), LIMITS)).toBe(false);
      });

      test("ended and expired sessions make room", async (store, pass) => {
        await fill(store);
        await store.delete("b");
        expect(await store.create(record("d"), LIMITS)).toBe(true);
        await pass(TTL_MS * 1.25);
        const never = { ttlMs: TTL_MS, evictIdleMs: TTL_MS * 1_000 };
        expect(await store.create(record("e"), never)).toBe(true);
        expect(await store.count()).toBe(1);
      });

      test("concurrent creation does not pass the cap", async (store) => {
        const ids = ["a", "b", "c", "d", "e", "f"];
        const made = await Promise.all(ids.map((id) => store.create(record(id), LIMITS)));
        expect(made.filter(Boolean).length).toBe(MAX_SESSIONS);
        expect(await store.count()).toBe(MAX_SESSIONS);
      });
    });
  });
}
