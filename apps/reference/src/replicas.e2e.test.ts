// @module-tag redis
// @module-tag postgres
import { randomBytes, randomUUID } from "node:crypto";
import { MCPClient } from "@backplane/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codes } from "./errors.ts";
import { KEYS, modern, startApplication, type TestApplication } from "./harness.test-support.ts";

const redisUrl = process.env["REDIS_URL"] ?? "";
const postgresUrl = process.env["DATABASE_URL"] ?? "";
const database = `reference_${randomUUID().replaceAll("-", "")}`;

let admin: pg.Client;
let one: TestApplication;
let two: TestApplication;

beforeAll(async () => {
  admin = new pg.Client(postgresUrl);
  await admin.connect();
  await admin.query(`create database ${database}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${database}`;
  const env = {
    REDIS_URL: redisUrl,
    REDIS_PREFIX: database,
    DATABASE_URL: url.href,
    REQUEST_STATE_KEYS: `k1:${randomBytes(32).toString("base64url")}`,
    CALLS_PER_MINUTE: "40",
  };
  // At once, as replicas start: both make the table.
  [one, two] = await Promise.all([startApplication(env), startApplication(env)]);
});

afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await admin.query(`drop database ${database} with (force)`);
  await admin.end();
});

const book = (app: TestApplication, args: object) =>
  modern(app.url, {
    method: "tools/call",
    params: { name: "book_event", arguments: args },
    key: KEYS.planner,
  });

describe("two replicas with Redis and PostgreSQL", () => {
  it("share bookings, and give a time away once", async () => {
    const walk = { title: "Walk", date: "2026-10-05", startTime: "10:00", durationMinutes: 60 };
    const booked = await Promise.all([book(one, walk), book(two, walk)]);
    const outcomes = booked.map(({ result }) => result.isError ?? false).sort();
    expect(outcomes).toEqual([false, true]);
    const refused = booked.find(({ result }) => result.isError === true);
    expect(refused?.result._meta["dev.backplane/error"]).toMatchObject({
      code: codes.conflict,
      data: { conflicts: [{ title: "Walk" }] },
    });
    for (const app of [one, two]) {
      const { result } = await modern(app.url, {
        method: "tools/call",
        params: { name: "get_calendar", arguments: { date: "2026-10-05", timeZone: "Asia/Tokyo" } },
      });
      expect(result.structuredContent.events).toContainEqual(
        expect.objectContaining({ title: "Walk", calendar: "Bookings", busy: true }),
      );
    }
  });

  it("tell at one what was booked at the other, as a resource", async () => {
    const uri = "bookings:///day?date=2026-10-07";
    const client = new MCPClient({ url: one.url, headers: { "X-API-Key": KEYS.user } });
    let tell: (event: unknown) => void;
    const told = new Promise((resolve) => {
      tell = resolve;
    });
    const open = await client.listen(
      { resourceSubscriptions: [uri] },
      { onChange: (event) => tell(event) },
    );
    const run = { title: "Run", date: "2026-10-07", startTime: "06:00", durationMinutes: 30 };
    expect((await book(two, run)).result.structuredContent).toMatchObject({ booked: true });
    expect(await told).toEqual({ kind: "resource", uri });
    const { contents } = await client.readResource(uri);
    expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject([{ title: "Run" }]);
    await open.close();
    await client.close();
  });

  it("understand each other's questions", async () => {
    const FORMS = { elicitation: { form: {} } };
    const call = (app: TestApplication, extra: object = {}) =>
      modern(app.url, {
        method: "tools/call",
        params: {
          name: "book_event",
          arguments: { title: "Swim", date: "2026-10-09", startTime: "08:00", durationMinutes: 30 },
          ...extra,
        },
        capabilities: FORMS,
      });
    const asked = await call(one);
    expect(asked.result.resultType).toBe("input_required");
    const { requestState, inputRequests } = asked.result;
    const [key] = Object.keys(inputRequests);
    const answer = { action: "accept", content: { confirm: true } };
    const done = await call(two, { requestState, inputResponses: { [key as string]: answer } });
    expect(done.result.structuredContent).toMatchObject({ booked: true, title: "Swim" });
  });

  it("serve a session of 2025 that began at the other", async () => {
    const requestInit = { headers: { "X-API-Key": KEYS.operator } };
    const transport = new StreamableHTTPClientTransport(new URL(one.url), { requestInit });
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(transport as Transport);
    const sessionId = transport.sessionId as string;
    const response = await fetch(two.url, {
      method: "POST",
      headers: {
        ...requestInit.headers,
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        "Mcp-Session-Id": sessionId,
        "MCP-Protocol-Version": "2025-11-25",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/list" }),
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("plan_day");
    await client.close();
  });

  it("count one caller's calls together", async () => {
    const calls = Array.from({ length: 60 }, (_, index) =>
      modern((index % 2 === 0 ? one : two).url, { method: "tools/list", key: KEYS.user }),
    );
    const refused = (await Promise.all(calls)).filter(({ error }) => error?.code === -1429);
    // The caller has read and subscribed before.
    expect(refused.length).toBeGreaterThanOrEqual(20);
    expect(refused.length).toBeLessThan(30);
  });

  it("are healthy with both", async () => {
    const headers = { "X-API-Key": KEYS.operator };
    const response = await fetch(new URL("/health/details", one.url), { headers });
    expect(await response.json()).toMatchObject({
      status: "healthy",
      checks: { redis: { status: "healthy" }, postgres: { status: "healthy" } },
    });
  });
});

describe("without its database", () => {
  it("does not start, and says which variable to look at", async () => {
    const url = "postgres://nobody:secret@127.0.0.1:1/none";
    const error = await startApplication({ DATABASE_URL: url }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "ConfigError" });
    expect((error as Error).message).toMatch(/ECONNREFUSED.*look at DATABASE_URL$/);
    expect((error as Error).message).not.toContain("secret");
  });

  it("goes on when it is lost later: says so, and books nothing", async () => {
    const url = new URL(postgresUrl);
    const name = `${database}_lost`;
    url.pathname = `/${name}`;
    await admin.query(`create database ${name}`);
    const app = await startApplication({ DATABASE_URL: url.href });
    await admin.query(`drop database ${name} with (force)`);
    const { result } = await modern(app.url, {
      method: "tools/call",
      params: { name: "get_calendar", arguments: { date: "2026-06-12" } },
    });
    expect(result.structuredContent.problems).toContainEqual({
      file: "bookings",
      reason: "the database does not answer",
    });
    const walk = { title: "Walk", date: "2026-10-05", startTime: "10:00", durationMinutes: 60 };
    const booking = await book(app, walk);
    expect(booking.result._meta["dev.backplane/error"].code).toBe(codes.storageUnavailable);
    expect((await fetch(new URL("/ready", app.url))).status).toBe(200);
    await app.stop();
  });
});
