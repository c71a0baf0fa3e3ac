// @module-tag nginx
// @module-tag redis
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { MCPClient, type MCPClientOptions } from "@backplane/client";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Nginx } from "../tooling/nginx.ts";
import { type Replica, startBalancer, startReplica, stopReplicas } from "./replicas.ts";

const REDIS_URL = process.env["REDIS_URL"] ?? "";
const PREFIX = `test-${crypto.randomUUID()}`;
const revisions = ["2026-07-28", "2025-11-25"] as const;

const program = join(import.meta.dirname, "fixtures/replica.mjs");

let replicas: [Replica, Replica];
let nginx: Nginx;

beforeAll(async () => {
  const REQUEST_STATE_KEYS = `k1:${randomBytes(32).toString("base64url")}`;
  const env = { REDIS_URL, PREFIX, REQUEST_STATE_KEYS };
  replicas = await Promise.all([startReplica(program, env), startReplica(program, env)]);
  nginx = await startBalancer([replicas[0].port, replicas[1].port]);
}, 60_000);

afterAll(async () => {
  await nginx?.stop();
  await stopReplicas(replicas ?? []);
  const client = new Redis(REDIS_URL);
  const keys = await client.keys(`?${PREFIX}*`);
  if (keys.length > 0) await client.del(keys);
  await client.quit();
});

const connected = async (options: Partial<MCPClientOptions>): Promise<MCPClient> => {
  const client = new MCPClient({ url: `${nginx.url}/mcp`, ...options });
  await client.connect();
  return client;
};

describe.each(revisions)("two replicas behind nginx, round robin, %s", (protocol) => {
  it("serve one client in turn", async () => {
    const client = await connected({ protocol });
    const pids = new Set<unknown>();
    for (let call = 0; call < 6; call++) pids.add(await client.call("whoami"));
    expect(pids.size).toBe(2);
    await client.close();
  });

  it("ask at one, and hear the answer at the other", async () => {
    const asked: unknown[] = [];
    const client = await connected({
      protocol,
      handlers: {
        elicit: {
          form: ({ message }) => {
            asked.push(message);
            return { action: "accept", content: { name: "Ada" } };
          },
        },
      },
    });
    for (let call = 0; call < 3; call++) {
      expect(await client.call("ask")).toMatchObject({ action: "accept", name: "Ada" });
    }
    expect(asked).toEqual(Array(3).fill("Your name?"));
    await client.close();
  });

  it("let progress through at once, and hear of a cancellation", async () => {
    const client = await connected({ protocol });
    const controller = new AbortController();
    // The tool goes on until it is cancelled: a proxy that kept its progress back would hold the call for ever.
    const call = client.callTool(
      "wait",
      {},
      {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      },
    );
    await expect(call).rejects.toMatchObject({ code: "aborted" });
    await client.close();
  });

  it("tell a subscriber of a change at whichever replica it happens", async () => {
    const client = await connected({ protocol });
    let changes = 0;
    const subscription = await client.subscribe("note://shared", () => {
      changes++;
    });
    const pids = new Set<unknown>();
    while (pids.size < 2) {
      const before = changes;
      pids.add(await client.call("touch"));
      await expect.poll(() => changes, { timeout: 10_000 }).toBeGreaterThan(before);
    }
    await subscription.close();
    await client.close();
  });
});
