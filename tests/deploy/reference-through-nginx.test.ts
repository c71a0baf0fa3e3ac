// @module-tag nginx
// @module-tag redis
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MCPClient } from "@backplane/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { remove, repository } from "../tooling/fixture.ts";
import type { Nginx } from "../tooling/nginx.ts";
import { type Replica, startBalancer, startReplica, stopReplicas } from "./replicas.ts";

const REDIS_URL = process.env["REDIS_URL"] ?? "";
const PREFIX = `test-${randomUUID()}`;
const KEY = "key-of-the-operator-of-the-tests";
const program = join(repository, "apps/reference/dist/main.js");

let folder: string;
let replicas: Replica[] = [];
let nginx: Nginx;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reference-nginx-"));
  const env = {
    REDIS_URL,
    REDIS_PREFIX: PREFIX,
    DATABASE_URL: "",
    BOOKINGS_DIR: join(folder, "bookings"),
    REQUEST_STATE_KEYS: `k1:${randomBytes(32).toString("base64url")}`,
    API_KEYS: JSON.stringify({ operator: { key: KEY, roles: ["operator"] } }),
    TRUST_PROXY: "loopback",
  };
  replicas = await Promise.all([startReplica(program, env), startReplica(program, env)]);
  nginx = await startBalancer(replicas.map(({ port }) => port) as [number, number]);
}, 60_000);

afterAll(async () => {
  await nginx?.stop();
  await stopReplicas(replicas);
  const redis = new Redis(REDIS_URL);
  const keys = await redis.keys(`?${PREFIX}*`);
  if (keys.length > 0) await redis.del(keys);
  await redis.quit();
  remove(folder);
});

describe("the reference application, twice behind nginx", () => {
  it("asks at one replica and books at the other", async () => {
    const client = new MCPClient({
      url: `${nginx.url}/mcp`,
      headers: { "X-API-Key": KEY },
      handlers: { elicit: { form: () => ({ action: "accept", content: { confirm: true } }) } },
    });
    for (const startTime of ["06:00", "06:30", "07:00"]) {
      const walk = { title: "Walk", date: "2026-10-05", startTime, durationMinutes: 30 };
      expect(await client.call("book_event", walk)).toMatchObject({ booked: true });
    }
    await client.close();
  });

  it("serves a session of the official client by either replica", async () => {
    const requestInit = { headers: { "X-API-Key": KEY } };
    const url = new URL(`${nginx.url}/mcp`);
    const client = new Client(
      { name: "test", version: "1.0.0" },
      { capabilities: { elicitation: {} } },
    );
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: "accept",
      content: { confirm: true },
    }));
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }) as Transport);
    for (const startTime of ["08:00", "08:30", "09:00"]) {
      const result = await client.callTool({
        name: "book_event",
        arguments: { title: "Swim", date: "2026-10-05", startTime, durationMinutes: 30 },
      });
      expect(result.structuredContent).toMatchObject({ booked: true });
    }
    await client.close();
  });

  it("shows who has signed in the dashboard of one replica", async () => {
    const response = await fetch(`${nginx.url}/dashboard/sign-in`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ credential: KEY }),
    });
    const cookie = response.headers.get("set-cookie")?.split(";")[0] as string;
    for (let time = 0; time < 4; time++) {
      const tools = await fetch(`${nginx.url}/dashboard/tools`, { headers: { cookie } });
      expect(tools.status).toBe(200);
    }
  });
});
