import { rateLimit } from "@backplane/auth";
import { describe, expect, it, vi } from "vitest";
import { heard } from "./harness/heard.ts";
import {
  guarded,
  KEYS,
  observedServer,
  observingClient,
  PROTOCOLS,
} from "./harness/observed-server.ts";

const as = (key: string) => ({ headers: { "X-API-Key": key } });

describe.each(PROTOCOLS)("a server tells of its requests, %s", (protocol) => {
  const era = protocol === "2026-07-28" ? "modern" : "legacy";

  it("who called what, of which definition, by what decision, how it ended", async () => {
    const ends = heard("requestEnd");
    const { server, url } = await observedServer(guarded());
    const client = observingClient({ url, protocol, ...as(KEYS.ada) });
    await client.callTool("echo", { text: "hi" });
    const end = ends.find(({ target }) => target === "echo");
    expect(end).toMatchObject({
      serverId: server.serverId,
      outcome: "ok",
      errorCode: undefined,
      primitive: { kind: "tool", name: "echo" },
      tool: { name: "echo", inputSchema: { type: "object" } },
      decision: "allow",
      context: { era, method: "tools/call", principal: { id: "ada" } },
    });
    expect(end?.durationMs).toBeGreaterThan(0);
    // The same object each time: what is made of a definition can be kept by it.
    await client.callTool("echo", { text: "again" });
    expect(ends.filter(({ target }) => target === "echo").at(-1)?.tool).toBe(end?.tool);
  });

  it.each([
    ["refuses", "tool_error", undefined],
    ["fails", "error", -32603],
    ["nonsense", "error", -32602],
  ])("%s: %s", async (name, outcome, errorCode) => {
    const ends = heard("requestEnd");
    const { url } = await observedServer();
    const client = observingClient({ url, protocol });
    await client.callTool(name).catch(() => {});
    const end = ends.find(({ target }) => target === name);
    expect(end).toMatchObject({ outcome, errorCode, decision: undefined });
    expect(end?.primitive?.name).toBe(name === "nonsense" ? undefined : name);
  });

  it("what the policy hides is told to the operator, although the client does not learn of it", async () => {
    const ends = heard("requestEnd");
    const { url } = await observedServer(guarded());
    const client = observingClient({ url, protocol, ...as(KEYS.bob) });
    await client.callTool("secret").catch(() => {});
    expect(ends.find(({ target }) => target === "secret")).toMatchObject({
      outcome: "error",
      decision: "hide",
      primitive: { kind: "tool", name: "secret" },
      context: { principal: { id: "bob" } },
    });
  });

  it("resources by their template, prompts by their name", async () => {
    const ends = heard("requestEnd");
    const { url } = await observedServer();
    const client = observingClient({ url, protocol });
    await client.readResource("notes://7");
    await client.getPrompt("greeting");
    const named = (method: string) => ends.find(({ context }) => context.method === method);
    expect(named("resources/read")).toMatchObject({
      target: "notes://7",
      primitive: { kind: "resource_template", name: "notes://{id}" },
      tool: undefined,
    });
    expect(named("prompts/get")).toMatchObject({ primitive: { kind: "prompt", name: "greeting" } });
  });

  it("the correlation id that the client saw is that of the request", async () => {
    const ends = heard("requestEnd");
    const masked = heard("maskedError");
    const { url } = await observedServer();
    const client = observingClient({ url, protocol });
    const error = await client.callTool("fails").catch((thrown: unknown) => thrown);
    const id = ends.find(({ target }) => target === "fails")?.context.correlationId;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(masked).toMatchObject([{ correlationId: id }]);
    expect(JSON.stringify(error)).toContain(id);
  });

  it("credentials that it accepts and refuses, and at which check", async () => {
    const accepted = heard("authenticated");
    const refused = heard("authenticationRefused");
    const { server, url } = await observedServer(guarded());
    await observingClient({ url, protocol, ...as(KEYS.ada) }).listTools();
    await observingClient({ url, protocol, ...as("wrong") })
      .listTools()
      .catch(() => {});
    expect(accepted.at(-1)).toMatchObject({
      serverId: server.serverId,
      transport: "http",
      principal: { id: "ada" },
      remoteAddress: "127.0.0.1",
    });
    expect(refused.at(-1)).toMatchObject({ principal: undefined, status: 401, stage: "key" });
    expect(JSON.stringify(refused)).not.toContain("wrong");
  });

  it("rate limits that were hit", async () => {
    const limits = heard("limit");
    const { server, url } = await observedServer();
    server.use(rateLimit({ limit: 1, windowMs: 3_600_000, methods: ["tools/call"] }));
    const client = observingClient({ url, protocol, maxRetries: 0 });
    for (let call = 0; call < 2; call++) {
      await client.callTool("echo", { text: "hi" }).catch(() => {});
    }
    expect(limits).toMatchObject([
      { serverId: server.serverId, limit: "rateLimit", target: "echo", context: { era } },
    ]);
    expect(limits[0]?.retryAfterMs).toBeGreaterThan(0);
  });
});

