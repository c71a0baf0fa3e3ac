import type { AuditedCall, AuditRecord } from "@backplane/monitoring";
import { MCPMetrics } from "@backplane/monitoring";
import { Dashboard } from "@backplane/monitoring/dashboard";
import { MCPServer } from "@backplane/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type DashboardRig, dashboardRig } from "./harness/dashboard-rig.ts";
import { KEYS } from "./harness/observed-server.ts";

const JSON_TYPE = { "Content-Type": "application/json" };

async function rig(...options: Parameters<typeof dashboardRig>): Promise<DashboardRig> {
  const made = await dashboardRig(...options);
  onTestFinished(() => made.stop());
  return made;
}

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify(body),
  });
}

/** Signs in and returns what has to come with each request. */
async function signedIn(at: string, credential: string): Promise<Record<string, string>> {
  const response = await post(`${at}/sign-in`, { credential });
  expect(response.status).toBe(200);
  const cookie = (response.headers.get("set-cookie") ?? "").split(";")[0] as string;
  const { csrfToken } = (await (
    await fetch(`${at}/session`, { headers: { cookie } })
  ).json()) as Record<string, string>;
  return { cookie, "X-CSRF-Token": csrfToken as string };
}

/** The last event of a call that the form makes. */
async function called(at: string, headers: Record<string, string>, body: object): Promise<string> {
  const response = await post(`${at}/call`, body, headers);
  expect(response.status).toBe(200);
  return (await response.text()).trimEnd().split("\n\n").at(-1) as string;
}

