import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MCPConnectionPool, type MCPConnectionPoolOptions } from "./connection-pool.ts";
import { createEraCache } from "./era-cache.ts";
import { PoolServer, succeed } from "./pool/pool-server.test-support.ts";
import { ResponseCache } from "./response-cache.ts";
import { ScriptedMCP } from "./scripted-mcp.test-support.ts";
import type { ChangeEvent } from "./subscription-types.ts";

const never = Number.POSITIVE_INFINITY;

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function serve(era: "modern" | "legacy" = "modern"): Promise<PoolServer> {
  const server = await new PoolServer(era).start();
  cleanUps.push(() => server.die());
  return server;
}

function poolFor(server: PoolServer, options: Partial<MCPConnectionPoolOptions> = {}) {
  const pool = new MCPConnectionPool({
    url: server.url,
    eraCache: createEraCache(),
    circuitBreaker: false,
    ...options,
  });
  cleanUps.push(() => pool.close());
  return pool;
}

/** Waits for what happens by itself. */
function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 });
}

/** What Node warns of until the end of the test. */
function recordWarnings(): readonly Error[] {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  cleanUps.push(async () => void process.off("warning", onWarning));
  return warnings;
}

/** Holds the calls of a server until they are let go. */
function hold(server: PoolServer): { count(): number; letGo(): void } {
  const held: (() => void)[] = [];
  server.script = ({ method, id }, response: ServerResponse) => {
    if (method !== "tools/call") return false;
    held.push(() => succeed(response, id, { resultType: "complete", content: [] }));
    return true;
  };
  return {
    count: () => held.length,
    letGo: () => {
      server.script = () => false;
      for (const end of held.splice(0)) end();
    },
  };
}

describe("options of MCPConnectionPool", () => {
  it.each<[string, object, RegExp]>([
    ["no url", {}, /^MCPConnectionPool: option "url"/],
    ["an unknown one", { url: "http://a/", poolSize: 5 }, /unknown option "poolSize"; known: url/],
    ["a local process", { url: "http://a/", stdio: {} }, /unknown option "stdio"/],
    ["sockets", { url: "http://a/", maxSockets: 5 }, /unknown option "maxSockets"/],
    ["too small a pool", { url: "http://a/", maxConnections: 0 }, /"maxConnections" must be/],
    ["a bad size", { url: "http://a/", minConnections: 11 }, /"minConnections" \(11\)/],
    ["a bad behaviour", { url: "http://a/", timeoutMs: 0 }, /"timeoutMs" must be/],
  ])("refuse %s, naming it", (_what, options, message) => {
    expect(() => new MCPConnectionPool(options as MCPConnectionPoolOptions)).toThrow(message);
  });

  it("refuse a drain of no time", async () => {
    const pool = poolFor(await serve());
    await expect(pool.drain(Number.NaN)).rejects.toThrow(/drain\(timeoutMs\)/);
  });
});

describe("connect", () => {
  it("opens minConnections sockets, each proved by a request", async () => {
    const server = await serve();
    const pool = poolFor(server, { minConnections: 3 });
    await pool.connect();
    expect(server.sockets.size).toBe(3);
    expect(new Set(server.asked.map(({ socket }) => socket)).size).toBe(3);
    expect(server.asked.map(({ method }) => method)).toEqual(Array(3).fill("server/discover"));
    expect(pool.stats).toMatchObject({ open: 3, idle: 3 });
    expect(pool).toMatchObject({ era: "modern", revision: "2026-07-28" });
  });

  it("finds out the era of a legacy server once, and opens a session each", async () => {
    const server = await serve("legacy");
    const pool = poolFor(server, { minConnections: 3 });
    await pool.connect();
    expect(server.count("server/discover")).toBe(1);
    expect(server.count("initialize")).toBe(3);
    expect(server.sessions.size).toBe(3);
    await pool.close();
    expect(server.sessions.size).toBe(0);
  });

  it("fails with what is wrong, holds nothing, and works when the server is there", async () => {
    const server = await serve();
    await server.die();
    const pool = poolFor(server, { minConnections: 2 });
    await expect(pool.connect()).rejects.toMatchObject({ code: "connection_failed" });
    expect(pool.stats).toMatchObject({ open: 0, opening: 0 });
    await server.start();
    await pool.connect();
    expect(server.sockets.size).toBe(2);
  });
});

