import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import type { Check } from "./check.ts";
import { HealthChecker } from "./health-checker.ts";
import { auditCheck, httpCheck, postgresCheck, redisCheck } from "./service-checks.ts";

const REDIS_URL = process.env["REDIS_URL"] ?? "";
const DATABASE_URL = process.env["DATABASE_URL"] ?? "";
/** Nothing listens on it. */
const CLOSED_PORT = 1;

const closers: (() => unknown)[] = [];

async function outcomeOf(check: Check, timeoutMs = 500) {
  const report = await new HealthChecker({ checks: { it: check }, timeoutMs }).checkHealth();
  return report.checks["it"];
}

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe("redisCheck", () => {
  it("tells whether Redis answers", { tags: ["redis"] }, async () => {
    const redis = new Redis(REDIS_URL);
    const away = new Redis({ port: CLOSED_PORT, retryStrategy: () => 20 });
    away.on("error", () => {});
    closers.push(
      () => redis.quit(),
      () => away.disconnect(),
    );
    expect((await outcomeOf(redisCheck(redis)))?.status).toBe("healthy");
    // A client that waits for its connection queues the ping: the deadline says what is the matter.
    expect(await outcomeOf(redisCheck(away), 60)).toMatchObject({
      status: "unhealthy",
      message: "no answer within 60 ms",
    });
  });

  it("believes no other answer", async () => {
    expect((await outcomeOf(redisCheck({ ping: async () => "OK" })))?.status).toBe("unhealthy");
    expect(() => redisCheck({} as never)).toThrow(/ping/);
  });
});

describe("postgresCheck", () => {
  it("tells whether PostgreSQL answers", { tags: ["postgres"] }, async () => {
    const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 1 });
    const away = new pg.Pool({ host: "127.0.0.1", port: CLOSED_PORT });
    closers.push(
      () => pool.end(),
      () => away.end(),
    );
    expect((await outcomeOf(postgresCheck(pool)))?.status).toBe("healthy");
    expect((await outcomeOf(postgresCheck(away)))?.status).toBe("unhealthy");
    const client = await pool.connect();
    expect((await outcomeOf(postgresCheck(pool), 60))?.message).toContain("no answer");
    client.release();
    expect(() => postgresCheck(undefined as never)).toThrow(/query/);
  });
});

describe("auditCheck", () => {
  it("degrades while an audit cannot write", async () => {
    const status = { written: 1, buffered: 0, lost: 0, degraded: false, lastError: undefined };
    expect(await outcomeOf(auditCheck({ status }))).toMatchObject({ status: "healthy", lost: 0 });
    const full = { ...status, lost: 5, degraded: true, lastError: "ENOSPC" };
    expect(await outcomeOf(auditCheck({ status: full }))).toMatchObject({
      status: "degraded",
      message: "ENOSPC",
      lost: 5,
    });
    expect(() => auditCheck({} as never)).toThrow(/AuditLog/);
  });
});

describe("httpCheck", () => {
  async function upstream(status: number, location?: string): Promise<string> {
    const server = createServer((request, response) => {
      if (status === 0) return;
      response.writeHead(status, location === undefined ? {} : { location });
      response.end(request.headers["x-probe"] ?? "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  it.each([
    [200, "healthy"],
    [204, "healthy"],
    [302, "unhealthy"],
    [404, "unhealthy"],
    [500, "unhealthy"],
  ])("%i is %s", async (status, expected) => {
    const url = await upstream(status, "http://127.0.0.1:1/");
    expect(await outcomeOf(httpCheck(url))).toMatchObject({ status: expected, httpStatus: status });
  });

  it("may find another answer healthy", async () => {
    const url = await upstream(401);
    expect(
      (await outcomeOf(httpCheck(url, { isHealthy: (status) => status === 401 })))?.status,
    ).toBe("healthy");
  });

  it("says why there was no answer", async () => {
    const url = `http://127.0.0.1:${CLOSED_PORT}/`;
    expect(await outcomeOf(httpCheck(url))).toMatchObject({
      status: "unhealthy",
      message: expect.stringMatching(/^fetch failed: ./),
    });
    expect((await outcomeOf(httpCheck(await upstream(0)), 60))?.message).toBe(
      "no answer within 60 ms",
    );
  });

  it.each(["ftp://host/", "host", ""])("refuses %j", (url) => {
    expect(() => httpCheck(url)).toThrow(TypeError);
  });
});