describe("a server tells of its bounds", () => {
  const body = (members: object): string =>
    JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: members });
  const post = (url: string, text: string) =>
    fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: text });

  it("bodies that are too large or too deep", async () => {
    const limits = heard("limit");
    const bounds = { maxBodyBytes: 1_000, maxJsonDepth: 8 };
    const { url } = await observedServer({ limits: bounds });
    await post(url, body({ text: "x".repeat(2_000) }));
    await post(url, `${"[".repeat(20)}${"]".repeat(20)}`);
    expect(limits.map(({ limit }) => limit)).toEqual(["maxBodyBytes", "maxJsonDepth"]);
  });

  it("sessions, and how long they lived", async () => {
    const limits = heard("limit");
    const gauges = heard("gauge");
    const { url } = await observedServer({ limits: { maxSessions: 1 } });
    const first = observingClient({ url, protocol: "2025-11-25" });
    await first.listTools();
    await observingClient({ url, protocol: "2025-11-25", maxRetries: 0 })
      .listTools()
      .catch(() => {});
    expect(limits.map(({ limit }) => limit)).toEqual(["maxSessions"]);
    await first.close();
    const sessions = gauges.filter(({ kind }) => kind === "session");
    expect(sessions.map(({ delta }) => delta)).toEqual([1, -1]);
    expect(sessions[1]?.durationMs).toBeGreaterThanOrEqual(0);
  });

  it("streams: one client too many", async () => {
    const limits = heard("limit");
    const gauges = heard("gauge");
    const { server, url } = await observedServer({ limits: { maxStreams: 1 } });
    const client = observingClient({ url, protocol: "2026-07-28" });
    const listening = await client.listen({ toolsListChanged: true }, { onChange: () => {} });
    // It goes on trying, as a subscription should.
    const other = observingClient({ url, protocol: "2026-07-28" });
    const refused = other.listen({ toolsListChanged: true }, { onChange: () => {} });
    const settled = refused.catch(() => {});
    await vi.waitFor(() =>
      expect(limits[0]).toMatchObject({ serverId: server.serverId, limit: "maxStreams" }),
    );
    await other.close();
    await settled;
    await listening.close();
    await vi.waitFor(() =>
      expect(gauges.filter(({ kind }) => kind === "stream")).toMatchObject([
        { delta: 1, durationMs: undefined },
        { delta: -1, durationMs: expect.any(Number) },
      ]),
    );
  });

  it("calls at once, which a client may send again", async () => {
    const limits = heard("limit");
    const { server, url } = await observedServer({ limits: { maxInFlight: 1 } });
    let open = (): void => {};
    server.tool("waits", {}, () => new Promise<string>((resolve) => (open = () => resolve("ok"))));
    const client = observingClient({ url, protocol: "2026-07-28", maxRetries: 0 });
    await client.connect();
    const waiting = client.callTool("waits");
    await vi.waitFor(async () => {
      await client.callTool("echo", { text: "hi" }).catch(() => {});
      expect(limits[0]).toMatchObject({ limit: "maxInFlight", target: "echo" });
    });
    open();
    await waiting;
  });
});

it("connections in memory are told of, with their length", async () => {
  const gauges = heard("gauge");
  const { server } = await observedServer();
  const client = observingClient({ transport: server.connectInMemory() });
  await client.listTools();
  await client.close();
  await vi.waitFor(() =>
    expect(gauges.filter(({ kind }) => kind === "connection")).toMatchObject([
      { serverId: server.serverId, delta: 1 },
      { serverId: server.serverId, delta: -1, durationMs: expect.any(Number) },
    ]),
  );
});