describe("under load", () => {
  it.each(["modern", "legacy"] as const)("never has more than maxConnections (%s)", async (era) => {
    const server = await serve(era);
    const pool = poolFor(server, { minConnections: 2, maxConnections: 4 });
    await pool.connect();
    const calls = Array.from({ length: 256 }, (_, n) => pool.call("echo", { n }));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 256 }, (_, n) => String(n)));
    expect(server.mostSockets).toBe(4);
    expect(server.mostRunning).toBeLessThanOrEqual(4);
    expect(server.shared).toBe(false);
    if (era === "legacy") expect(server.sessions.size).toBe(4);
    expect(pool.stats).toMatchObject({ open: 4, idle: 4, waiting: 0, created: 4 });
  });

  it("makes Node warn of no leak, also when all share one signal", async () => {
    const server = await serve();
    const pool = poolFor(server, { maxConnections: 16 });
    const warnings = recordWarnings();
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 64 }, (_, n) => pool.call("echo", { n }, { signal })));
    expect(pool.stats.created).toBe(16);
    expect(warnings).toEqual([]);
  });

  it("looks the tools up once for a burst of first calls", async () => {
    const server = await serve();
    const pool = poolFor(server, { maxConnections: 4 });
    server.script = ({ method, id }, response) => {
      const result =
        method === "tools/list"
          ? {
              tools: [{ name: "echo", inputSchema: { type: "object" } }],
              ttlMs: 0,
              cacheScope: "private",
            }
          : { content: [], structuredContent: { n: 1 } };
      if (!method.startsWith("tools/")) return false;
      succeed(response, id, { resultType: "complete", ...result });
      return true;
    };
    const warnings = recordWarnings();
    const { signal } = new AbortController();
    await Promise.all(
      Array.from({ length: 64 }, (_, n) => pool.call("echo", { n }, n % 2 === 0 ? {} : { signal })),
    );
    expect(server.count("tools/call")).toBe(64);
    expect(server.count("tools/list")).toBe(1);
    expect(warnings).toEqual([]);
  });

  it("opens no more than a lone caller needs", async () => {
    const server = await serve();
    const pool = poolFor(server);
    for (let n = 0; n < 20; n++) await pool.call("echo", { n });
    expect(server.mostSockets).toBe(1);
  });

  it("gives a request up that gets no connection in time, and says why", async () => {
    const server = await serve();
    const calls = hold(server);
    const pool = poolFor(server, { maxConnections: 1, connectionTimeoutMs: 20 });
    // Opening one may take longer than that.
    await pool.connect();
    const first = pool.callTool("echo");
    await eventually(() => expect(calls.count()).toBe(1));
    await expect(pool.callTool("echo")).rejects.toMatchObject({
      code: "acquire_timeout",
      message: expect.stringContaining("1 of at most 1 open, 1 busy"),
    });
    calls.letGo();
    await first;
  });

  it("keeps its number of sockets when callers give up", async () => {
    const server = await serve();
    const calls = hold(server);
    const pool = poolFor(server, { maxConnections: 2 });
    await pool.connect();
    const controller = new AbortController();
    const given = [1, 2].map(() => pool.callTool("echo", {}, { signal: controller.signal }));
    await eventually(() => expect(calls.count()).toBe(2));
    controller.abort();
    for (const call of given) await expect(call).rejects.toMatchObject({ code: "aborted" });
    calls.letGo();
    await Promise.all([1, 2, 3].map((n) => pool.call("echo", { n })));
    expect(pool.stats).toMatchObject({ open: 2, idle: 2 });
  });
});

describe("upkeep", () => {
  it("closes the sockets that nobody needs, down to minConnections", async () => {
    const server = await serve();
    const pool = poolFor(server, { maxConnections: 4, idleTimeoutMs: 40 });
    await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((n) => pool.call("echo", { n })));
    expect(server.sockets.size).toBe(4);
    await eventually(() => expect(server.sockets.size).toBe(1));
    expect(pool.stats.discarded.idle).toBe(3);
    expect(await pool.call("echo", { n: 9 })).toBe("9");
  });

  it("replaces old sockets", async () => {
    const server = await serve();
    const pool = poolFor(server, { minConnections: 2, maxLifetimeMs: 60 });
    await pool.connect();
    const first = [...server.sockets];
    await eventually(() => {
      expect(server.sockets.size).toBe(2);
      for (const socket of first) expect(server.sockets.has(socket)).toBe(false);
    });
    expect(pool.stats.discarded.lifetime).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ["modern", "server/discover"],
    ["legacy", "ping"],
  ] as const)("asks idle %s connections by %s", async (era, method) => {
    const server = await serve(era);
    const pool = poolFor(server, { minConnections: 2, healthCheckIntervalMs: 20 });
    await pool.connect();
    const before = server.count(method);
    const sockets = [...server.sockets];
    await eventually(() => expect(server.count(method)).toBeGreaterThanOrEqual(before + 4));
    const asked = server.asked.slice(-4).map(({ socket }) => socket);
    expect(sockets).toEqual(expect.arrayContaining(asked));
    expect(new Set(asked).size).toBe(2);
  });

  it("replaces a connection that does not answer", async () => {
    const server = await serve();
    const pool = poolFor(server, { healthCheckIntervalMs: 20, connectionTimeoutMs: 60 });
    await pool.connect();
    const [deaf] = server.sockets;
    server.script = ({ socket }) => socket === deaf;
    await eventually(() => expect(pool.stats.discarded.unhealthy).toBe(1));
    await eventually(() => expect(pool.stats).toMatchObject({ open: 1, idle: 1 }));
    expect(await pool.call("echo", { n: 1 })).toBe("1");
    expect(server.sockets.has(deaf as never)).toBe(false);
  });
});

