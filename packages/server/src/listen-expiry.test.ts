import { createFakeClock } from "@backplane/protocol/test-suite";
import { afterEach, describe, expect, it } from "vitest";
import { MCPServer } from "./index.ts";

const clock = createFakeClock();
const servers: MCPServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(): Promise<string> {
  const server = new MCPServer({
    name: "expiry",
    version: "1.0.0",
    clock,
    sessions: { ttlMs: 86_400_000 },
    legacySse: true,
    auth: {
      authenticate: () => ({
        principal: { id: "ada", scopes: [], roles: [], expiresAtMs: clock.now() + 60_000 },
      }),
    },
  });
  servers.push(server);
  server.tool("a", {}, () => "a");
  return (await server.start({ port: 0 })).url as string;
}

/** Moves the clock until a stream has ended, and says how far. */
async function endOf(response: Response): Promise<number> {
  const startedAtMs = clock.now();
  let ended = false;
  const reading = response.text().then(() => {
    ended = true;
  });
  while (!ended) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await reading;
  return clock.now() - startedAtMs;
}

const stream = {
  accept: "application/json, text/event-stream",
  "content-type": "application/json",
};

describe("a stream ends with the credential that opened it", () => {
  it("subscriptions/listen", async () => {
    const prefix = "io.modelcontextprotocol";
    const response = await fetch(await start(), {
      method: "POST",
      headers: {
        ...stream,
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "subscriptions/listen",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "subscriptions/listen",
        params: {
          notifications: { toolsListChanged: true },
          _meta: {
            [`${prefix}/protocolVersion`]: "2026-07-28",
            [`${prefix}/clientCapabilities`]: {},
          },
        },
      }),
    });
    expect(response.status).toBe(200);
    expect(await endOf(response)).toBeGreaterThanOrEqual(60_000);
  });

  it("the GET of a legacy session", async () => {
    const url = await start();
    const params = {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "c", version: "1" },
    };
    const initialized = await fetch(url, {
      method: "POST",
      headers: stream,
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }),
    });
    const session = initialized.headers.get("mcp-session-id") as string;
    await initialized.text();
    const response = await fetch(url, {
      headers: { accept: "text/event-stream", "mcp-session-id": session },
    });
    expect(response.status).toBe(200);
    expect(await endOf(response)).toBeGreaterThanOrEqual(60_000);
  });

  it("the one stream of HTTP+SSE, and the session with it", async () => {
    const url = await start();
    const response = await fetch(url, { headers: { accept: "text/event-stream" } });
    expect(response.status).toBe(200);
    const reader = response.clone().body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    const endpoint = /data: (\S+)/.exec(first)?.[1] as string;
    expect(await endOf(response)).toBeGreaterThanOrEqual(60_000);
    const posted = await fetch(new URL(endpoint, url), {
      method: "POST",
      headers: stream,
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
    });
    expect(posted.status).toBe(404);
    await reader?.cancel();
  });
});
