import { MCPConnectionPool } from "@backplane/client";
import { MCPServer } from "@backplane/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A server of ours, and a pool of at most four connections to it. */
async function rig(protocol: "2026-07-28" | "2025-11-25") {
  const server = new MCPServer({ name: "pooled", version: "1" });
  let running = 0;
  let mostRunning = 0;
  server.tool(
    "echo",
    { input: z.object({ n: z.number() }), output: z.object({ n: z.number() }) },
    async ({ n }) => {
      mostRunning = Math.max(mostRunning, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { n };
    },
  );
  server.tool("ask", {}, async (_args, ctx) => {
    const schema = z.object({ sure: z.boolean().default(true) });
    const answer = await ctx.elicit("sure", { message: "Sure?", schema });
    return answer.action;
  });
  server.resource("a:b", { name: "b" }, () => "text");
  const { url = "" } = await server.start({ port: 0 });
  cleanUps.push(() => server.stop());
  const pool = new MCPConnectionPool({
    url,
    protocol,
    minConnections: 2,
    maxConnections: 4,
    handlers: { elicit: { form: () => ({ action: "accept", content: {} }) } },
  });
  cleanUps.push(() => pool.close());
  await pool.connect();
  return { server, pool, mostRunning: () => mostRunning };
}

describe.each(["2026-07-28", "2025-11-25"] as const)("a pool to our server, %s", (protocol) => {
  it("carries many calls over few connections", async () => {
    const { pool, mostRunning } = await rig(protocol);
    const numbers = Array.from({ length: 256 }, (_, n) => n);
    const results = await Promise.all(numbers.map((n) => pool.call("echo", { n })));
    expect(results).toEqual(numbers.map((n) => ({ n })));
    expect(mostRunning()).toBeLessThanOrEqual(4);
    expect(pool.stats).toMatchObject({ open: 4, idle: 4, waiting: 0, created: 4 });
  });

  it("answers questions on every connection at once", async () => {
    const { pool } = await rig(protocol);
    const answers = Array.from({ length: 16 }, () => pool.call("ask"));
    expect(await Promise.all(answers)).toEqual(Array(16).fill("accept"));
  });

  it("hears of changes beside its calls", async () => {
    const { pool, server } = await rig(protocol);
    const heard: string[] = [];
    await pool.subscribe("a:b", (uri) => heard.push(uri));
    expect(pool.stats.busy).toBe(0);
    server.resourceUpdated("a:b");
    await vi.waitFor(() => expect(heard).toEqual(["a:b"]));
  });

  it("ends what was begun before it closes", async () => {
    const { pool, server } = await rig(protocol);
    const calls = Array.from({ length: 8 }, (_, n) => pool.call("echo", { n }));
    await pool.drain();
    expect(await Promise.all(calls)).toHaveLength(8);
    await server.stop();
    await expect(pool.call("echo", { n: 1 })).rejects.toMatchObject({ code: "closed" });
  });
});
