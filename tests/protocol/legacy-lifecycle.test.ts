import { describe, expect, it } from "vitest";
import { registerAsking } from "./harness/asking-tools.ts";
import { useEverything } from "./harness/everything.ts";
import { send } from "./harness/http.ts";
import { initialize, legacyRevision, openSession } from "./harness/legacy-session.ts";
import { legacyRequest, notification, textOf } from "./harness/messages.ts";
import { useServer } from "./harness/servers.ts";

const everything = useEverything();
const own = useServer((server) => {
  registerAsking(server);
  server.tool("test_simple_text", {}, () => "text");
  server.tool(
    "object",
    { output: { type: "object", properties: { n: { type: "integer" } } } },
    () => ({ n: 1 }),
  );
  server.tool("list", { output: { type: "array", items: { type: "integer" } } }, () => [1, 2]);
  server.tool("scalar", {}, () => 42);
  server.tool("kinds", {}, () => [
    { type: "text", text: "x" },
    { type: "audio", data: "AAAA", mimeType: "audio/wav" },
    { type: "resource_link", uri: "test://static", name: "static" },
  ]);
  server.resource("test://static", {}, () => "static");
  server.prompt("fixed", {}, () => "fixed");
});

const baseHeaders = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

describe.each([
  ["apps/everything", everything],
  ["a server of this process", own],
])("the legacy lifecycle: %s", (_name, target) => {
  it.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])(
    "[S25-01b] echoes the version %s",
    async (revision) => {
      const { status, message } = await initialize(target.url, { revision });
      expect(status).toBe(200);
      expect(message?.result).toMatchObject({
        protocolVersion: revision,
        serverInfo: { name: expect.any(String), version: expect.any(String) },
      });
      expect(message?.result?.capabilities).toHaveProperty("tools");
    },
  );

  it.each(["1999-01-01", "v999", "", "2026-07-28"])(
    "[S25-01c] offers another version for %j",
    async (revision) => {
      const { status, message } = await initialize(target.url, { revision });
      expect(status).toBe(200);
      expect(message?.result?.["protocolVersion"]).toBe(legacyRevision);
    },
  );

  it.each([
    ["no version", { capabilities: {}, clientInfo: { name: "c", version: "1" } }],
    [
      "a version that is no text",
      { protocolVersion: 1, capabilities: {}, clientInfo: { name: "c", version: "1" } },
    ],
    [
      "capabilities that are no object",
      { protocolVersion: legacyRevision, capabilities: 1, clientInfo: { name: "c", version: "1" } },
    ],
    ["no params", undefined],
  ])("[S25-01c] refuses initialize with %s", async (_case, params) => {
    const answer = await send(target.url, {
      headers: baseHeaders,
      body: legacyRequest("initialize", params, 1),
    });
    expect(answer.status).toBeLessThan(500);
    expect(answer.message?.error?.code).toBe(-32602);
    expect(answer.headers).not.toHaveProperty("mcp-session-id");
  });

  it("begins no session for an initialize without an id, which nobody could answer", async () => {
    const clientInfo = { name: "tests", version: "1" };
    const params = { protocolVersion: legacyRevision, capabilities: {}, clientInfo };
    const body = notification("initialize", params);
    const { status, headers, message } = await send(target.url, { headers: baseHeaders, body });
    expect(status).toBe(400);
    expect(headers["mcp-session-id"]).toBeUndefined();
    expect(message?.error?.code).toBe(-32600);
  });

  it("[S25-05a] gives session ids of visible ASCII, no two alike", async () => {
    const ids = new Set<string>();
    for (let n = 0; n < 20; n++) {
      const id = String((await initialize(target.url)).headers["mcp-session-id"]);
      expect(id).toMatch(/^[\x21-\x7e]{16,}$/);
      ids.add(id);
    }
    expect(ids.size).toBe(20);
  });

  it.each(["tools/list", "tools/call", "resources/list", "logging/setLevel"])(
    "[S25-01a, S25-05c] refuses %s before initialize with 400",
    async (method) => {
      const answer = await send(target.url, {
        headers: baseHeaders,
        body: legacyRequest(method, {}, 1),
      });
      expect(answer.status).toBe(400);
      expect(answer.message?.error?.code).toBeDefined();
    },
  );

  it("[S25-05b] answers an ended session with 404, on every method", async () => {
    const session = await openSession(target.url);
    const ended = await session.end();
    expect(ended.status).toBeGreaterThanOrEqual(200);
    expect(ended.status).toBeLessThan(300);
    expect((await session.request("tools/list")).status).toBe(404);
    expect((await session.notify("notifications/cancelled", { requestId: 1 })).status).toBe(404);
    expect((await session.end()).status).toBe(404);
    const stream = await session.get();
    expect(stream.status).toBe(404);
    stream.close();
  });

  it.each(["no-such-session", "x".repeat(1_000), "../../etc/passwd"])(
    "[S25-05b] answers the unknown session %s with 404",
    async (id) => {
      const answer = await send(target.url, {
        headers: { ...baseHeaders, "mcp-session-id": id, "mcp-protocol-version": legacyRevision },
        body: legacyRequest("tools/list", {}, 1),
      });
      expect(answer.status).toBe(404);
    },
  );

  it.each(["1999-01-01", "nonsense", "2025-11-25, 2025-06-18"])(
    "[S25-08a] refuses the version header %s with 400",
    async (version) => {
      const session = await openSession(target.url);
      const body = legacyRequest("tools/list", {}, 1);
      const answer = await session.post(body, { "mcp-protocol-version": version });
      expect(answer.status).toBe(400);
    },
  );

  it("[S25-08b] serves a request without version header", async () => {
    const session = await openSession(target.url);
    const { "mcp-protocol-version": _version, ...headers } = session.headers;
    const body = legacyRequest("tools/list", {}, 1);
    expect((await send(target.url, { headers, body })).status).toBe(200);
  });

  it("[S25-09] answers ping with {}", async () => {
    const session = await openSession(target.url);
    const { message } = await session.request("ping");
    expect(message?.result).toEqual({});
  });

  it("[S25-04] takes notifications and responses with 202 and no body", async () => {
    const session = await openSession(target.url);
    for (const answer of [
      await session.notify("notifications/initialized"),
      await session.notify("notifications/no_such"),
      await session.respond(999, {}),
      await session.post({ jsonrpc: "2.0", id: 999, error: { code: -1, message: "no" } }),
    ]) {
      expect(answer).toMatchObject({ status: 202, text: "" });
    }
  });

  it("[S25-03] serves GET with an event stream, and refuses other Accept headers", async () => {
    const session = await openSession(target.url);
    const stream = await session.get();
    expect(stream.status).toBe(200);
    expect(stream.headers["content-type"]).toMatch(/^text\/event-stream/);
    stream.close();
    const refused = await send(target.url, {
      method: "GET",
      headers: { ...session.headers, accept: "application/json" },
    });
    expect([405, 406]).toContain(refused.status);
  });

  it("[S25-14] sends nothing of the later revision", async () => {
    const session = await openSession(target.url);
    for (const [method, params] of [
      ["tools/list", {}],
      ["tools/call", { name: "test_simple_text", arguments: {} }],
      ["prompts/list", {}],
      ["resources/list", {}],
      ["resources/templates/list", {}],
    ] as const) {
      const { message } = await session.request(method, params);
      expect(message?.result, method).toBeDefined();
      for (const member of ["resultType", "ttlMs", "cacheScope"]) {
        expect(message?.result, method).not.toHaveProperty(member);
      }
    }
    for (const method of ["server/discover", "subscriptions/listen"]) {
      const { message } = await session.request(method, { notifications: {} });
      expect(message?.error?.code).toBe(-32601);
    }
    const missing = await session.request("resources/read", { uri: "test://no-such" });
    expect(missing.message?.error).toMatchObject({ code: -32002, data: { uri: "test://no-such" } });
  });

  it("[S25-14] answers an unknown method with -32601 in a 200", async () => {
    const session = await openSession(target.url);
    expect(await session.request("no/such")).toMatchObject({
      status: 200,
      message: { error: { code: -32601 } },
    });
  });
});

