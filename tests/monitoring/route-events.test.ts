import { createServer, get as httpGet } from "node:http";
import type { AddressInfo } from "node:net";
import { AuditLog, type AuditRecord, logEvents, MCPMetrics } from "@backplane/monitoring";
import { Dashboard } from "@backplane/monitoring/dashboard";
import { prometheus } from "@backplane/monitoring/prometheus";
import type { HttpRoute, MCPServer, MCPServerOptions } from "@backplane/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { heard } from "./harness/heard.ts";
import { guarded, KEYS, observedServer } from "./harness/observed-server.ts";

const ADA = { "X-API-Key": KEYS.ada };

/** What is told of its caller. */
const asAda = expect.objectContaining({ id: "ada" });

const ROUTES: readonly HttpRoute[] = [
  { method: "GET", path: "/files/*", access: "public", handle: ({ path }) => ({ body: path }) },
  {
    method: "POST",
    path: "/notes",
    access: "authenticated",
    maxBodyBytes: 10,
    handle: () => ({ status: 201, body: "{}" }),
  },
  { method: "GET", path: "/local", access: "authenticated", open: true, handle: () => ({}) },
  { method: "GET", path: "/gone", access: "authenticated", handle: () => ({ status: 410 }) },
  {
    method: "GET",
    path: "/throws",
    access: "authenticated",
    handle: () => {
      throw new Error("the secret reason");
    },
  },
  { method: "GET", path: "/hangs", access: "public", handle: () => new Promise(() => {}) },
  {
    method: "GET",
    path: "/events",
    access: "authenticated",
    handle: () => ({ stream: (stream) => stream.send({ data: "1" }) }),
  },
];

async function routed(options: Partial<MCPServerOptions> = {}) {
  const { server, url } = await observedServer({ ...guarded(), ...options });
  for (const route of ROUTES) server.addRoute(route);
  const ask = (path: string, init: RequestInit = {}) => fetch(new URL(path, url), init);
  return { server, url, ask };
}

/** A route that says when it has begun, and answers when it is told to. */
function slowRoute() {
  let end = (): void => {};
  let begin = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const handle = async () => {
    begin();
    await ended;
    return {};
  };
  const route: HttpRoute = { method: "GET", path: "/slow", access: "public", handle };
  return { began, end, route };
}

