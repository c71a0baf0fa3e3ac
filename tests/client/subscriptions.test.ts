import type { ChangeEvent, ListenFilter, MCPClient, StreamState } from "@backplane/client";
import { createFakeClock } from "@backplane/protocol/test-suite";
import type { MCPServer } from "@backplane/server";
import { describe, expect, it, vi } from "vitest";
import { legs, RealServer } from "./harness/real-server.ts";

const EVERYTHING: ListenFilter = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ["note://1", "note://2"],
};
const ALL_CHANGES: readonly ChangeEvent[] = [
  { kind: "tools" },
  { kind: "prompts" },
  { kind: "resources" },
  { kind: "resource", uri: "note://1" },
  { kind: "resource", uri: "note://2" },
];

function setup(server: MCPServer): void {
  server.tool("first", {}, () => "first");
  server.prompt("ask", {}, () => "ask");
  server.resource("note://{id}", { name: "note" }, ({ variables: { id } }) => `note ${id}`);
}

function until(condition: () => void): Promise<void> {
  return vi.waitFor(condition, { timeout: 20_000, interval: 5 });
}

/** Listens and keeps what was heard. */
async function listen(client: MCPClient, filter: ListenFilter) {
  const events: ChangeEvent[] = [];
  const states: StreamState[] = [];
  const listening = await client.listen(filter, {
    onChange: (event) => events.push(event),
    onState: (state) => states.push(state),
  });
  return { events, states, listening };
}

const toolNames = async (client: MCPClient) => (await client.listTools()).map(({ name }) => name);

describe.each(legs)("%s over %s", (era, carrier) => {
  it("[C26-15c] hears of every kind of change, until it is closed", async () => {
    const real = await RealServer.start(carrier, setup);
    const client = real.client(era);
    const { events, states, listening } = await listen(client, EVERYTHING);
    expect(listening.honoured).toEqual(EVERYTHING);
    real.server.tool("second", {}, () => "second");
    real.server.prompt("again", {}, () => "again");
    real.server.resource("note://fixed", { name: "fixed" }, () => "fixed");
    real.server.resourceUpdated("note://1");
    real.server.resourceUpdated("note://3");
    await until(() => expect(events).toHaveLength(4));
    expect(new Set(events)).toEqual(new Set(ALL_CHANGES.slice(0, 4)));
    expect(states).toEqual(["open"]);
    await listening.close();
    expect(listening.state).toBe("closed");
    real.server.resourceUpdated("note://1");
    await client.ping();
    expect(events).toHaveLength(4);
  });

  it("shares one stream between all that listen", async () => {
    const real = await RealServer.start(carrier, setup);
    const client = real.client(era);
    const heard: string[] = [];
    const subscribe = (name: string, uri: string) =>
      client.subscribe(uri, (changed, change) => heard.push(`${name} ${changed} ${change}`));
    const all = await Promise.all([
      subscribe("a", "note://1"),
      subscribe("b", "note://1"),
      subscribe("c", "note://2"),
    ]);
    await subscribe("d", "note://2");
    const asked = era === "modern" ? "subscriptions/listen" : "resources/subscribe";
    expect(real.count(asked)).toBe(era === "modern" ? 1 : 2);
    if (carrier === "http") expect(real.streams).toBe(1);
    real.server.resourceUpdated("note://1");
    await until(() => expect(heard).toHaveLength(2));
    expect(heard).toEqual(["a note://1 updated", "b note://1 updated"]);
    // The first goes, the second still hears.
    await all[0].close();
    real.server.resourceUpdated("note://1");
    await until(() => expect(heard).toHaveLength(3));
    expect(heard[2]).toBe("b note://1 updated");
  });

  it("does not answer from the cache what it heard the change of", async () => {
    const hints = { ttlMs: 600_000, cacheScope: "private" } as const;
    const real = await RealServer.start(carrier, setup, {
      cacheHints: { "tools/list": hints, "resources/read": hints },
    });
    const client = real.client(era);
    const { events } = await listen(client, EVERYTHING);
    await client.readResource("note://1");
    await client.readResource("note://2");
    await client.readResource("note://1");
    expect(await toolNames(client)).toEqual(["first"]);
    expect(await toolNames(client)).toEqual(["first"]);
    const cached = era === "modern";
    expect(real.count("tools/list")).toBe(cached ? 1 : 2);
    expect(real.count("resources/read")).toBe(cached ? 2 : 3);
    real.server.tool("second", {}, () => "second");
    real.server.resourceUpdated("note://1");
    await until(() => expect(events).toHaveLength(2));
    expect(await toolNames(client)).toEqual(["first", "second"]);
    await client.readResource("note://1");
    await client.readResource("note://2");
    expect(real.count("resources/read")).toBe(cached ? 3 : 5);
  });

  it("says what a server offers none of", async () => {
    const real = await RealServer.start(carrier, (server) => {
      server.tool("only", {}, () => "only");
    });
    const client = real.client(era);
    await expect(client.subscribe("note://1", () => {})).rejects.toMatchObject({
      code: "not_supported",
    });
    const { listening } = await listen(client, {
      toolsListChanged: true,
      promptsListChanged: true,
    });
    expect(listening.honoured).toEqual({ toolsListChanged: true });
  });

  it("ends with the client, and leaves no stream behind", async () => {
    const real = await RealServer.start(carrier, setup);
    const client = real.client(era);
    const { states, listening } = await listen(client, EVERYTHING);
    await client.close();
    expect([listening.state, states]).toEqual(["closed", ["open", "closed"]]);
    await until(() => expect(real.streams).toBe(0));
    await expect(client.listen(EVERYTHING, { onChange() {} })).rejects.toMatchObject({
      code: "closed",
    });
  });
});

