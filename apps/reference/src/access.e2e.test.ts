import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JWTConfig } from "./access/access-config.ts";
import { createJWTAuth } from "./access/authentication.ts";
import { KEYS, modern, startApplication, type TestApplication } from "./harness.test-support.ts";

const JWT: JWTConfig = {
  secretKey: "the secret of the tests, which is longer than 32 bytes",
  issuer: "https://issuer.example",
  audience: "https://reference.example/mcp",
};

let app: TestApplication;

beforeAll(async () => {
  app = await startApplication({
    JWT_SECRET: JWT.secretKey,
    JWT_ISSUER: JWT.issuer,
    JWT_AUDIENCE: JWT.audience,
  });
});

afterAll(() => app.stop());

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, app.url), { headers, redirect: "manual" });
}

async function toolsFor(key: string): Promise<readonly string[]> {
  const { result } = await modern(app.url, { method: "tools/list", key });
  return result.tools.map(({ name }: { name: string }) => name);
}

describe("who may ask for what", () => {
  const KNOWN = { operator: 200, planner: 403, user: 403 };
  it.each([
    ["/metrics", { ...KNOWN, metrics: 200 }],
    ["/health/details", { ...KNOWN, metrics: 403 }],
  ] as const)("%s", async (path, expected) => {
    expect((await get(path)).status).toBe(401);
    for (const [name, status] of Object.entries(expected)) {
      const key = KEYS[name as keyof typeof KEYS];
      expect((await get(path, { "X-API-Key": key })).status, name).toBe(status);
      expect((await get(path, { Authorization: `Bearer ${key}` })).status, name).toBe(status);
    }
  });

  it("probes answer everybody", async () => {
    expect((await get("/health")).status).toBe(200);
    expect((await get("/ready")).status).toBe(200);
  });

  it("MCP answers nobody without a credential, and no scraper", async () => {
    for (const [key, status] of [
      ["", 401],
      ["no-such-key", 401],
      [KEYS.metrics, 403],
      [KEYS.user, 400],
    ] as const) {
      const response = await fetch(app.url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "X-API-Key": key,
        },
        body: "{}",
      });
      expect(response.status, key).toBe(status);
    }
  });

  it("tools are shown to whom they are served", async () => {
    const operator = await toolsFor(KEYS.operator);
    const planner = await toolsFor(KEYS.planner);
    const user = await toolsFor(KEYS.user);
    expect(operator).toEqual(expect.arrayContaining(["book_event", "plan_day", "fail_on_purpose"]));
    expect(operator.filter((name) => !planner.includes(name))).toEqual(["fail_on_purpose"]);
    expect(planner.filter((name) => !user.includes(name))).toEqual(["book_event", "plan_day"]);
    const hidden = await modern(app.url, {
      method: "tools/call",
      params: { name: "book_event", arguments: {} },
      key: KEYS.user,
    });
    const unknown = await modern(app.url, {
      method: "tools/call",
      params: { name: "no_such_tool", arguments: {} },
      key: KEYS.user,
    });
    expect(hidden.error?.code).toBe(unknown.error?.code);
  });
});

describe("the dashboard", () => {
  const signIn = (credential: string) =>
    fetch(new URL("/dashboard/sign-in", app.url), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ credential }),
    });

  it("lets in operators, by key and by token, and nobody else", async () => {
    expect(await (await get("/dashboard")).text()).toContain("<form");
    for (const key of [KEYS.planner, KEYS.user, KEYS.metrics, "no-such-key"]) {
      expect((await signIn(key)).headers.get("set-cookie"), key).toBeNull();
      expect((await get("/dashboard/tools", { "X-API-Key": key })).status, key).toBeGreaterThan(
        400,
      );
    }
    expect((await signIn(await createJWTAuth(JWT).issue({ sub: "bob" }))).ok).toBe(false);
    const token = await createJWTAuth(JWT).issue({ sub: "root", roles: ["operator"] });
    for (const credential of [KEYS.operator, token]) {
      const cookie = (await signIn(credential)).headers.get("set-cookie")?.split(";")[0] as string;
      expect(await (await get("/dashboard/tools", { cookie })).text()).toContain("plan_day");
    }
  });

  it("shows a call that was made, with who made it", async () => {
    await modern(app.url, {
      method: "tools/call",
      params: { name: "get_calendar", arguments: { date: "2026-06-12" } },
      key: KEYS.user,
    });
    const cookie = (await signIn(KEYS.operator)).headers.get("set-cookie")?.split(";")[0] as string;
    const stopped = new AbortController();
    const response = await fetch(new URL("/dashboard/events", app.url), {
      headers: { cookie },
      signal: stopped.signal,
    });
    let shown = "";
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      shown += text;
      if (shown.includes("get_calendar") && shown.includes('"user"')) break;
    }
    stopped.abort();
    expect(shown).toContain("get_calendar");
  });
});

describe("a token", () => {
  const tools = async (token: string) => {
    const response = await fetch(app.url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        Authorization: `Bearer ${token}`,
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/list",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/list",
        params: {
          _meta: {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
          },
        },
      }),
    });
    return { status: response.status, text: await response.text() };
  };

  it("brings its scopes and roles", async () => {
    const jwt = createJWTAuth(JWT);
    const planner = await tools(await jwt.issue({ sub: "alice", scope: "calendar:write" }));
    expect(planner.text).toContain('"book_event"');
    expect(planner.text).not.toContain("fail_on_purpose");
    const operator = await tools(await jwt.issue({ sub: "root", roles: ["operator"] }));
    expect(operator.text).toContain("fail_on_purpose");
    expect((await tools(await jwt.issue({ sub: "bob" }))).text).not.toContain('"book_event"');
  });

  it("of somebody else is refused", async () => {
    const other = createJWTAuth({ ...JWT, secretKey: `another ${JWT.secretKey}` });
    expect((await tools(await other.issue({ sub: "mallory" }))).status).toBe(401);
    const elsewhere = createJWTAuth({ ...JWT, audience: "https://elsewhere.example/mcp" });
    expect((await tools(await elsewhere.issue({ sub: "mallory" }))).status).toBe(401);
  });
});

describe("limits", () => {
  it("refuse what is too often, of one caller and not of others", async () => {
    const limited = await startApplication({ CALLS_PER_MINUTE: "2" });
    const call = (key: string) => modern(limited.url, { method: "tools/list", key });
    expect((await call(KEYS.user)).error).toBeUndefined();
    expect((await call(KEYS.user)).error).toBeUndefined();
    expect((await call(KEYS.user)).error).toMatchObject({
      code: -1429,
      data: { retryAfterMs: expect.any(Number) },
    });
    expect((await call(KEYS.planner)).error).toBeUndefined();
    await limited.stop();
  });
});

describe("a run without keys", () => {
  it("has one of its own, which may do everything and is another each time", async () => {
    const { developmentKey: key, ...first } = await startApplication({ API_KEYS: "" });
    const second = await startApplication({ API_KEYS: "" });
    expect(key).toMatch(/^[\w-]{20,}/);
    expect(second.developmentKey).not.toBe(key);
    const details = new URL("/health/details", first.url);
    const headers = { "X-API-Key": key as string };
    expect((await fetch(details, { headers })).status).toBe(200);
    expect((await fetch(new URL("/health/details", second.url), { headers })).status).toBe(401);
    await Promise.all([first.stop(), second.stop()]);
  });
});
