import { createServer, get as httpGet } from "node:http";
import {
  CHANNELS,
  type HttpRoute,
  type HttpRouteResponse,
  type Principal,
} from "@backplane/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MCPServer, type MCPServerOptions } from "../index.ts";
import { mountListener } from "./http-rig.test-support.ts";

const alice: Principal = { id: "alice", scopes: [], roles: [] };
const auth: NonNullable<MCPServerOptions["auth"]> = {
  authenticate: (request) =>
    request.header("authorization") === "Bearer good"
      ? { principal: alice }
      : { failure: { status: 401, headers: { "WWW-Authenticate": "Bearer" }, message: "no" } },
};
const GOOD = { authorization: "Bearer good" };

const servers: MCPServer[] = [];
const logged: { fields: Record<string, unknown>; message: string }[] = [];
const log = (fields: object, message: string): void =>
  void logged.push({ fields: { ...fields }, message });
const logger = { debug: log, info: log, warn: log, error: log };

function make(options: Partial<MCPServerOptions> = {}): MCPServer {
  const server = new MCPServer({ name: "routes", version: "1.0.0", logger, ...options });
  servers.push(server);
  return server;
}

async function started(server: MCPServer): Promise<string> {
  const { url } = await server.start({ port: 0 });
  return new URL("/", url).href.slice(0, -1);
}

function route(
  path: string,
  handle: HttpRoute["handle"] = () => ({ body: '"ok"' }),
  more: Partial<HttpRoute> = {},
): HttpRoute {
  return { method: "GET", path, access: "public", handle, ...more };
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  logged.length = 0;
});