describe("a server that dies", () => {
  it.each(["modern", "legacy"] as const)("and comes back is used again (%s)", async (era) => {
    const server = await serve(era);
    const pool = poolFor(server, { minConnections: 2, maxRetries: 0 });
    await pool.connect();
    await server.die();
    await expect(pool.call("echo", { n: 1 })).rejects.toMatchObject({
      code: expect.stringMatching(/^connection_(failed|lost)$/),
    });
    await server.start();
    await eventually(() => expect(pool.stats).toMatchObject({ open: 2, idle: 2 }));
    expect(await pool.call("echo", { n: 2 })).toBe("2");
  });

  it("costs no call that may be repeated", async () => {
    const server = await serve();
    const pool = poolFor(server, { minConnections: 2, maxConnections: 4 });
    await pool.connect();
    const numbers = Array.from({ length: 64 }, (_, n) => n);
    const calls = numbers.map((n) => pool.call("echo", { n }, { idempotent: true }));
    await eventually(() => expect(server.count("tools/call")).toBeGreaterThan(5));
    for (const socket of server.sockets) socket.destroy();
    expect(await Promise.all(calls)).toEqual(numbers.map(String));
    expect(server.mostSockets).toBeLessThanOrEqual(4);
  });

  it("and forgets its sessions costs no call: none has been worked on", async () => {
    const server = await serve("legacy");
    const pool = poolFor(server, { minConnections: 4 });
    await pool.connect();
    server.sessions.clear();
    const calls = [1, 2, 3, 4].map((n) => pool.call("echo", { n }));
    expect(await Promise.all(calls)).toEqual(["1", "2", "3", "4"]);
    expect(pool.stats.discarded.stale).toBe(4);
  });
});

describe("drain", () => {
  it("refuses new requests, ends what was begun, and closes the sockets", async () => {
    const server = await serve();
    const calls = hold(server);
    const pool = poolFor(server, { maxConnections: 1 });
    const begun = [1, 2].map(() => pool.callTool("echo"));
    await eventually(() => expect(calls.count()).toBe(1));
    const drained = pool.drain(never);
    await expect(pool.callTool("echo")).rejects.toMatchObject({
      code: "closed",
      message: expect.stringContaining("drains"),
    });
    calls.letGo();
    await Promise.all(begun);
    await drained;
    await eventually(() => expect(server.sockets.size).toBe(0));
  });

  it("lets a call that was begun look up the schema of its result", async () => {
    const server = await serve();
    const pool = poolFor(server);
    let answer = () => {};
    server.script = ({ method, id }, response) => {
      if (method === "tools/list") {
        const inputSchema = { type: "object" };
        const outputSchema = { type: "object", required: ["sum"] };
        succeed(response, id, {
          resultType: "complete",
          tools: [{ name: "add", inputSchema, outputSchema }],
          ttlMs: 0,
          cacheScope: "private",
        });
        return true;
      }
      if (method !== "tools/call") return false;
      answer = () =>
        succeed(response, id, { resultType: "complete", content: [], structuredContent: { n: 1 } });
      return true;
    };
    const call = pool.call("add");
    await eventually(() => expect(server.count("tools/call")).toBe(1));
    const drained = pool.drain();
    answer();
    await expect(call).rejects.toMatchObject({ code: "invalid_output" });
    await drained;
    expect(server.count("tools/list")).toBe(1);
  });

  it("ends what takes too long", async () => {
    const server = await serve();
    const calls = hold(server);
    const pool = poolFor(server);
    const call = expect(pool.callTool("echo")).rejects.toMatchObject({ code: "closed" });
    await eventually(() => expect(calls.count()).toBe(1));
    await pool.drain(1);
    await call;
  });
});

