import { inspect } from "node:util";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { willingUser } from "../test-suite/oauth-server.ts";
import { failure, movableClock, userClient } from "./harness/client.test-support.ts";
import { recordingLogger, send, startWorld, type World } from "./harness/world.test-support.ts";
import { createMemoryTokenStore } from "./memory-token-store.ts";
import { createMemoryRefreshLock } from "./refresh-lock.ts";
import type { TokenRecord, TokenStore, TokensKey } from "./token-store.ts";

const HOUR_MS = 3_600_000;

async function startSession(options: Parameters<typeof userClient>[0] = {}) {
  const world = await startWorld();
  const clock = movableClock();
  const store = createMemoryTokenStore();
  const user = willingUser();
  const make = (more: typeof options = {}) =>
    userClient({ clock, store, interaction: user, ...options, ...more });
  const auth = make();
  expect(await send(auth, world.mcpUrl)).toBe(200);
  return { world, clock, store, user, make, auth };
}

function refreshes(world: World): number {
  return world.as.count("/token", "refresh_token");
}

/** Takes the access tokens away, as an authorization server that revokes them does. */
function revoke(world: World): void {
  world.as.issued.clear();
}

async function keyOf(world: World, store: TokenStore): Promise<TokensKey> {
  const issuer = world.as.origin;
  const clientId = (await store.get({ kind: "client", issuer }))?.record.clientId ?? "";
  return { kind: "tokens", issuer, clientId, resource: world.mcpUrl, account: "" };
}

