import type { HealthReport } from "@backplane/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MCPServer, type MCPServerOptions } from "./index.ts";

const servers: MCPServer[] = [];
const logged: string[] = [];
const log = (level: string) => (_fields: object, message: string) =>
  void logged.push(`${level}: ${message}`);
const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };

function make(options: Partial<MCPServerOptions> = {}): MCPServer {
  const server = new MCPServer({ name: "health", version: "1.0.0", logger, ...options });
  servers.push(server);
  return server;
}

function report(status: HealthReport["status"], name = "database"): HealthReport {
  return { status, checks: { [name]: { status } }, timestamp: "2026-01-01T00:00:00.000Z" };
}

async function probe(server: MCPServer): Promise<(path: string) => Promise<[number, unknown]>> {
  const { url } = await server.start({ port: 0 });
  return async (path) => {
    const answer = await fetch(new URL(path, url));
    return [answer.status, await answer.json()];
  };
}

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  logged.length = 0;
});

/** Lets a report grow old. */
function age(): void {
  const now = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(now + 2_000);
}

describe("health checkers", () => {
  it.each([
    ["healthy", 200, "ready"],
    ["degraded", 200, "degraded"],
    ["unhealthy", 503, "unhealthy"],
  ] as const)("%s makes /ready a %i, and never touches /health", async (status, code, word) => {
    const server = make();
    server.addHealthChecker({ checkHealth: () => report(status) });
    const get = await probe(server);
    expect(await get("/ready")).toEqual([code, { status: word }]);
    expect(await get("/health")).toEqual([200, { status: "healthy" }]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("redis://u:secret@h"))],
    [
      "throws at once",
      () => {
        throw new Error("secret");
      },
    ],
    ["lies with a word", () => "healthy"],
    ["lies with nothing", () => undefined],
    ["lies in its status", () => ({ ...report("healthy"), status: "fine" })],
    ["lies in a check", () => ({ ...report("healthy"), checks: { a: { status: "ok" } } })],
    ["lies in its checks", () => ({ ...report("healthy"), checks: { a: null } })],
  ])("one that %s counts as unhealthy", async (_what, checkHealth) => {
    const server = make();
    server.addHealthChecker({ checkHealth: checkHealth as never });
    const found = await server.checkHealth();
    expect(found.status).toBe("unhealthy");
    expect(JSON.stringify(found)).not.toContain("secret");
  });

  it("one that hangs is left behind, and told", async () => {
    vi.useFakeTimers();
    const server = make();
    let told: AbortSignal | undefined;
    server.addHealthChecker({
      checkHealth: (signal) => {
        told = signal;
        return new Promise(() => {});
      },
    });
    const found = server.checkHealth();
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    expect((await found).status).toBe("unhealthy");
    expect(told?.aborted).toBe(true);
  });

  it("are asked once for all probes of a second", async () => {
    const server = make();
    const checkHealth = vi.fn(async () => report("healthy"));
    server.addHealthChecker({ checkHealth });
    const get = await probe(server);
    await Promise.all(Array.from({ length: 20 }, () => get("/ready")));
    expect(checkHealth).toHaveBeenCalledTimes(1);
    age();
    await get("/ready");
    expect(checkHealth).toHaveBeenCalledTimes(2);
  });

  it("are put together: the worst status, every check", async () => {
    const server = make();
    server.addHealthChecker({ checkHealth: () => report("healthy") });
    const remove = server.addHealthChecker({ checkHealth: () => report("degraded") });
    server.addHealthChecker({ checkHealth: () => report("healthy", "__proto__") });
    const found = await server.checkHealth();
    expect(found.status).toBe("degraded");
    expect(Object.entries(found.checks)).toEqual([
      ["database", { status: "healthy" }],
      ["database#2", { status: "degraded" }],
      ["__proto__", { status: "healthy" }],
    ]);
    expect(Date.parse(found.timestamp)).toBeGreaterThan(0);
    remove();
    expect((await server.checkHealth()).status).toBe("healthy");
  });

  it("may say anything: what is shown is bounded JSON without credentials", async () => {
    const server = make();
    const check: Record<string, unknown> = {
      status: "healthy",
      message: "redis://u:secret@host \u001b[31m\n".repeat(100_000),
      big: 1n,
      password: "secret",
      get broken() {
        throw new Error("secret");
      },
    };
    check["self"] = check;
    const checks: Record<string, unknown> = { ["n".repeat(1_000_000)]: check };
    for (let n = 0; n < 5_000; n++) checks[`check ${n}`] = check;
    server.addHealthChecker({ checkHealth: () => ({ ...report("healthy"), checks }) as never });
    const text = JSON.stringify(await server.checkHealth());
    expect(text.length).toBeLessThan(100_000);
    expect(text).not.toContain("secret");
  });

  it("that call themselves healthy with a failing check are degraded", async () => {
    const server = make();
    server.addHealthChecker({
      checkHealth: () => ({ ...report("unhealthy"), status: "healthy" }),
    });
    expect((await server.checkHealth()).status).toBe("degraded");
  });

  it("that fail are news once, and once more when they recover", async () => {
    const server = make();
    let status: HealthReport["status"] = "unhealthy";
    server.addHealthChecker({ checkHealth: () => report(status) });
    await server.checkHealth();
    age();
    await server.checkHealth();
    expect(logged).toEqual(["warn: a health check fails"]);
    vi.restoreAllMocks();
    status = "healthy";
    server.addHealthChecker({ checkHealth: () => report("healthy", "b") });
    await server.checkHealth();
    expect(logged[1]).toBe("info: every health check passes again");
  });

  it("draining wins over them", async () => {
    const server = make();
    server.addHealthChecker({ checkHealth: () => report("healthy") });
    const { url } = await server.start({ port: 0, drainDelayMs: 200 });
    const stopped = server.stop();
    const answer = await fetch(new URL("/ready", url));
    expect([answer.status, await answer.json()]).toEqual([503, { status: "draining" }]);
    await stopped;
  });
});