describe("a legacy session", () => {
  /** A server that asks before it answers a call; `heard` gets its client's answer. */
  function ask(server: PoolServer, heard: (answer: ServerResponse, finish: () => void) => void) {
    let finish = () => {};
    server.script = ({ method, id }, response) => {
      if (method === undefined) {
        heard(response, finish);
        return true;
      }
      if (method !== "tools/call") return false;
      response.writeHead(200, { "content-type": "text/event-stream" });
      const tell = (message: object) =>
        response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
      const requestedSchema = { type: "object", properties: {} };
      tell({ id: 1, method: "elicitation/create", params: { message: "Sure?", requestedSchema } });
      finish = () => {
        tell({ id, result: { content: [{ type: "text", text: "done" }] } });
        response.end();
      };
      return true;
    };
  }

  const form = async () => ({ action: "accept" as const, content: {} });

  it("answers its server while the only connection waits for that", async () => {
    const server = await serve("legacy");
    const pool = poolFor(server, { maxConnections: 1, handlers: { elicit: { form } } });
    ask(server, (answer, finish) => {
      answer.writeHead(202).end();
      finish();
    });
    expect(await pool.call("ask", {}, { timeoutMs: 5_000 })).toBe("done");
  });

  it("does not wait for ever for a server that leaves the answer lying", async () => {
    const server = await serve("legacy");
    const pool = poolFor(server, { maxConnections: 1, handlers: { elicit: { form } } });
    ask(server, () => {});
    await expect(pool.call("ask", {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "timeout",
    });
  });
});

describe("subscriptions", () => {
  it("have a connection of their own", async () => {
    const server = await serve();
    const pool = poolFor(server, { maxConnections: 1 });
    server.script = ({ method, id }, response) => {
      if (method !== "subscriptions/listen") return false;
      response.writeHead(200, { "content-type": "text/event-stream" });
      const message = {
        jsonrpc: "2.0",
        method: "notifications/subscriptions/acknowledged",
        params: {
          notifications: { resourceSubscriptions: ["a:b"] },
          _meta: { "io.modelcontextprotocol/subscriptionId": id },
        },
      };
      response.write(`data: ${JSON.stringify(message)}\n\n`);
      return true;
    };
    const listening = await pool.subscribe("a:b", () => {});
    expect(listening.state).toBe("open");
    expect(await pool.call("echo", { n: 1 })).toBe("1");
    expect(pool.stats).toMatchObject({ open: 1, idle: 1 });
  });

  describe("over one session of several", () => {
    /** The GET streams of each session, the last one first; the pool hears the server in all sessions. */
    async function sessions() {
      const streams = new Map<string, ServerResponse[]>();
      const server = await ScriptedMCP.open(
        {
          GET: ({ headers }, response) => {
            const session = String(headers["mcp-session-id"]);
            streams.set(session, [response, ...(streams.get(session) ?? [])]);
            response.writeHead(200, { "content-type": "text/event-stream" });
            response.write("retry: 10\n\n");
            return undefined;
          },
        },
        "legacy",
      );
      const changes: ChangeEvent[] = [];
      const cache = new (class extends ResponseCache {
        override changed(target: string, event: ChangeEvent): void {
          changes.push(event);
          super.changed(target, event);
        }
      })();
      const pool = new MCPConnectionPool({
        url: server.url,
        eraCache: createEraCache(),
        minConnections: 1,
        onLog: () => {},
        cache,
      });
      cleanUps.push(
        () => server.close(),
        () => pool.close(),
      );
      await pool.connect();
      const [other] = [...streams.keys()];
      const events: ChangeEvent[] = [];
      const states: unknown[] = [];
      const listening = await pool.listen(
        { toolsListChanged: true },
        { onChange: (event) => events.push(event), onState: (state) => states.push(state) },
      );
      const [own] = [...streams.keys()].filter((session) => session !== other);
      const of = (session: string | undefined) => streams.get(session as string) ?? [];
      return { own: () => of(own), other: () => of(other), listening, events, states, changes };
    }

    it("do not mind what becomes of the others' streams", async () => {
      const { other, own, listening, states, events } = await sessions();
      other()[0]?.end();
      await eventually(() => expect(other()).toHaveLength(2));
      own()[0]?.end();
      await eventually(() => expect(states).toEqual(["open", "reconnecting", "open"]));
      expect([listening.state, events]).toEqual(["open", [{ kind: "tools" }]]);
    });

    it("tell of a change once, however many sessions hear of it", async () => {
      const { other, own, events, changes } = await sessions();
      const changed = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
      other()[0]?.write(`data: ${changed}\n\n`);
      // What is kept is stale with the first word of it.
      await eventually(() => expect(changes).toHaveLength(1));
      expect(events).toEqual([]);
      own()[0]?.write(`data: ${changed}\n\n`);
      await eventually(() => expect(events).toHaveLength(1));
      expect(changes).toHaveLength(2);
    });
  });
});
