import type { SuiteRunner } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { refreshLockSuite } from "../test-suite/refresh-lock-suite.ts";
import { tokenStoreSuite } from "../test-suite/token-store-suite.ts";
import { createMemoryTokenStore } from "./memory-token-store.ts";
import { createMemoryRefreshLock, type RefreshLock } from "./refresh-lock.ts";
import { credentialKeyText, type TokenStore } from "./token-store.ts";

describe("in memory", () => {
  tokenStoreSuite({ describe, it, expect }, () => createMemoryTokenStore());
  refreshLockSuite({ describe, it, expect }, (clock) => {
    const lock = createMemoryRefreshLock(clock);
    return [lock, lock];
  });

  it("forgets what was written longest ago when it is full", async () => {
    const store = createMemoryTokenStore({ maxRecords: 2 });
    const key = (issuer: string) => ({ kind: "client", issuer }) as const;
    const record = { clientId: "c", redirectUrl: "http://127.0.0.1/" };
    await store.set(key("a"), record, undefined);
    await store.set(key("b"), record, undefined);
    await store.set(key("a"), record, (await store.get(key("a")))?.version);
    await store.set(key("c"), record, undefined);
    expect(await store.get(key("b"))).toBeUndefined();
    expect((await store.get(key("a")))?.record).toEqual(record);
    expect(() => createMemoryTokenStore({ maxRecords: 0 })).toThrow(/maxRecords/);
  });
});

// A suite that cannot fail proves nothing: each planted fault must be found, by the test it is meant for.
describe("tokenStoreSuite finds", () => {
  const faults: Record<string, [expected: string, plant: (store: TokenStore) => TokenStore]> = {
    "a store that writes over anything": [
      "writes over the version that it was told, and over no other",
      (store) => ({
        ...bound(store),
        set: async (key, record) => store.set(key, record, (await store.get(key))?.version),
      }),
    ],
    "a deletion that does not look": [
      "a deletion that comes late leaves what is newer",
      (store) => ({
        ...bound(store),
        delete: async (key) => store.delete(key, (await store.get(key))?.version ?? ""),
      }),
    ],
    "one namespace for all issuers": [
      "keeps issuers, clients, resources and accounts apart, to the last character",
      (store) => ({
        get: (key) => store.get({ ...key, issuer: "" }),
        set: (key, record, version) => store.set({ ...key, issuer: "" }, record, version),
        delete: (key, version) => store.delete({ ...key, issuer: "" }, version),
      }),
    ],
    "a version that is the content": [
      "has another version after each write, of the same record too",
      () => {
        const records = new Map<string, string>();
        return {
          async get(key) {
            const text = records.get(credentialKeyText(key));
            return text === undefined ? undefined : { record: JSON.parse(text), version: text };
          },
          async set(key, record, version) {
            if (records.get(credentialKeyText(key)) !== version) return false;
            records.set(credentialKeyText(key), JSON.stringify(record));
            return true;
          },
          async delete(key, version) {
            if (records.get(credentialKeyText(key)) !== version) return false;
            return records.delete(credentialKeyText(key));
          },
        };
      },
    ],
  };

  it.each(Object.keys(faults))("%s", async (name) => {
    const [expected, plant] = faults[name] as (typeof faults)[string];
    const failed = await failuresOf((runner) =>
      tokenStoreSuite(runner, () => plant(createMemoryTokenStore())),
    );
    expect(failed).toContain(expected);
  });
});

describe("refreshLockSuite finds", () => {
  it("a lock that locks nothing", async () => {
    const open: RefreshLock = { acquire: async () => async () => {} };
    const failed = await failuresOf((runner) => refreshLockSuite(runner, () => [open, open]));
    expect(failed).toContain("is held by one at a time");
  });

  it("locks that do not know of each other", async () => {
    const failed = await failuresOf((runner) =>
      refreshLockSuite(runner, (clock) => [
        createMemoryRefreshLock(clock),
        createMemoryRefreshLock(clock),
      ]),
    );
    expect(failed).toContain("is held by one at a time");
  });
});

function bound(store: TokenStore): TokenStore {
  return {
    get: (key) => store.get(key),
    set: (key, record, version) => store.set(key, record, version),
    delete: (key, version) => store.delete(key, version),
  };
}

/** Runs a suite outside of the runner and returns the names of the tests that failed. */
async function failuresOf(register: (runner: SuiteRunner) => void): Promise<readonly string[]> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  register({
    describe: (_name, body) => body(),
    it: (name, body) => tests.push({ name, body }),
    expect,
  });
  const failed: string[] = [];
  for (const { name, body } of tests) {
    await body().catch(() => failed.push(name));
  }
  return failed;
}