describe("/health/details", () => {
  const auth: NonNullable<MCPServerOptions["auth"]> = {
    authenticate: (request) =>
      request.header("authorization") === "Bearer good"
        ? { principal: { id: "a", scopes: [], roles: [] } }
        : { failure: { status: 401, headers: {}, message: "no" } },
  };

  it("is behind authentication", async () => {
    const server = make({ auth });
    server.addHealthChecker({ checkHealth: () => report("unhealthy") });
    const { url } = await server.start({ port: 0 });
    const details = new URL("/health/details", url);
    expect((await fetch(details)).status).toBe(401);
    const answer = await fetch(details, { headers: { authorization: "Bearer good" } });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      status: "unhealthy",
      checks: { database: { status: "unhealthy" } },
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it("is not served where nobody can be told apart, unless it is open", async () => {
    const closed = make();
    closed.addHealthChecker({ checkHealth: () => report("healthy") });
    expect((await (await probe(closed))("/health/details"))[0]).toBe(404);
    const opened = make();
    opened.addHealthChecker({ checkHealth: () => report("healthy") }, { open: true });
    expect((await (await probe(opened))("/health/details"))[0]).toBe(200);
    expect(() => opened.addHealthChecker({ checkHealth: () => report("healthy") })).not.toThrow();
    const both = make({ auth });
    both.addHealthChecker({ checkHealth: () => report("healthy") }, { open: true });
    expect(() => both.addHealthChecker({ checkHealth: () => report("healthy") })).toThrow(/"open"/);
  });

  it("refuses what is no checker", () => {
    expect(() => make().addHealthChecker({} as never)).toThrow(/checkHealth/);
    expect(() =>
      make().addHealthChecker({ checkHealth: () => report("healthy") }, { opne: true } as never),
    ).toThrow(/"opne"/);
  });
});