describe("signing in", () => {
  it("exchanges a key for a cookie that no script reads and no other site sends", async () => {
    const { at } = await rig();
    const response = await post(`${at}/sign-in`, { credential: KEYS.ada });
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(
      /^backplane_dashboard_\d+=[\w-]{43}; Path=\/dashboard; Max-Age=28[78]\d\d; HttpOnly; SameSite=Strict$/,
    );
    expect(cookie).not.toContain(KEYS.ada);
  });

  it.each([
    ["a wrong key", { credential: "wrong" }, 401],
    ["no key", {}, 400],
    ["a header in the key", { credential: "a\r\nx-admin: 1" }, 400],
    ["megabytes", { credential: "k".repeat(60_000) }, 400],
    ["no text", { credential: { $ne: null } }, 400],
  ])("refuses %s", async (_what, body, status) => {
    const { at } = await rig();
    const response = await post(`${at}/sign-in`, body);
    expect([response.status, response.headers.get("set-cookie")]).toEqual([status, null]);
  });

  it("refuses what the form of another page can send", async () => {
    const { at } = await rig();
    const headers = { "Content-Type": "text/plain" };
    const body = JSON.stringify({ credential: KEYS.ada });
    expect((await fetch(`${at}/sign-in`, { method: "POST", headers, body })).status).toBe(415);
    const origin = { Origin: "https://elsewhere.example" };
    expect((await post(`${at}/sign-in`, { credential: KEYS.ada }, origin)).status).toBe(403);
  });

  it("is in the audit when it is refused", async () => {
    const { at, audit } = await rig();
    await post(`${at}/sign-in`, { credential: "wrong" });
    await audit.flush();
    expect(audit.recent(2)).toMatchObject([
      { kind: "route", route: "/dashboard/sign-in", status: 401 },
      { kind: "authentication", route: "/dashboard/sign-in", status: 401 },
    ]);
  });

  it("ends: signed out, revoked, no longer allowed, or one too many", async () => {
    const allowed = new Set(["ada", "bob"]);
    const { at, auth } = await rig({ allow: ({ id }) => allowed.has(id), maxSessions: 2 });
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${at}/tools`, { headers })).status;
    const first = await signedIn(at, KEYS.ada);
    expect(await status(first)).toBe(200);
    const { cookie = "" } = first;
    expect((await post(`${at}/sign-out`, {}, { cookie })).status).toBe(403);
    expect((await post(`${at}/sign-out`, {}, first)).status).toBe(200);
    expect(await status(first)).toBe(401);

    const oldest = await signedIn(at, KEYS.ada);
    const second = await signedIn(at, KEYS.ada);
    const bobs = await signedIn(at, KEYS.bob);
    expect([await status(oldest), await status(second), await status(bobs)]).toEqual([
      401, 200, 200,
    ]);

    allowed.delete("bob");
    expect(await status(bobs)).toBe(401);
    expect((await post(`${at}/sign-in`, { credential: KEYS.bob })).status).toBe(403);

    expect(auth.revokeKey(KEYS.ada)).toBe(true);
    const now = Date.now();
    vi.spyOn(Date, "now").mockReturnValue(now + 61_000);
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await status(second)).toBe(401);
  });

  it("loses what its principal loses, and ends when the credential is somebody else's", async () => {
    let principal = { id: "ada", scopes: ["admin"], roles: [] as string[] };
    const { at } = await rig(
      { allow: ({ scopes }) => scopes.includes("admin") },
      {
        auth: { authenticate: () => ({ principal }) },
      },
    );
    const [one, other] = [await signedIn(at, "any"), await signedIn(at, "any")];
    const status = async ({ cookie = "" }): Promise<number> =>
      (await fetch(`${at}/tools`, { headers: { cookie } })).status;
    let now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now);
    onTestFinished(() => void vi.restoreAllMocks());
    now += 61_000;
    expect([await status(one), await status(other)]).toEqual([200, 200]);
    now += 61_000;
    principal = { ...principal, scopes: [] };
    expect(await status(one)).toBe(401);
    principal = { ...principal, id: "bob", scopes: ["admin"] };
    expect(await status(other)).toBe(401);
  });

  it("ends with the credential", async () => {
    const expiresAtMs = Date.now() + 400;
    const auth = {
      authenticate: () => ({
        principal: { id: "short", scopes: [], roles: [], expiresAtMs },
      }),
    };
    const { at } = await rig({}, { auth });
    const headers = { cookie: (await signedIn(at, "any")).cookie as string };
    // The stream as well: the server ends it.
    const events = await fetch(`${at}/events`, { headers });
    await events.text();
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAtMs);
    const session = await fetch(`${at}/session`, { headers });
    expect(await session.json()).toEqual({ signedIn: false });
  });
});

describe("without signing in", () => {
  it("there is the page, and nothing about the server", async () => {
    const { at } = await rig();
    const page = await fetch(at);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const text = await page.text();
    expect(text).not.toMatch(/observed|echo|<script(?! type="module" src)|style=|\son\w+=/);
    for (const name of ["tools", "events"]) expect((await fetch(`${at}/${name}`)).status).toBe(401);
    expect((await post(`${at}/call`, { name: "echo" })).status).toBe(401);
    expect(await (await fetch(`${at}/session`)).json()).toEqual({ signedIn: false });
  });

  it("a key in a header may look, and calls over MCP instead", async () => {
    const { at } = await rig({ allow: ({ id }) => id === "ada" });
    const headers = { "X-API-Key": KEYS.ada };
    expect((await fetch(`${at}/tools`, { headers })).status).toBe(200);
    expect((await post(`${at}/call`, { name: "echo" }, headers)).status).toBe(403);
    expect((await fetch(`${at}/tools`, { headers: { "X-API-Key": KEYS.bob } })).status).toBe(401);
  });

  it("`open` serves this machine alone", async () => {
    const { at } = await rig({ open: true });
    expect((await fetch(at)).status).toBe(200);
    const forwarded = await fetch(at, { headers: { "X-Forwarded-For": "192.0.2.1" } });
    expect(forwarded.status).toBe(403);
    const { csrfToken } = (await (await fetch(`${at}/session`)).json()) as Record<string, string>;
    expect((await post(`${at}/call`, { name: "whoami" })).status).toBe(403);
    const token = { "X-CSRF-Token": csrfToken as string };
    expect(await called(at, token, { name: "whoami" })).toContain("nobody");
  });

  it("`open` is refused on a server that others can reach", async () => {
    const server = new MCPServer({ name: "open", version: "1", allowedHosts: ["example.com"] });
    onTestFinished(() => server.stop());
    new Dashboard({ server, metrics: new MCPMetrics({ server }), open: true });
    await expect(server.start({ port: 0, host: "0.0.0.0" })).rejects.toThrow(/\/dashboard is open/);
  });
});

describe("the form's calls", () => {
  it("need the token against forged requests", async () => {
    const { at } = await rig();
    const { cookie = "", "X-CSRF-Token": token = "" } = await signedIn(at, KEYS.ada);
    const other = await signedIn(at, KEYS.bob);
    for (const forged of [undefined, "", "x".repeat(43), other["X-CSRF-Token"]]) {
      const headers = { cookie, ...(forged !== undefined && { "X-CSRF-Token": forged }) };
      expect((await post(`${at}/call`, { name: "whoami" }, headers)).status).toBe(403);
    }
    const headers = { cookie, "X-CSRF-Token": token };
    expect(await called(at, headers, { name: "whoami" })).toContain("ada");
  });

  it("run as the principal who has signed in: its policy and the audit apply", async () => {
    const { at, audit } = await rig();
    const bob = await signedIn(at, KEYS.bob);
    const { tools } = (await (await fetch(`${at}/tools`, { headers: bob })).json()) as {
      tools: { name: string; inputSchema: object }[];
    };
    expect(tools.map(({ name }) => name)).not.toContain("secret");
    expect(tools.find(({ name }) => name === "echo")?.inputSchema).toMatchObject({
      properties: { text: { type: "string" } },
    });
    expect(await called(at, bob, { name: "secret" })).toMatch(/^event: error/);
    expect(await called(at, await signedIn(at, KEYS.ada), { name: "secret" })).toMatch(
      /^event: result/,
    );
    await audit.flush();
    const calls = audit.recent().filter(isCallOf("secret"));
    expect(calls.map(({ principal, outcome }) => [principal?.id, outcome])).toEqual([
      ["ada", "ok"],
      ["bob", "error"],
    ]);
  });

  it("end when the page goes away", async () => {
    const { at, audit } = await rig();
    const ada = await signedIn(at, KEYS.ada);
    const controller = new AbortController();
    await fetch(`${at}/call`, {
      method: "POST",
      headers: { ...JSON_TYPE, ...ada },
      body: JSON.stringify({ name: "hangs" }),
      signal: controller.signal,
    });
    controller.abort();
    await vi.waitFor(async () => {
      await audit.flush();
      expect(audit.recent().filter(isCallOf("hangs"))).toMatchObject([{ outcome: "cancelled" }]);
    });
  });

  it.each([
    "no JSON",
    "[]",
    '{"name":1}',
    '{"name":"a","arguments":[]}',
    '{"name":"a","requestState":{}}',
    '{"name":"a","inputResponses":1}',
  ])("refuse %s", async (body) => {
    const { at } = await rig();
    const headers = { ...JSON_TYPE, ...(await signedIn(at, KEYS.ada)) };
    expect((await fetch(`${at}/call`, { method: "POST", headers, body })).status).toBe(400);
  });
});

describe("construction", () => {
  const server = new MCPServer({ name: "s", version: "1", auth: { authenticate: () => failure } });
  const failure = { failure: { status: 401 as const, headers: {}, message: "no" } };
  const metrics = new MCPMetrics({ server });

  it.each([
    ["metrics of another server", { metrics: new MCPMetrics({ server: other() }) }, /"metrics"/],
    ["a path with a query", { path: "/a?b" }, /"path"/],
    ["an unknown option", { colour: "red" }, /unknown option "colour"/],
    ["an audit that is none", { audit: {} }, /"audit"/],
    ["no time", { sessionMs: 0 }, /"sessionMs"/],
  ])("refuses %s", (_what, wrong, message) => {
    expect(() => new Dashboard({ server, metrics, ...wrong } as never)).toThrow(message);
  });

  it("refuses a server on which nobody could sign in, and leaves nothing behind", () => {
    const unguarded = other();
    const options = { server: unguarded, metrics: new MCPMetrics({ server: unguarded }) };
    expect(() => new Dashboard(options)).toThrow(/no option "auth"/);
    expect(unguarded.routes.filter(({ path }) => path.startsWith("/dashboard"))).toEqual([]);
    // A path of its own is taken, and everything else is left again.
    const remove = unguarded.addRoute({
      method: "POST",
      path: "/dashboard/call",
      access: "public",
      handle: () => ({}),
    });
    expect(() => new Dashboard({ ...options, open: true })).toThrow(/a route POST/);
    remove();
    new Dashboard({ ...options, open: true }).close();
    expect(unguarded.routes.filter(({ path }) => path.startsWith("/dashboard"))).toEqual([]);
  });

  it("closes with its server", async () => {
    const { server, at, stop } = await dashboardRig();
    const { cookie = "" } = await signedIn(at, KEYS.ada);
    const events = await fetch(`${at}/events`, { headers: { cookie } });
    await stop();
    await events.text();
    expect(server.routes.filter(({ path }) => path.startsWith("/dashboard"))).toEqual([]);
  });
});

function other(): MCPServer {
  return new MCPServer({ name: "other", version: "1" });
}

function isCallOf(target: string): (record: AuditRecord) => record is AuditedCall {
  return (record): record is AuditedCall => record.kind === "call" && record.target === target;
}
