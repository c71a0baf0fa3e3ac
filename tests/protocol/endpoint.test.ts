import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { callTool, modern, openModern, send } from "./harness/http.ts";
import { modernHeaders, modernRequest } from "./harness/messages.ts";
import { createServer, startServer, useServer } from "./harness/servers.ts";

const everything = useEverything();
const own = useServer(
  (server) => {
    server.tool("plain", {}, () => "plain");
    server.tool("steps", {}, (_args, context) => {
      for (const step of [1, 2, 3]) context.progress({ progress: step, total: 3 });
      return "done";
    });
    server.tool("late_step", {}, (_args, context) => {
      setImmediate(() => context.progress(9));
      context.progress(1);
      return "done";
    });
  },
  { allowedOrigins: ["https://app.example"] },
);
const modernOnly = useServer((server) => server.tool("plain", {}, () => "plain"), {
  legacy: false,
});

const list = modernRequest("tools/list");
const headers = modernHeaders(list);

describe.each([
  ["apps/everything", everything],
  ["a server of this process", own],
])("the endpoint of %s", (_name, target) => {
  it("[S26-15] is one path", async () => {
    expect((await send(target.url, { headers, body: list })).status).toBe(200);
    const elsewhere = target.url.replace(/\/mcp$/, "/elsewhere");
    const answer = await send(elsewhere, { headers, body: list });
    expect(answer.status).toBe(404);
    // A modern client reads -32601 in a 404 as "no such method" of a server that is there.
    expect(answer.message?.error?.code).not.toBe(-32601);
  });

  it.each(["PUT", "PATCH"])("answers %s with 405", async (method) => {
    const answer = await send(target.url, { method, headers, body: list });
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toContain("POST");
  });

  it.each([
    ["a foreign site", "https://evil.example.com"],
    ["a site whose name begins like ours", "http://localhost.evil.example.com"],
    ["an opaque origin", "null"],
    ["nonsense", "::::"],
  ])("[S26-16a] refuses the Origin of %s with 403", async (_case, origin) => {
    const answer = await send(target.url, { headers: { ...headers, origin }, body: list });
    expect(answer.status).toBe(403);
    expect(answer.message ?? {}).not.toHaveProperty("id");
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
  });

  it("[S26-16a] refuses a foreign Origin on every method", async () => {
    const origin = "https://evil.example.com";
    for (const method of ["GET", "DELETE", "OPTIONS"]) {
      const answer = await send(target.url, { method, headers: { ...headers, origin } });
      expect(answer.status).toBe(403);
    }
  });

  it("[S26-16a] refuses a foreign Host", async () => {
    const host = { host: "evil.example.com" };
    const answer = await send(target.url, { headers: { ...headers, ...host }, body: list });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it("[S26-16a] takes the Origin of the same loopback host", async () => {
    const { origin } = new URL(target.url);
    const answer = await send(target.url, { headers: { ...headers, origin }, body: list });
    expect(answer.status).toBe(200);
  });

  it("[S26-16b] listens on the loopback interface only", async () => {
    const addresses = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of addresses) {
      const url = target.url.replace("127.0.0.1", address);
      await expect(send(url, { headers, body: list })).rejects.toThrow(/ECONNREFUSED/);
    }
    expect(new URL(target.url).hostname).toBe("127.0.0.1");
  });

  it.each([
    ["no Content-Type", undefined],
    ["another Content-Type", "text/plain"],
    ["a form", "application/x-www-form-urlencoded"],
  ])("refuses %s with 415", async (_case, type) => {
    const { "content-type": _type, ...rest } = headers;
    const answer = await send(target.url, {
      headers: { ...rest, ...(type !== undefined && { "content-type": type }) },
      body: list,
    });
    expect(answer.status).toBe(415);
  });

  it("refuses a body beyond the limit with 413, before it is sent", async () => {
    const length = { "content-length": String(5 * 1024 * 1024) };
    const answer = await send(target.url, { headers: { ...headers, ...length } });
    expect(answer.status).toBe(413);
  });

  it("refuses a body of unknown length once it passes the limit", async () => {
    const chunked = { ...headers, "transfer-encoding": "chunked" };
    const body = " ".repeat(5 * 1024 * 1024);
    // Whoever still sends gets the answer too: the rest is read and thrown away.
    expect((await send(target.url, { headers: chunked, body })).status).toBe(413);
    expect((await send(target.url, { headers, body: list })).status).toBe(200);
  });

  it("refuses a body that nests too deep, and goes on", async () => {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${"[".repeat(100_000)}`;
    const answer = await send(target.url, { headers, body });
    expect(answer.status).toBe(400);
    expect((await send(target.url, { headers, body: list })).status).toBe(200);
  });

  it("[S26-18] answers with one JSON object where nothing precedes the response", async () => {
    const answer = await modern(target.url, "tools/list");
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.messages).toHaveLength(1);
  });
});

describe("event streams", () => {
  it("[S26-18, S26-26b] carry what belongs to the request, end with its response, and hold no request", async () => {
    const meta = { progressToken: "p" };
    const answer = await callTool(own.url, "steps", {}, { id: "stream", meta });
    expect(answer.headers["content-type"]).toMatch(/^text\/event-stream/);
    expect(answer.messages.map(({ method }) => method)).toEqual([
      "notifications/progress",
      "notifications/progress",
      "notifications/progress",
      undefined,
    ]);
    expect(answer.message).toMatchObject({ id: "stream", result: { resultType: "complete" } });
    expect(answer.messages.filter((message) => message.method && "id" in message)).toEqual([]);
  });

  it("[S26-26a] tell proxies not to buffer, and caches not to store", async () => {
    const answer = await callTool(own.url, "steps", {}, { meta: { progressToken: 1 } });
    expect(answer.headers["x-accel-buffering"]).toBe("no");
    expect(answer.headers["cache-control"]).toMatch(/no-(store|cache)/);
  });

  it("[S26-26b] hold nothing after the response", async () => {
    const stream = await openModern(
      own.url,
      "tools/call",
      { name: "late_step", arguments: {} },
      { meta: { progressToken: 1 } },
    );
    await stream.ended();
    expect(stream.messages.at(-1)).toHaveProperty("result");
    expect(stream.messages).toHaveLength(2);
  });

  it("[S26-25b] are not resumable: they have no event ids", async () => {
    const answer = await callTool(own.url, "steps", {}, { meta: { progressToken: 1 } });
    expect(answer.events.map(({ id }) => id)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("a server of this revision only", () => {
  it.each(["GET", "DELETE"])("[S26-25a] answers %s with 405", async (method) => {
    const answer = await send(modernOnly.url, { method, headers: { accept: "text/event-stream" } });
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toContain("POST");
  });

  it("[S26-04] asks an unclaimed request for its _meta", async () => {
    const answer = await send(modernOnly.url, {
      headers: { "content-type": "application/json", accept: headers["accept"] as string },
      body: { jsonrpc: "2.0", id: 1, method: "tools/list" },
    });
    expect(answer).toMatchObject({ status: 400, message: { id: 1, error: { code: -32602 } } });
  });

  it("names its versions to a client that initializes", async () => {
    const body = {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "old", version: "1" },
      },
    };
    const answer = await send(modernOnly.url, {
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      },
      body,
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("2026-07-28");
  });

  it("[S26-25b] ignores session and event ids", async () => {
    const more = { "mcp-session-id": "any", "last-event-id": "any" };
    const answer = await modern(modernOnly.url, "tools/list", {}, { headers: more });
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty("mcp-session-id");
  });
});

describe("cross-origin browsers", () => {
  const origin = "https://app.example";

  it("are allowed by name, preflight included", async () => {
    const preflight = await send(own.url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, mcp-method, mcp-name, mcp-param-x",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers["access-control-allow-origin"]).toBe(origin);
    expect(preflight.headers["access-control-allow-headers"]).toMatch(/\*|mcp-method/i);
    const answer = await send(own.url, { headers: { ...headers, origin }, body: list });
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBe(origin);
    expect(answer.headers["vary"]).toMatch(/origin/i);
  });
});

describe("binding", () => {
  it("[S26-16b] beyond loopback needs allowedHosts, and says so", async () => {
    const server = createServer(() => undefined);
    await expect(server.start({ host: "0.0.0.0", port: 0 })).rejects.toThrow(/allowedHosts/);
  });

  it("goes where a host name is allowed", async () => {
    const { server, url } = await startServer((server) => server.tool("plain", {}, () => ""), {
      allowedHosts: ["mcp.example"],
    });
    try {
      const host = { host: "mcp.example" };
      const answer = await send(url, { headers: { ...headers, ...host }, body: list });
      expect(answer.status).toBe(200);
    } finally {
      await server.stop();
    }
  });
});
