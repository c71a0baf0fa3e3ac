import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, createServer as createNetServer, type Socket } from "node:net";
import {
  createMemoryEventBus,
  createMemoryEventLog,
  createMemorySessionStore,
} from "@backplane/protocol";
import type { MCPServer, StartHttpOptions } from "@backplane/server";
import { describe, expect, it, vi } from "vitest";
import { callTool, send } from "../protocol/harness/http.ts";
import { LegacySession, openSession } from "../protocol/harness/legacy-session.ts";
import {
  modernHeaders,
  modernRequest,
  textOf,
  type WireMessage,
} from "../protocol/harness/messages.ts";
import { createServer, startServer } from "../protocol/harness/servers.ts";
import { Work } from "./harness/work.ts";

const plain = (server: MCPServer): void => {
  server.tool("plain", {}, () => "plain");
};

/** A TCP connection that says `text` and nothing more. */
async function rawConnection(url: string, text: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  if (text !== "") socket.write(text);
  return socket;
}

describe("stop", () => {
  it("called again is the same stop", async () => {
    const work = new Work();
    const { server, url } = await startServer(work.register);
    const running = callTool(url, "work", { name: "running" });
    await work.started("running");
    const first = server.stop();
    expect(server.stop()).toBe(first);
    work.release("running");
    await first;
    await expect(server.stop()).resolves.toBeUndefined();
    expect(textOf((await running).message)).toBe("finished running");
  });

  it("resolves what start promised, and rules out another start", async () => {
    const server = createServer(plain);
    const started = await server.start({ port: 0 });
    await server.stop();
    await expect(started.stopped).resolves.toBeUndefined();
    await expect(server.start({ port: 0 })).rejects.toThrow(/started already|been stopped/);
    const unstarted = createServer(plain);
    await unstarted.stop();
    await expect(unstarted.start({ port: 0 })).rejects.toThrow("stopped");
  });

  it("while start is still under way leaves no port open and no signal handler", async () => {
    const before = process.listenerCount("SIGTERM");
    const server = createServer(plain);
    const starting = server.start({ port: 0, signals: true });
    await server.stop();
    const { url, stopped } = await starting;
    await stopped;
    await expect(send(String(url))).rejects.toThrow("ECONNREFUSED");
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });

  it("removes its signal handlers", async () => {
    const count = () => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
    const before = count();
    const { server } = await startServer(plain, {}, { signals: true });
    expect(count()).toBe(before + 2);
    await server.stop();
    expect(count()).toBe(before);
    const silent = await startServer(plain);
    expect(count()).toBe(before);
    await silent.server.stop();
  });

  it("refuses what reaches a mounted handler afterwards", async () => {
    const server = createServer(plain);
    await server.stop();
    const body = modernRequest("tools/call", { name: "plain" });
    const headers = { ...modernHeaders(body), host: "localhost" };
    const answer = await server.handler(
      new Request("http://localhost/mcp", { method: "POST", headers, body: JSON.stringify(body) }),
    );
    expect(answer.status).toBe(503);
    expect(((await answer.json()) as WireMessage).error?.data?.["reason"]).toBe("draining");
  });
});

describe("seams that were given", () => {
  it("stay open, for the other servers that share them", async () => {
    const seams = {
      sessionStore: createMemorySessionStore({ maxSessions: 10 }),
      eventLog: createMemoryEventLog(),
      eventBus: createMemoryEventBus(),
    };
    const closes = Object.values(seams).map((seam) => vi.spyOn(seam, "close"));
    const one = await startServer(plain, seams);
    const other = await startServer(plain, seams);
    const session = await openSession(one.url);
    const moved = await openSession(other.url);
    await one.server.stop();
    // The session outlives the server that made it: any other one serves it.
    const elsewhere = new LegacySession(
      other.url,
      session.id,
      await moved.request("ping"),
      session.headers,
    );
    expect(textOf((await elsewhere.callTool("plain")).message)).toBe("plain");
    const news = await elsewhere.get();
    other.server.tool("extra", {}, () => "");
    await news.until(({ method }) => method === "notifications/tools/list_changed");
    await other.server.stop();
    for (const close of closes) expect(close).not.toHaveBeenCalled();
  });

  it("that fail as they are left do not keep the server from stopping", async () => {
    const eventBus = createMemoryEventBus();
    const subscribe = eventBus.subscribe.bind(eventBus);
    vi.spyOn(eventBus, "subscribe").mockImplementation(async (...parameters) => {
      await subscribe(...parameters);
      return () => Promise.reject(new Error("the bus is away"));
    });
    const warnings: unknown[] = [];
    const logger = {
      debug() {},
      info() {},
      warn: (fields: object) => warnings.push(fields),
      error() {},
    };
    const before = process.listenerCount("SIGTERM");
    const { server, url } = await startServer(plain, { eventBus, logger }, { signals: true });
    const news = await (await openSession(url)).get();
    await server.stop();
    await news.ended();
    await expect(send(url)).rejects.toThrow("ECONNREFUSED");
    expect(process.listenerCount("SIGTERM")).toBe(before);
    expect(warnings).toContainEqual({
      part: "eventBus",
      err: expect.objectContaining({ message: "the bus is away" }),
    });
  });
});