describe("a route", () => {
  it("is answered by the listener of start, and by nothing once it is taken off", async () => {
    const server = make();
    const base = await started(server);
    const remove = server.addRoute(
      route("/hello", ({ query, path }) => ({
        status: 201,
        headers: { "Content-Type": "text/plain", "Set-Cookie": "a=b; HttpOnly" },
        body: `${path} ${query.get("name")}`,
      })),
    );
    const answer = await fetch(`${base}/hello?name=ü`);
    expect(answer.status).toBe(201);
    expect(await answer.text()).toBe("/hello ü");
    expect(answer.headers.get("content-type")).toBe("text/plain");
    expect(answer.headers.get("set-cookie")).toBe("a=b; HttpOnly");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await fetch(`${base}/hello`, { method: "HEAD" })).status).toBe(201);
    const wrong = await fetch(`${base}/hello`, { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    remove();
    expect((await fetch(`${base}/hello`)).status).toBe(404);
  });

  it("may be a whole folder; the nearest wins", async () => {
    const server = make();
    const base = await started(server);
    const say = (body: string) => (): HttpRouteResponse => ({ body });
    server.addRoute(route("/a/*", say("a/*")));
    server.addRoute(route("/a/b/*", say("a/b/*")));
    server.addRoute(route("/a/b/c", say("c")));
    const text = async (path: string) => (await fetch(base + path)).text();
    expect(await text("/a/b/c")).toBe("c");
    expect(await text("/a/b/d")).toBe("a/b/*");
    expect(await text("/a/x/y")).toBe("a/*");
    expect((await fetch(`${base}/a`)).status).toBe(404);
  });

  it("gets a body that is bounded, and cookies", async () => {
    const server = make();
    const base = await started(server);
    server.addRoute(
      route("/form", ({ body, cookie }) => ({ body: `${body} ${cookie("sid")} ${cookie("x")}` }), {
        method: "POST",
        maxBodyBytes: 10,
      }),
    );
    const post = (body: string) =>
      fetch(`${base}/form`, { method: "POST", body, headers: { cookie: "b=1; sid=s=1; sid=2" } });
    const hit: unknown[] = [];
    const hear = (event: unknown): void => void hit.push((event as { limit: string }).limit);
    CHANNELS.limit.subscribe(hear);
    expect(await (await post("0123456789")).text()).toBe("0123456789 s=1 undefined");
    expect((await post("0123456789a")).status).toBe(413);
    expect((await post("x".repeat(3_000_000))).status).toBe(413);
    CHANNELS.limit.unsubscribe(hear);
    expect(hit).toEqual(["maxBodyBytes", "maxBodyBytes"]);
  });

  it("bytes come as they are", async () => {
    const server = make();
    const base = await started(server);
    server.addRoute(route("/bytes", () => ({ body: new Uint8Array([0, 255, 128]) })));
    expect([...new Uint8Array(await (await fetch(`${base}/bytes`)).arrayBuffer())]).toEqual([
      0, 255, 128,
    ]);
  });

  it("that throws or hangs is masked, and logged once", async () => {
    const server = make({ deadlines: { idleMs: 50 } });
    const base = await started(server);
    server.addRoute(
      route("/throws", () => {
        throw new Error("the secret reason");
      }),
    );
    let aborted = false;
    server.addRoute(
      route("/hangs", ({ signal }) => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        return new Promise(() => {});
      }),
    );
    logged.length = 0;
    const answer = await fetch(`${base}/throws`);
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(text).not.toContain("secret");
    expect(logged).toHaveLength(1);
    expect(text).toContain(logged[0]?.fields["correlationId"]);
    expect((await fetch(`${base}/hangs`)).status).toBe(503);
    expect(aborted).toBe(true);
  });

  it("checks Host and Origin, and gives no CORS", async () => {
    const server = make({ allowedOrigins: ["https://app.example"] });
    const base = await started(server);
    const handle = vi.fn(() => ({ body: "1" }));
    server.addRoute(route("/guarded", handle));
    const evil = await fetch(`${base}/guarded`, { headers: { origin: "https://evil.example" } });
    expect(evil.status).toBe(403);
    const rebound = await new Promise((resolve) => {
      httpGet(`${base}/guarded`, { headers: { host: "evil.example" } }, ({ statusCode }) =>
        resolve(statusCode),
      );
    });
    expect(rebound).toBe(403);
    expect(handle).not.toHaveBeenCalled();
    const listed = await fetch(`${base}/guarded`, { headers: { origin: "https://app.example" } });
    expect(listed.status).toBe(200);
    expect(listed.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a route that wants to know its caller", () => {
  it("asks the server's authenticator before it reads a body", async () => {
    const server = make({ auth });
    const base = await started(server);
    const handle = vi.fn(({ principal }) => ({ body: principal.id }));
    server.addRoute(route("/mine", handle, { method: "POST", access: "authenticated" }));
    const refused = await fetch(`${base}/mine`, { method: "POST", body: "x" });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect(handle).not.toHaveBeenCalled();
    const answer = await fetch(`${base}/mine`, { method: "POST", body: "x", headers: GOOD });
    expect(await answer.text()).toBe("alice");
  });

  it("may know it by a cookie of its own, as long as the credential behind it lives", async () => {
    const server = make({ auth });
    const base = await started(server);
    let expiresAtMs = Date.now() + 60_000;
    server.addRoute(
      route("/mine", ({ principal }) => ({ body: principal?.id ?? "" }), {
        access: "authenticated",
        identify: ({ cookie }) =>
          cookie("sid") === "1" ? { ...alice, id: "bob", expiresAtMs } : undefined,
      }),
    );
    const withCookie = (sid: string) =>
      fetch(`${base}/mine`, { headers: { cookie: `sid=${sid}` } });
    expect(await (await withCookie("1")).text()).toBe("bob");
    expect((await withCookie("2")).status).toBe(401);
    expiresAtMs = Date.now() - 1;
    expect((await withCookie("1")).status).toBe(401);
    expect(await (await fetch(`${base}/mine`, { headers: GOOD })).text()).toBe("alice");
  });

  it("a public one may ask about a credential that came in a form", async () => {
    const server = make({ auth });
    const base = await started(server);
    server.addRoute(
      route(
        "/sign-in",
        async ({ body, authenticate }) => {
          const outcome = await authenticate({ Authorization: `Bearer ${body}` });
          return { status: outcome !== undefined && "principal" in outcome ? 204 : 403 };
        },
        { method: "POST" },
      ),
    );
    const sign = async (body: string) =>
      (await fetch(`${base}/sign-in`, { method: "POST", body, headers: GOOD })).status;
    expect(await sign("good")).toBe(204);
    expect(await sign("bad")).toBe(403);
  });

  it("is refused where nothing could know it", () => {
    const demand = { access: "authenticated" } as const;
    expect(() => make().addRoute(route("/metrics", undefined, demand))).toThrow(/option "auth"/);
  });
});

describe("an open route", () => {
  const open = { access: "authenticated", open: true } as const;

  it("serves this machine, and nobody behind a proxy", async () => {
    const server = make({ auth });
    const base = await started(server);
    server.addRoute(route("/metrics", undefined, open));
    expect((await fetch(`${base}/metrics`)).status).toBe(200);
    for (const header of ["forwarded", "x-forwarded-for", "x-forwarded-host", "via", "x-real-ip"]) {
      const answer = await fetch(`${base}/metrics`, { headers: { [header]: "for=127.0.0.1" } });
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain(header);
    }
  });

  it("is refused beyond loopback, whichever comes first", async () => {
    const beyond = { port: 0, host: "0.0.0.0" };
    const before = make({ allowedHosts: ["mcp.example"] });
    before.addRoute(route("/metrics", undefined, open));
    await expect(before.start(beyond)).rejects.toThrow(/route \/metrics is open/);
    const after = make({ allowedHosts: ["mcp.example"] });
    await after.start(beyond);
    expect(() => after.addRoute(route("/metrics", undefined, open))).toThrow(/is open/);
  });

  it("is refused where the peer's address is not known", async () => {
    const server = make();
    server.addRoute(route("/metrics", undefined, open));
    const answer = await server.routeHandler(new Request("http://localhost/metrics"));
    expect(answer?.status).toBe(403);
  });
});

describe("the routes mounted elsewhere", () => {
  it("leave alone what no route is for", async () => {
    const server = make();
    server.addRoute(route("/hello"));
    expect(server.routeHandler(new Request("http://localhost/other"))).toBeUndefined();
    const answer = await server.routeHandler(new Request("http://localhost/hello"));
    expect(await answer?.text()).toBe('"ok"');
    const { url, close } = await mountListener((request, response) => {
      if (!server.nodeRouteHandler(request, response)) response.end("the framework's");
    });
    const at = (path: string) => fetch(new URL(path, url)).then((each) => each.text());
    expect(await at("/hello")).toBe('"ok"');
    expect(await at("/health")).toBe('{"status":"healthy"}');
    expect(await at("/other")).toBe("the framework's");
    await close();
  });

  it("say so when a body parser came first", async () => {
    const server = make();
    server.addRoute(route("/form", undefined, { method: "POST" }));
    const listener = createServer((request, response) => {
      request.resume().on("end", () => server.nodeRouteHandler(request, response));
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as { port: number };
    const url = `http://127.0.0.1:${port}/form`;
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(500);
    expect(String(logged[0]?.fields["err"])).toContain("in front of body parsers");
    listener.close();
  });
});

describe("the list of routes", () => {
  it("holds everything that is answered beside the endpoint", () => {
    const document = { contentType: "application/json", body: () => "{}" };
    const server = make({ auth: { ...auth, documents: new Map([["/.well-known/x", document]]) } });
    server.addRoute(route("/a", undefined, { access: "authenticated", open: true }));
    server.addRoute(route("/b/*", undefined, { method: "POST" }));
    server.addHealthChecker({
      checkHealth: () => ({ status: "healthy", checks: {}, timestamp: "" }),
    });
    expect(server.routes).toEqual([
      { method: "GET", path: "/health", access: "probe", open: false },
      { method: "GET", path: "/ready", access: "probe", open: false },
      { method: "GET", path: "/.well-known/x", access: "public", open: false },
      { method: "GET", path: "/a", access: "authenticated", open: true },
      { method: "GET", path: "/health/details", access: "authenticated", open: false },
      { method: "POST", path: "/b/*", access: "public", open: false },
    ]);
  });

  it.each([
    [{ path: "metrics" }, /"path"/],
    [{ path: "/a?b" }, /"path"/],
    [{ path: "/a*" }, /"path"/],
    [{ path: "/mcp" }, /server's own/],
    [{ path: "/ready" }, /server's own/],
    [{ method: "PATCH" }, /"method"/],
    [{ access: "private" }, /"access"/],
    [{ open: true }, /"open"/],
    [{ maxBodyBytes: 0 }, /"maxBodyBytes"/],
    [{ handle: undefined }, /handle/],
    [{ acces: "public" }, /"acces"/],
  ])("refuses %j", (more, message) => {
    const wrong = { ...route("/x"), ...more } as HttpRoute;
    expect(() => make().addRoute(wrong)).toThrow(message);
  });

  it("refuses a second route of a path and method", () => {
    const server = make();
    server.addRoute(route("/a"));
    server.addRoute(route("/a", undefined, { method: "POST" }));
    expect(() => server.addRoute(route("/a"))).toThrow(/already/);
  });
});
