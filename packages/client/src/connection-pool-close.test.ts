import { createFakeClock } from "@backplane/protocol/test-suite";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MCPConnectionPool, type MCPConnectionPoolOptions } from "./connection-pool.ts";
import { createEraCache } from "./era-cache.ts";
import { PoolServer } from "./pool/pool-server.test-support.ts";

const HOUR_MS = 3_600_000;
const servers: PoolServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.die();
});

async function serve(era: "modern" | "legacy" = "modern"): Promise<PoolServer> {
  const server = await new PoolServer(era).start();
  servers.push(server);
  return server;
}

/** Nothing in it ends by itself within the life of a test. */
function patientPool(server: PoolServer, options: Partial<MCPConnectionPoolOptions> = {}) {
  return new MCPConnectionPool({
    url: server.url,
    eraCache: createEraCache(),
    connectTimeoutMs: HOUR_MS,
    connectionTimeoutMs: HOUR_MS,
    timeoutMs: HOUR_MS,
    ...options,
  });
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 5 });

describe("close gives up a connection that is being opened", () => {
  it("to a server that accepts and does not answer", async () => {
    const server = await serve();
    server.script = () => true;
    const pool = patientPool(server);
    const connected = pool.connect();
    connected.catch(() => {});
    const called = pool.callTool("echo");
    called.catch(() => {});
    await until(() => expect(server.sockets.size).toBe(1));
    await pool.close();
    await expect(connected).rejects.toMatchObject({ code: "closed" });
    await expect(called).rejects.toMatchObject({ code: "closed" });
    await until(() => expect(server.sockets.size).toBe(0));
  });

  it("for a subscription", async () => {
    const server = await serve();
    const pool = patientPool(server);
    await pool.connect();
    server.script = () => true;
    const before = server.sockets.size;
    const listening = pool.listen({ toolsListChanged: true }, { onChange: () => {} });
    listening.catch(() => {});
    await until(() => expect(server.sockets.size).toBe(before + 1));
    await pool.close();
    await expect(listening).rejects.toMatchObject({ code: "closed" });
    await until(() => expect(server.sockets.size).toBe(0));
  });

  it("that waits for its credentials", async () => {
    const server = await serve();
    const asked = vi.fn(() => new Promise<never>(() => {}));
    const auth = { headers: asked, onChallenge: async () => "fail" as const };
    const pool = patientPool(server, { auth });
    const connected = pool.connect();
    connected.catch(() => {});
    await until(() => expect(asked).toHaveBeenCalled());
    await pool.close();
    await expect(connected).rejects.toMatchObject({ code: "closed" });
  });

  it("that waits for the stream of a legacy server", async () => {
    const server = await serve("legacy");
    server.script = ({ method }) => method === "GET";
    // A clock that stands still: nothing is given up by time.
    const pool = patientPool(server, {
      clock: createFakeClock(),
      handlers: { roots: () => [] },
    });
    const connected = pool.connect();
    connected.catch(() => {});
    await until(() => expect(server.count("GET")).toBe(1));
    await pool.close();
    await expect(connected).rejects.toMatchObject({ code: "closed" });
    await until(() => expect(server.sockets.size).toBe(0));
  });
});
