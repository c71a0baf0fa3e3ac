import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { quietServer } from "../input-peer.test-support.ts";
import { modernCall } from "./http-rig.test-support.ts";
import { Gates, type Running, startServer, stopAll } from "./legacy-servers.test-support.ts";
import { createParserErrorListener, type LingerLimits } from "./parser-errors.ts";
import { RawSocket, rawPost, statusesIn } from "./raw-socket.test-support.ts";

const TOO_LONG = "a".repeat(20_000);
const UPLOAD = Buffer.alloc(6 * 1024 * 1024, 0x20);
const BROKEN_CHUNK = "no chunk\r\n";

const sockets: RawSocket[] = [];
afterEach(() => {
  for (const { socket } of sockets.splice(0)) socket.destroy();
});

async function open(port: number): Promise<RawSocket> {
  const socket = await RawSocket.open(port);
  sockets.push(socket);
  return socket;
}

/** A request that is in order. */
function call(name: string, args: object = {}): string {
  const { headers, message } = modernCall(name, args);
  return rawPost("/mcp", headers, JSON.stringify(message));
}

describe("a started server", () => {
  let gates: Gates;
  let running: Running;
  let port: number;

  const start = async (options: Parameters<typeof startServer>[1] = {}): Promise<void> => {
    running = await startServer(gates, options);
    port = Number(new URL(running.url).port);
  };

  beforeEach(() => {
    gates = new Gates();
  });
  afterEach(() => stopAll([running]));

  it.each([
    [431, `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ${TOO_LONG}\r\n\r\n`],
    [400, "POST /mcp HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n"],
    [400, rawPost("/mcp", { "transfer-encoding": "chunked" }, BROKEN_CHUNK)],
    [413, rawPost("/mcp", { "transfer-encoding": "chunked" }, `1;${TOO_LONG}\r\na\r\n`)],
  ])("answers %i although the client goes on sending before it reads", async (status, bytes) => {
    await start();
    const client = await open(port);
    client.socket.pause();
    await client.write(bytes);
    await client.write(UPLOAD);
    client.socket.resume();
    client.socket.end();
    await client.closed();
    expect(client.received).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [A-Z].*\r\nConnection: close\r\n.*\r\n\r\n$`),
    );
    expect(statusesIn(client.received)).toEqual([status]);
    expect(client.ended).toBe(true);
  });

  it("answers what came before the error first", async () => {
    await start();
    const client = await open(port);
    await client.write(call("waits", { gate: "first" }) + call("echo") + BROKEN_CHUNK);
    await gates.at("first").reached;
    gates.at("first").open();
    await client.until(/HTTP\/1\.1 400 .*\r\n\r\n$/s);
    expect(statusesIn(client.received)).toEqual([200, 200, 400]);
    expect(client.received).toMatch(/waited.*echo/s);
  });

  it("cancels a call whose client is gone behind the error", async () => {
    await start();
    const client = await open(port);
    await client.write(call("waits", { gate: "left" }) + BROKEN_CHUNK);
    await gates.at("left").reached;
    client.socket.end();
    expect(await gates.at("left").aborted).toBeDefined();
    await client.closed();
    expect(client.received).toBe("");
  });

  it("cuts a stream that is under way", async () => {
    await start();
    const client = await open(port);
    const { headers, message } = modernCall("reports", { gate: "stream" }, { progressToken: 1 });
    await client.write(rawPost("/mcp", headers, JSON.stringify(message)));
    await client.until(/"progress":1/);
    await client.write(BROKEN_CHUNK);
    await gates.at("stream").aborted;
    client.socket.end();
    await client.closed();
    expect(statusesIn(client.received)).toEqual([200]);
    expect(client.received).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  it("leaves an upload that was refused with its answer", async () => {
    await start();
    const client = await open(port);
    const headers = { origin: "https://evil.example", "transfer-encoding": "chunked" };
    client.socket.pause();
    await client.write(rawPost("/mcp", headers, "1\r\na\r\n"));
    await client.write(BROKEN_CHUNK);
    await client.write(UPLOAD);
    client.socket.resume();
    await client.until(/\}$/);
    client.socket.end();
    await client.closed();
    expect(statusesIn(client.received)).toEqual([403]);
    expect(client.received).toMatch(/allowedOrigins.*\}$/s);
    expect(client.ended).toBe(true);
  });

  it("reads on what stood still when the error came", async () => {
    let decide: () => void = () => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const outcome = { principal: { id: "a", scopes: [], roles: [] } };
    await start({ auth: { authenticate: () => decided.then(() => outcome) } });
    const client = await open(port);
    client.socket.pause();
    // More than is read ahead of who asks for it, in one piece with the error.
    const chunk = `c000\r\n${"a".repeat(0xc000)}\r\n`;
    await client.write(rawPost("/mcp", { "transfer-encoding": "chunked" }, chunk + BROKEN_CHUNK));
    await client.write(UPLOAD);
    client.socket.resume();
    await client.until(/\r\n\r\n$/);
    client.socket.end();
    await client.closed();
    decide();
    expect(statusesIn(client.received)).toEqual([400]);
    expect(client.ended).toBe(true);
  });

  it.each([
    ["its headers", { headersTimeoutMs: 50 }, "POST /mcp HTTP/1.1\r\n"],
    ["its body", { requestTimeoutMs: 50 }, rawPost("/mcp", { "content-length": "9" }, "")],
  ])("answers 408 to a client that is late with %s", async (_what, limits, bytes) => {
    const server = quietServer([]);
    running = { server, url: (await server.start({ port: 0, ...limits })).url as string };
    const client = await open(Number(new URL(running.url).port));
    await client.write(bytes);
    await client.until(/\r\n\r\n$/);
    expect(statusesIn(client.received)).toEqual([408]);
  });

  it("is not kept from stopping by a connection that it refused", async () => {
    await start();
    const client = await open(port);
    await client.write(BROKEN_CHUNK);
    await client.until(/\r\n\r\n$/);
    expect(client.socket.closed).toBe(false);
    await running.server.stop();
    await client.write("more");
    await client.write("more");
    await client.closed();
    expect(statusesIn(client.received)).toEqual([400]);
  });
});

describe("the listener", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  async function serve(
    limits: Partial<LingerLimits> = {},
    options: ServerOptions = {},
    listener: RequestListener = () => {},
  ): Promise<{ readonly client: RawSocket; readonly connection: Socket }> {
    const server = createServer(options, listener).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    const all = { totalMs: 60_000, silenceMs: 60_000, maxBytes: 1024 * 1024 * 1024, ...limits };
    server.on("clientError", createParserErrorListener(all));
    const connected = once(server, "connection");
    const client = await open((server.address() as AddressInfo).port);
    const [connection] = (await connected) as [Socket];
    return { client, connection };
  }

  const lost = async (connection: Socket): Promise<void> => {
    if (!connection.closed) await new Promise((resolve) => connection.once("close", resolve));
  };

  it("answers once, however many errors follow", async () => {
    const { client, connection } = await serve();
    for (let i = 0; i < 5; i++) await client.write("\u0016\u0003\u0001\r\n\r\n");
    await client.until(/\r\n\r\n$/);
    await client.write(call("echo"));
    client.socket.end();
    await lost(connection);
    expect(statusesIn(client.received)).toEqual([400]);
  });

  it("does not run a request that was too late when the rest of it comes", async () => {
    const read: string[] = [];
    const { client, connection } = await serve(
      {},
      { requestTimeout: 500, headersTimeout: 500, connectionsCheckingInterval: 50 },
      (request, response) => {
        request.on("data", (chunk: Buffer) => read.push(chunk.toString()));
        request.on("end", () => response.end("served"));
      },
    );
    await client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst");
    await client.until(/\r\n\r\n$/);
    expect(statusesIn(client.received)).toEqual([408]);
    await client.write("later");
    await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.socket.end();
    await lost(connection);
    expect(statusesIn(client.received)).toEqual([408]);
    expect(read).toEqual(["first"]);
  });

  it.each([
    ["sends more than it may", { maxBytes: 1_000_000 }],
    ["sends for too long", { totalMs: 30 }],
  ])("cuts a client that %s", async (_name, limits) => {
    const { client, connection } = await serve(limits);
    await client.write(BROKEN_CHUNK);
    while (!connection.closed) await client.write(Buffer.alloc(10_000));
    expect(connection.bytesRead).toBeGreaterThan(0);
  });

  it("cuts a client that falls silent", async () => {
    const { client, connection } = await serve({ silenceMs: 20 });
    await client.write(BROKEN_CHUNK);
    await lost(connection);
    await client.until(/\r\n\r\n$/);
    expect(statusesIn(client.received)).toEqual([400]);
  });
});