describe("sockets", () => {
  it.each([
    ["says nothing", ""],
    ["stops in its headers", "POST /mcp HTTP/1.1\r\nHost: localhost\r\n"],
    [
      "stops in its body",
      "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    ],
    ["is kept alive", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ])("one that %s is closed", async (_case, text) => {
    const { server, url } = await startServer(plain);
    const socket = await rawConnection(url, text);
    socket.resume();
    const closed = once(socket, "close");
    // The server has seen the connection once it has answered a later one.
    expect((await send(new URL("/ready", url).href, { method: "GET" })).status).toBe(200);
    await server.stop();
    await closed;
  });

  it("one whose client reads slowly gets the whole answer", async () => {
    const text = "x".repeat(32 * 1024 * 1024);
    const { server, url } = await startServer((server) => {
      server.tool("large", {}, () => text);
    });
    const incoming = await unreadAnswer(url, "large");
    const stopping = server.stop();
    // Longer than a server takes that cuts answers off.
    await new Promise((resolve) => setTimeout(resolve, 700));
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    await stopping;
    const message = JSON.parse(Buffer.concat(chunks).toString("utf8")) as WireMessage;
    expect(textOf(message)?.length).toBe(text.length);
  });

  it("one whose client reads nothing is closed in the end", async () => {
    const text = "x".repeat(32 * 1024 * 1024);
    const { server, url } = await startServer(
      (server) => {
        server.tool("large", {}, () => text);
      },
      {},
      { drainTimeoutMs: 400 },
    );
    const incoming = await unreadAnswer(url, "large");
    incoming.on("error", () => undefined);
    await server.stop();
    const closed = new Promise((resolve) => incoming.once("close", resolve));
    incoming.resume();
    await closed;
    expect(incoming.complete).toBe(false);
  });
});

describe("an option of start that is illegal", () => {
  it.each([
    ["http", { drainDelayMs: -1 }, "drainDelayMs"],
    ["http", { drainTimeoutMs: Number.NaN }, "drainTimeoutMs"],
    ["stdio", { drainTimeoutMs: "10" }, "drainTimeoutMs"],
    ["stdio", { signals: "yes" }, "signals"],
    ["stdio", { drainDelayMs: 1 }, "drainDelayMs"],
  ])("over %s is named: %j", async (transport, options, name) => {
    const server = createServer(plain);
    const start = server.start({ transport, ...options } as unknown as StartHttpOptions);
    await expect(start).rejects.toThrow(`option "${name}"`);
    await server.stop();
  });
});

describe("a port in use", () => {
  it("is named with the option that chooses another, and leaves the server startable", async () => {
    const other = createNetServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const before = process.listenerCount("SIGTERM");
    const server = createServer(plain);
    const failure = await server
      .start({ port, signals: true })
      .then(() => undefined)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({ code: "EADDRINUSE" });
    expect((failure as Error).message).toContain(`port ${port} on 127.0.0.1 is in use`);
    expect((failure as Error).message).toContain('option "port"');
    expect(process.listenerCount("SIGTERM")).toBe(before);
    other.close();
    await once(other, "close");
    const { url } = await server.start({ port: 0 });
    expect(textOf((await callTool(String(url), "plain")).message)).toBe("plain");
    await server.stop();
  });
});

/** The answer to a call, past its headers, of which nothing more is read yet. */
function unreadAnswer(url: string, name: string): Promise<IncomingMessage> {
  const body = modernRequest("tools/call", { name, arguments: {} });
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", headers: modernHeaders(body), agent: false });
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      outgoing.on("error", () => undefined);
      resolve(incoming);
    });
    outgoing.end(JSON.stringify(body));
  });
}