describe.each(["modern", "legacy"] as const)("%s, when the server is replaced", (era) => {
  it("[C26-15b] comes back, tells of everything, and asks anew", async () => {
    let generation = 0;
    const real = await RealServer.start(
      "http",
      (server) => {
        setup(server);
        server.tool(`generation_${++generation}`, {}, () => "");
      },
      { cacheHints: { "tools/list": { ttlMs: 600_000, cacheScope: "public" } } },
    );
    const client = real.client(era);
    const { events, states, listening } = await listen(client, EVERYTHING);
    const updates: string[] = [];
    await client.subscribe("note://2", (_uri, change) => updates.push(change));
    expect(await toolNames(client)).toContain("generation_1");
    await real.stop();
    await until(() => expect(listening.state).toBe("reconnecting"));
    await real.begin();
    await until(() => expect(listening.state).toBe("open"));
    expect(states).toEqual(["open", "reconnecting", "open"]);
    expect(events).toEqual(ALL_CHANGES);
    expect(updates).toEqual(["resumed"]);
    expect(await toolNames(client)).toContain("generation_2");
    real.server.resourceUpdated("note://2");
    await until(() => expect(updates).toEqual(["resumed", "updated"]));
    expect(events).toHaveLength(ALL_CHANGES.length + 1);
  });

  it("is exhausted, and says so, when the server does not come back", async () => {
    const real = await RealServer.start("http", setup);
    const clock = createFakeClock();
    const client = real.client(era, { clock, maxRetries: 0, circuitBreaker: false });
    const { states, listening } = await listen(client, EVERYTHING);
    await real.stop();
    await until(() => expect(listening.state).toBe("reconnecting"));
    await until(() => {
      clock.advance(30_000);
      expect(listening.state).toBe("exhausted");
    });
    expect(listening.error).toMatchObject({ code: "stream_exhausted" });
    expect(states).toEqual(["open", "reconnecting", "exhausted"]);
    await real.begin();
    expect((await listen(client, EVERYTHING)).listening.state).toBe("open");
  });

  it.each([
    ["as the option resubscribe allows", { budgetMs: 5_000 }, 30_000, "exhausted"],
    ["never, if it has no end", { budgetMs: Infinity, maxAttempts: Infinity }, 7_200_000, "open"],
  ] as const)("is exhausted %s", async (_name, resubscribe, awayMs, state) => {
    const real = await RealServer.start("http", setup);
    const clock = createFakeClock();
    const options = { clock, maxRetries: 0, circuitBreaker: false, resubscribe } as const;
    const { listening } = await listen(real.client(era, options), EVERYTHING);
    await real.stop();
    await until(() => expect(listening.state).toBe("reconnecting"));
    const awayUntilMs = clock.now() + awayMs;
    await until(() => {
      clock.advance(awayMs / 100);
      expect(clock.now()).toBeGreaterThan(awayUntilMs);
    });
    await real.begin();
    await until(() => {
      clock.advance(state === "open" ? 30_000 : 0);
      expect(listening.state).toBe(state);
    });
  });
});

describe("legacy without sessions", () => {
  it("has no stream to tell of changes on, and says so", async () => {
    const real = await RealServer.start("http", setup, { legacy: "stateless" });
    const client = real.client("legacy");
    await expect(client.listen(EVERYTHING, { onChange() {} })).rejects.toMatchObject({
      code: "not_supported",
    });
    expect((await client.readResource("note://1")).contents).toHaveLength(1);
  });
});