describe("what was negotiated", () => {
  it("[S25-02] holds for the session: capabilities that were not declared are not used", async () => {
    const session = await openSession(own.url, { capabilities: { roots: {} } });
    for (const tool of ["ask_name", "ask_url", "ask_model"]) {
      const answer = await session.callTool(tool);
      expect(answer.messages).toHaveLength(1);
      expect(answer.message?.error ?? answer.message?.result?.isError).toBeTruthy();
    }
  });

  it.each([
    ["2024-11-05", ["text", "resource", "text"]],
    ["2025-03-26", ["text", "audio", "text"]],
    ["2025-06-18", ["text", "audio", "resource_link"]],
    ["2025-11-25", ["text", "audio", "resource_link"]],
  ])(
    "[S25-02] holds for the session: %s gets no content of later kinds",
    async (revision, kinds) => {
      const session = await openSession(own.url, { revision });
      const { message } = await session.callTool("kinds");
      expect(message?.result?.content?.map(({ type }) => type)).toEqual(kinds);
    },
  );

  it("[S25-24b] output is an object: what is none is wrapped, in schema and value alike", async () => {
    const session = await openSession(own.url);
    const listed = await session.request("tools/list");
    const tool = listed.message?.result?.tools?.find(({ name }) => name === "list");
    expect(tool?.outputSchema).toMatchObject({ type: "object" });
    for (const name of ["list", "scalar", "object"]) {
      const { message } = await session.callTool(name);
      const { structuredContent } = message?.result ?? {};
      if (structuredContent !== undefined) {
        expect(structuredContent).toEqual(expect.any(Object));
        expect(Array.isArray(structuredContent)).toBe(false);
      }
    }
    const wrapped = await session.callTool("list");
    expect(JSON.parse(textOf(wrapped.message) ?? "")).toEqual([1, 2]);
    expect(Object.values(wrapped.message?.result?.structuredContent ?? {})).toEqual([[1, 2]]);
  });
});