/** The same routes behind a `node:http` server of the user's own, or a framework of web requests. */
async function mounted(server: MCPServer, kind: "node" | "fetch"): Promise<URL> {
  const http = createServer((request, response) => {
    if (kind === "node") {
      server.nodeRouteHandler(request, response);
      return;
    }
    const { method = "GET", headers } = request;
    const init = { method, headers: headers as Record<string, string> };
    void server
      .routeHandler(new Request(`http://${headers.host}${request.url}`, init))
      ?.then(async (answer) => response.writeHead(answer.status).end(await answer.text()));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void http.close());
  return new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
}

describe("a route tells how its request ended", () => {
  it.each<[what: string, path: string, init: RequestInit, told: object]>([
    ["public", "/files/of/somebody?a=1", {}, { route: "/files/*", access: "public", status: 200 }],
    ["HEAD", "/files/a", { method: "HEAD" }, { route: "/files/*", method: "HEAD", status: 200 }],
    ["by whom", "/gone", { headers: ADA }, { status: 410, principal: asAda }],
    ["open", "/local", {}, { access: "authenticated", status: 200, principal: undefined }],
    ["a probe", "/health", {}, { route: "/health", access: "probe", status: 200 }],
    ["a probe that looks", "/ready?x", {}, { route: "/ready", access: "probe", status: 200 }],
    ["a probe refused", "/ready", { method: "POST" }, { status: 405, stage: "method" }],
    ["a method", "/notes", { method: "DELETE" }, { status: 405, stage: "method", route: "/notes" }],
    ["no credential", "/notes", { method: "POST" }, { status: 401, stage: "authentication" }],
    [
      "an origin",
      "/files/a",
      { headers: { origin: "https://evil.example" } },
      { route: "/files/*", status: 403, stage: "guards" },
    ],
    [
      "a body",
      "/notes",
      { method: "POST", headers: ADA, body: "x".repeat(11) },
      { status: 413, stage: "too_large", principal: asAda },
    ],
    [
      "a proxy",
      "/local",
      { headers: { "x-forwarded-for": "203.0.113.9" } },
      { status: 403, stage: "not_local" },
    ],
  ])("%s", async (_what, path, init, told) => {
    const { server, ask } = await routed();
    const ends = heard("routeEnd");
    await (await ask(path, init)).arrayBuffer();
    expect(ends).toEqual([
      {
        serverId: server.serverId,
        route: new URL(path, "http://localhost").pathname,
        access: expect.any(String),
        method: init.method ?? "GET",
        scheme: "http",
        remoteAddress: "127.0.0.1",
        principal: undefined,
        stage: undefined,
        correlationId: undefined,
        durationMs: expect.any(Number),
        ...told,
      },
    ]);
    expect(ends[0]?.durationMs).toBeGreaterThan(0);
  });

  it("a path that no route is for is told of by nobody", async () => {
    const { ask } = await routed();
    const ends = heard("routeEnd");
    expect((await ask("/nothing")).status).toBe(404);
    expect(ends).toEqual([]);
  });

  it("an error that was masked, under the id that the client saw", async () => {
    const { ask } = await routed();
    const ends = heard("routeEnd");
    const answer = await (await ask("/throws", { headers: ADA })).text();
    expect(ends).toMatchObject([{ status: 500, stage: undefined }]);
    expect(ends[0]?.correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer).toContain(ends[0]?.correlationId);
  });

  it("an authenticator that failed is an error, and refuses nobody", async () => {
    const crash = () => {
      throw new Error("broken");
    };
    const { ask } = await routed({ auth: { authenticate: crash } });
    const ends = heard("routeEnd");
    expect((await ask("/gone")).status).toBe(500);
    expect(ends).toMatchObject([{ status: 500, stage: undefined }]);
  });

  it("its time was over", async () => {
    const { ask } = await routed({ deadlines: { idleMs: 30 } });
    const ends = heard("routeEnd");
    expect((await ask("/hangs")).status).toBe(503);
    expect(ends).toMatchObject([{ status: 503, stage: "deadline" }]);
  });

  it("too many at once, and too many streams", async () => {
    const limits = heard("limit");
    const { url, ask } = await routed({ limits: { maxInFlight: 1, maxStreams: 1 } });
    const ends = heard("routeEnd");
    const stream = await ask("/events", { headers: ADA });
    expect((await ask("/events", { headers: ADA })).status).toBe(503);
    const hanging = httpGet(new URL("/hangs", url)).on("error", () => {});
    await vi.waitFor(async () => expect((await ask("/files/a")).status).toBe(503));
    hanging.destroy();
    await stream.body?.cancel();
    const stages = ends.map(({ route, stage }) => [route, stage]);
    expect(stages).toContainEqual(["/events", "too_many_streams"]);
    expect(stages).toContainEqual(["/files/*", "overloaded"]);
    expect(limits).toContainEqual(
      expect.objectContaining({ limit: "maxStreams", route: "/events", context: undefined }),
    );
    expect(limits).toContainEqual(
      expect.objectContaining({ limit: "maxInFlight", route: "/files/*" }),
    );
  });

  it("a stream, when it has closed", async () => {
    const { ask } = await routed();
    const ends = heard("routeEnd");
    const stream = await ask("/events", { headers: ADA });
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(ends).toEqual([]);
    await stream.body?.cancel();
    await vi.waitFor(() => expect(ends).toHaveLength(1));
    expect(ends[0]).toMatchObject({
      status: 200,
      principal: { id: "ada" },
      remoteAddress: "127.0.0.1",
    });
    expect(ends[0]?.durationMs).toBeGreaterThan(30);
  });

  it("a client that was gone before the answer", async () => {
    const { server, url } = await routed();
    const { began, route } = slowRoute();
    server.addRoute(route);
    const ends = heard("routeEnd");
    const request = httpGet(new URL("/slow", url)).on("error", () => {});
    await began;
    request.destroy();
    await vi.waitFor(() => expect(ends).toHaveLength(1));
    expect(ends[0]).toMatchObject({ status: undefined, stage: undefined });
  });

  it("and is refused while the server drains", async () => {
    const { server, url } = await observedServer();
    for (const route of ROUTES.slice(0, 1)) server.addRoute(route);
    const { began, end, route } = slowRoute();
    server.addRoute(route);
    const ends = heard("routeEnd");
    const slow = fetch(new URL("/slow", url));
    await began;
    const stopped = server.stop();
    expect((await fetch(new URL("/files/a", url))).status).toBe(503);
    expect((await fetch(new URL("/ready", url))).status).toBe(503);
    end();
    await slow;
    await stopped;
    expect(ends.map(({ route, status, stage }) => [route, status, stage])).toEqual([
      ["/files/*", 503, "draining"],
      ["/ready", 503, undefined],
      ["/slow", 200, undefined],
    ]);
  });

  it.each(["node", "fetch"] as const)("behind a server of the user's own: %s", async (kind) => {
    const { server } = await routed();
    const base = await mounted(server, kind);
    const ends = heard("routeEnd");
    for (const path of ["/files/a", "/gone", "/health"]) await fetch(new URL(path, base));
    expect(ends.map(({ route, status, stage }) => [route, status, stage])).toEqual([
      ["/files/*", 200, undefined],
      ["/gone", 401, "authentication"],
      ["/health", 200, undefined],
    ]);
  });

  it.each([
    ["https://routes.example", "https"],
    ["http://routes.example", "http"],
  ] as const)("over what its client came: %s", async (origin, scheme) => {
    const { server } = await routed({ allowedHosts: ["routes.example"] });
    const ends = heard("routeEnd");
    await server.routeHandler(new Request(`${origin}/files/a`));
    expect(ends).toMatchObject([{ status: 200, scheme, remoteAddress: undefined }]);
  });

  it("which proxies say that are trusted, and no others", async () => {
    const { ask } = await routed({ trustProxy: ["loopback"] });
    const ends = heard("routeEnd");
    const headers = { "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9" };
    await ask("/health", { headers });
    expect(ends).toMatchObject([{ scheme: "https", remoteAddress: "203.0.113.9" }]);
    const untrusting = await routed();
    await untrusting.ask("/health", { headers });
    expect(ends.at(-1)).toMatchObject({ scheme: "http", remoteAddress: "127.0.0.1" });
  });
});

describe("what is served beside MCP is counted", () => {
  it("by method and route, with statuses and refusals, apart from the totals", async () => {
    const { server, ask } = await routed();
    const metrics = new MCPMetrics({ server });
    onTestFinished(() => metrics.close());
    server.addRoute(prometheus(metrics));
    for (let n = 0; n < 3; n++) await ask(`/files/${n}`);
    await ask("/gone", { headers: ADA });
    await ask("/gone");
    await ask("/throws", { headers: ADA });
    await ask("/health");
    await (await ask("/metrics", { headers: ADA })).text();
    const { routes, totalRequests } = await metrics.getStats();
    expect(totalRequests).toBe(0);
    expect(routes).toMatchObject({
      "GET /files/*": { requests: 3, errors: 0, statuses: { 200: 3 }, refusals: {} },
      "GET /gone": { requests: 2, statuses: { 410: 1, 401: 1 }, refusals: { authentication: 1 } },
      "GET /throws": { requests: 1, errors: 1, errorRate: 1, statuses: { 500: 1 } },
      "GET /health": { requests: 1, errors: 0 },
      "GET /metrics": { requests: 1 },
    });
    expect(routes["GET /files/*"]?.responseTime?.count).toBe(3);
    const text = await (await ask("/metrics", { headers: ADA })).text();
    expect(text).toMatch(
      /^http_server_request_duration_seconds_count\{http_request_method="GET",url_scheme="http",http_route="\/files\/\*",http_response_status_code="200"\} 3$/m,
    );
    expect(text).toMatch(
      /^http_server_request_duration_seconds_count\{.*http_route="\/throws",.*error_type="500"\} 1$/m,
    );
    expect(text).toMatch(/_bucket\{.*http_route="\/gone",.*le="0.075"\} 1$/m);
    expect(text).toContain(
      'backplane_server_routes_refused_total{http_route="/gone",http_request_method="GET",stage="authentication"} 1',
    );
  });

  it("and no path or method of a client's makes a label", async () => {
    const { server, url, ask } = await routed();
    const metrics = new MCPMetrics({ server });
    onTestFinished(() => metrics.close());
    for (let n = 0; n < 20; n++) await ask(`/files/${n}`);
    for (const method of ["PROPFIND", "MKCOL", "PURGE"]) {
      await server.routeHandler(new Request(new URL("/notes", url), { method }));
    }
    const { routes } = await metrics.getStats();
    expect(Object.keys(routes)).toEqual(["GET /files/*", "_OTHER /notes"]);
    expect(routes["_OTHER /notes"]).toMatchObject({ requests: 3, refusals: { method: 3 } });
  });

  it("only what is collected", async () => {
    const { server, ask } = await routed();
    const off = { collectRequestDuration: false, collectErrorRates: false };
    const metrics = new MCPMetrics({ server, ...off });
    onTestFinished(() => metrics.close());
    server.addRoute(prometheus(metrics));
    await ask("/gone");
    const { routes } = await metrics.getStats();
    expect(routes["GET /gone"]).toEqual({
      requests: 1,
      errors: 0,
      errorRate: 0,
      responseTime: undefined,
      statuses: {},
      refusals: {},
    });
    const text = await (await ask("/metrics", { headers: ADA })).text();
    expect(text).toMatch(
      /^backplane_server_route_requests_total\{http_request_method="GET",url_scheme="http",http_route="\/gone"\} 1$/m,
    );
  });
});

describe("an audit of what is served beside MCP", () => {
  async function audited(options: { readonly skipRoutes?: readonly string[] } = {}) {
    const rig = await routed();
    const lines: string[] = [];
    const log = new AuditLog({
      server: rig.server,
      sink: (text) => void lines.push(...text.split("\n").slice(0, -1)),
      ...options,
    });
    const records = async (): Promise<AuditRecord[]> => {
      await log.flush();
      return lines.map((line) => JSON.parse(line) as AuditRecord).slice(1);
    };
    return { ...rig, records };
  }

  it("has one record of each decision: who was answered what, and what was refused", async () => {
    const { ask, records } = await audited();
    const post = { method: "POST", headers: ADA };
    await ask("/notes", { ...post, body: "x" });
    await ask("/notes", { ...post, body: "a body that nobody else may see" });
    await ask("/notes", { method: "POST", headers: { "X-API-Key": "not-a-key" } });
    await ask("/throws", { headers: ADA });
    await ask("/files/a", { headers: { origin: "https://evil.example" } });
    const all = await records();
    expect(all).toMatchObject([
      {
        kind: "route",
        principal: { id: "ada" },
        remoteAddress: "127.0.0.1",
        route: "/notes",
        method: "POST",
        status: 201,
        durationMs: expect.any(Number),
      },
      { kind: "route", principal: { id: "ada" }, status: 413, stage: "too_large" },
      { kind: "authentication", status: 401, stage: "key", route: "/notes" },
      { kind: "route", status: 500, correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      { kind: "route", principal: null, route: "/files/*", status: 403, stage: "guards" },
    ]);
    expect(all).toHaveLength(5);
    for (const hidden of ["nobody else may see", KEYS.ada, "not-a-key", "secret reason"]) {
      expect(JSON.stringify(all)).not.toContain(hidden);
    }
  });

  it("is not filled by probes, nor by what everybody may read", async () => {
    const { ask, records } = await audited();
    for (const path of ["/health", "/ready", "/files/a"]) await ask(path);
    await ask("/health", { method: "POST" });
    expect(await records()).toEqual([]);
  });

  it("skips what it is told to, and nothing else", async () => {
    const { ask, records } = await audited({ skipRoutes: ["/gone"] });
    for (const path of ["/health", "/gone", "/local"]) await ask(path, { headers: ADA });
    expect(await records()).toMatchObject([{ route: "/health" }, { route: "/local" }]);
  });

  it("says which route a refused sign-in was for", async () => {
    const { server, ask, records } = await audited();
    const metrics = new MCPMetrics({ server });
    onTestFinished(() => metrics.close());
    new Dashboard({ server, metrics });
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ credential: "not-a-key" });
    await ask("/dashboard", {});
    await ask("/dashboard/sign-in", { method: "POST", headers, body });
    expect(await records()).toMatchObject([
      { kind: "authentication", route: "/dashboard/sign-in", status: 401 },
      { kind: "route", route: "/dashboard/sign-in", method: "POST", status: 401 },
    ]);
  });
});

it("is logged at debug, unless asked for otherwise", async () => {
  const { server, ask } = await routed();
  const lines: [level: string, fields: object][] = [];
  const at = (level: string) => (fields: object) => void lines.push([level, fields]);
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  onTestFinished(logEvents({ server, logger }));
  await ask("/gone", { headers: ADA });
  expect(lines).toMatchObject([
    ["debug", { route: "/gone", method: "GET", status: 410, principal: "ada" }],
  ]);
});