describe("an expired token", () => {
  it("[A26-15a] of fifty requests side by side is refreshed once", async () => {
    const { world, clock, auth, user } = await startSession();
    clock.advance(2 * HOUR_MS);
    const statuses = await Promise.all(Array.from({ length: 50 }, () => send(auth, world.mcpUrl)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect([refreshes(world), user.visited.length]).toEqual([1, 1]);
    // Nobody even tried the old one.
    expect(world.mcp.count("/mcp")).toBe(2 + 50);
    const shown =
      JSON.stringify(world.mcp.received) + inspect(auth, { depth: 9, showHidden: true });
    expect(shown).not.toContain("refresh-");
  });

  it("that was revoked before its time is refreshed once by fifty refusals", async () => {
    const { world, auth, user } = await startSession();
    revoke(world);
    const statuses = await Promise.all(Array.from({ length: 50 }, () => send(auth, world.mcpUrl)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect([refreshes(world), user.visited.length]).toEqual([1, 1]);
  });

  it("that a late refusal speaks of is not the new one", async () => {
    const { world, auth } = await startSession();
    const url = world.mcpUrl;
    const sent = await auth.headers({ method: "POST", url });
    revoke(world);
    expect(await send(auth, url)).toBe(200);
    const late = { status: 401, headers: {}, url, sent };
    expect(await auth.onChallenge(late)).toBe("retry");
    expect(refreshes(world)).toBe(1);
  });

  it("is renewed before its end, and the rotated refresh token is kept", async () => {
    const { world, clock, auth, store } = await startSession({ refreshSkewMs: 60_000 });
    const used: (string | null | undefined)[] = [];
    for (let hour = 0; hour < 3; hour++) {
      clock.advance(HOUR_MS - 30_000);
      expect(await send(auth, world.mcpUrl)).toBe(200);
      const last = world.as.received.findLast(({ form }) => form.has("refresh_token"));
      used.push(last?.form.get("refresh_token"));
    }
    expect(new Set(used).size).toBe(3);
    const kept = (await store.get(await keyOf(world, store)))?.record.refreshToken;
    expect(used).not.toContain(kept);
    expect(world.mcp.received.filter(({ headers }) => !headers["authorization"])).toHaveLength(
      // The first request, and those for metadata.
      1 + world.mcp.received.filter(({ path }) => path !== "/mcp").length,
    );
  });

  it("keeps the refresh token and scope that an answer leaves out", async () => {
    const { world, clock, auth, store } = await startSession({ scope: "a" });
    Object.assign(world.as.tokenResponse, { refresh_token: undefined, scope: undefined });
    const before = (await store.get(await keyOf(world, store)))?.record;
    clock.advance(2 * HOUR_MS);
    expect(await send(auth, world.mcpUrl)).toBe(200);
    const after = (await store.get(await keyOf(world, store)))?.record;
    expect([after?.refreshToken, after?.scope]).toEqual([before?.refreshToken, "a"]);
    expect(after?.accessToken).not.toBe(before?.accessToken);
  });

  it("[A26-15b] without a refresh token is used to its end, and then the user is asked", async () => {
    const world = await startWorld();
    world.as.tokenResponse["refresh_token"] = undefined;
    const clock = movableClock();
    const user = willingUser();
    const auth = userClient({ clock, interaction: user });
    await send(auth, world.mcpUrl);
    clock.advance(HOUR_MS - 1_000);
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(user.visited).toHaveLength(1);
    clock.advance(2_000);
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(user.visited).toHaveLength(2);
  });
});

describe("a refresh that fails", () => {
  it("for good leads to the user", async () => {
    const { world, clock, auth, user } = await startSession();
    const logger = recordingLogger();
    world.as.refuse("refresh_token", "invalid_grant");
    clock.advance(2 * HOUR_MS);
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(user.visited).toHaveLength(2);
    expect(logger.text()).not.toContain("refresh-");
  });

  it("because nobody answers is an error that passes, and the user is left alone", async () => {
    const { world, clock, auth, user, store } = await startSession();
    world.as.refuse("refresh_token", "server_error", { status: 503, times: 1 });
    clock.advance(2 * HOUR_MS);
    const error = await failure(send(auth, world.mcpUrl));
    expect([error.code, error.stage, error.retryable]).toEqual(["unavailable", "refresh", true]);
    expect(await store.get(await keyOf(world, store))).toBeDefined();
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(user.visited).toHaveLength(1);
  });

  it("ahead of the end is no reason not to use the token, and is not tried by every request", async () => {
    const logger = recordingLogger();
    const { world, clock, auth } = await startSession({ logger, refreshSkewMs: 60_000 });
    world.as.refuse("refresh_token", "temporarily_unavailable", { status: 503 });
    clock.advance(HOUR_MS - 30_000);
    for (let request = 0; request < 5; request++) expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(refreshes(world)).toBe(1);
    expect(logger.text()).toContain("unavailable");
  });

  it("never removes newer credentials", async () => {
    const { world, clock, auth, store, user } = await startSession();
    const key = await keyOf(world, store);
    // While the refresh is under way, somebody else authorizes anew and writes it down.
    world.as.issued.set("newer", { scope: "", resource: world.mcpUrl, clientId: key.clientId });
    world.as.route("/token", async () => {
      const found = await store.get(key);
      const record: TokenRecord = {
        accessToken: "newer",
        tokenType: "Bearer",
        obtainedAtMs: clock.now(),
        expiresAtMs: clock.now() + HOUR_MS,
        refreshToken: "newer-refresh",
      };
      await store.set(key, record, found?.version);
      return { status: 400, body: { error: "invalid_grant" } };
    });
    clock.advance(2 * HOUR_MS);
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect((await store.get(key))?.record.refreshToken).toBe("newer-refresh");
    expect(user.visited).toHaveLength(1);
  });

  it("of a token that only just came from a refresh is not tried again, of an older one it is", async () => {
    const { world, auth, user, clock } = await startSession();
    let refusals = 2;
    const refuse = world.refuse;
    world.refuse = (request) => (refusals-- > 0 ? { status: 401 } : refuse(request));
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect([refreshes(world), user.visited.length]).toEqual([1, 2]);
    for (let revocation = 0; revocation < 3; revocation++) {
      clock.advance(HOUR_MS / 2);
      revoke(world);
      expect(await send(auth, world.mcpUrl)).toBe(200);
    }
    expect([refreshes(world), user.visited.length]).toEqual([4, 2]);
  });
});

describe("a store that is away", () => {
  it("costs neither the new tokens nor the user's time, and the log says so", async () => {
    const world = await startWorld();
    const inner = createMemoryTokenStore();
    let isAway = false;
    const store: TokenStore = {
      get: (key) => inner.get(key),
      set: (key, record, version) =>
        isAway ? Promise.reject(new Error("away")) : inner.set(key, record, version),
      delete: (key, version) => inner.delete(key, version),
    };
    const logger = recordingLogger();
    const clock = movableClock();
    const user = willingUser();
    const auth = userClient({ store, logger, clock, interaction: user });
    await send(auth, world.mcpUrl);
    isAway = true;
    clock.advance(2 * HOUR_MS);
    for (let request = 0; request < 3; request++) expect(await send(auth, world.mcpUrl)).toBe(200);
    expect([refreshes(world), user.visited.length]).toEqual([1, 1]);
    expect(logger.text()).toContain('"stage":"store"');
    expect(logger.text()).not.toMatch(/access-|refresh-/);
  });
});

describe("several processes", () => {
  it("that share a store and a lock refresh once", async () => {
    const { world, clock, store, user, make } = await startSession();
    const lock = createMemoryRefreshLock();
    const clients = Array.from({ length: 4 }, () => make({ lock }));
    // Each learns of its server by a refusal, and finds the token in the store.
    for (const one of clients) expect(await send(one, world.mcpUrl)).toBe(200);
    expect([refreshes(world), user.visited.length]).toEqual([0, 1]);
    clock.advance(2 * HOUR_MS);
    const statuses = await Promise.all(
      clients.flatMap((one) => Array.from({ length: 10 }, () => send(one, world.mcpUrl))),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect([refreshes(world), user.visited.length]).toEqual([1, 1]);
    expect(world.as.count("/register")).toBe(1);
    expect(await store.get(await keyOf(world, store))).toBeDefined();
  });

  it("of one program share a lock because they share a store", async () => {
    const { world, clock, make } = await startSession();
    const clients = [make(), make()];
    for (const one of clients) await send(one, world.mcpUrl);
    clock.advance(2 * HOUR_MS);
    await Promise.all(clients.map((one) => send(one, world.mcpUrl)));
    expect(refreshes(world)).toBe(1);
  });

  it("keep the tokens of their users apart", async () => {
    const { world, make, user } = await startSession({ account: "alice" });
    const bob = make({ account: "bob" });
    expect(await send(bob, world.mcpUrl)).toBe(200);
    expect(user.visited).toHaveLength(2);
    const tokens = world.mcp.received.map(({ headers }) => headers["authorization"]);
    expect(new Set(tokens.filter(Boolean)).size).toBe(2);
  });

  it("do not wait for a holder that died", async () => {
    const { world, clock, make } = await startSession();
    const fake = createFakeClock();
    const lock = createMemoryRefreshLock(fake);
    const auth = make({ lock });
    await send(auth, world.mcpUrl);
    clock.advance(2 * HOUR_MS);
    const key = JSON.stringify(["tokens", world.as.origin]).slice(0, -1);
    let dead: string | undefined;
    const watched = make({
      lock: {
        acquire: async (name, ttlMs) => {
          if (dead === undefined) await lock.acquire(name, ttlMs);
          dead = name;
          return lock.acquire(name, ttlMs);
        },
      },
    });
    const sent = send(watched, world.mcpUrl);
    await expect.poll(() => dead).toContain(key);
    fake.advance(60_000);
    expect(await sent).toBe(200);
  });
});