describe("batches", () => {
  it("are part of 2025-03-26 only", async () => {
    const old = await openSession(own.url, { revision: "2025-03-26" });
    const batch = [
      legacyRequest("ping", undefined, "a"),
      legacyRequest("tools/call", { name: "test_simple_text", arguments: {} }, "b"),
      { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "x" } },
    ];
    const answer = await old.post(batch);
    expect(answer.status).toBe(200);
    expect(answer.messages.map(({ id }) => id).sort()).toEqual(["a", "b"]);
    const current = await openSession(own.url);
    const refused = await current.post(batch);
    expect(refused.status).toBe(400);
    expect(refused.message?.error?.code).toBe(-32600);
  });

  it("of notifications only get 202", async () => {
    const old = await openSession(own.url, { revision: "2025-03-26" });
    const answer = await old.post([
      { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } },
    ]);
    expect(answer).toMatchObject({ status: 202, text: "" });
  });
});

describe("the stateless legacy mode", () => {
  const stateless = useServer((server) => server.tool("test_simple_text", {}, () => "text"), {
    legacy: "stateless",
  });

  it("serves without sessions, and refuses GET and DELETE with 405", async () => {
    const initialized = await initialize(stateless.url);
    expect(initialized.status).toBe(200);
    expect(initialized.headers).not.toHaveProperty("mcp-session-id");
    const headers = { ...baseHeaders, "mcp-protocol-version": legacyRevision };
    const body = legacyRequest("tools/call", { name: "test_simple_text", arguments: {} }, 1);
    expect(textOf((await send(stateless.url, { headers, body })).message)).toBe("text");
    for (const method of ["GET", "DELETE"]) {
      const answer = await send(stateless.url, {
        method,
        headers: { accept: "text/event-stream" },
      });
      expect(answer.status).toBe(405);
    }
  });
});

describe("the cap of sessions", () => {
  const small = useServer((server) => server.tool("test_simple_text", {}, () => "text"), {
    limits: { maxSessions: 3 },
  });

  it("answers one more with 503 and when to retry, and never drops one in use", async () => {
    const sessions = [];
    for (let n = 0; n < 3; n++) sessions.push(await openSession(small.url));
    const refused = await initialize(small.url);
    expect(refused.status).toBe(503);
    expect(refused.headers["retry-after"]).toMatch(/^\d+$/);
    for (const session of sessions) expect((await session.request("ping")).status).toBe(200);
    await sessions[0]?.end();
    expect((await initialize(small.url)).status).toBe(200);
  });
});
