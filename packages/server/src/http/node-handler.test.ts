import type { IncomingMessage } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { textOf } from "../input-peer.test-support.ts";
import { handlerSuite } from "./handlers.test-support.ts";
import {
  callTool,
  HttpRigs,
  type Mount,
  modernCall,
  mountListener,
  sendBody,
} from "./http-rig.test-support.ts";
import { largeAnswersSuite } from "./large-answers.test-support.ts";
import { mountSuite } from "./mounts.test-support.ts";
import { RawSocket, rawPost, statusesIn } from "./raw-socket.test-support.ts";

describe("the node handler", () => {
  const mount: Mount = (server) =>
    mountListener((request, response) => server.nodeHandler(request, response));
  mountSuite(mount);
  handlerSuite(mount);
  largeAnswersSuite(mount);
});

describe("a call that runs on", () => {
  const rigs = new HttpRigs((server) =>
    mountListener((request, response) => server.nodeHandler(request, response)),
  );
  afterEach(() => rigs.close());

  it("keeps nothing of the body that it came in", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const { url, events } = await rigs.open();
    const settled = async (): Promise<number> => {
      // A collection frees buffers only after the turn in which it found them.
      for (let round = 0; round < 3; round++) {
        gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return process.memoryUsage().arrayBuffers;
    };
    const before = await settled();
    const { headers, message } = modernCall("wait");
    const body = JSON.stringify(message) + " ".repeat(3_000_000);
    const clients: RawSocket[] = [];
    for (let n = 1; n <= 5; n++) {
      const client = await RawSocket.open(Number(new URL(url).port));
      clients.push(client);
      await client.write(rawPost("/mcp", headers, body));
      await vi.waitFor(() => expect(events).toHaveLength(n));
    }
    await vi.waitFor(async () => expect((await settled()) - before).toBeLessThan(3_000_000));
    for (const { socket } of clients) socket.destroy();
  });
});

describe("the body of a request", () => {
  const rigs = new HttpRigs((server) =>
    mountListener((request, response) => server.nodeHandler(request, response)),
  );
  afterEach(() => rigs.close());

  const { headers, message } = modernCall("echo", { text: "as it was sent" });
  const json = JSON.stringify(message);
  const announced = rawPost("/mcp", headers, json);
  const chunked = rawPost(
    "/mcp",
    { ...headers, "transfer-encoding": "chunked" },
    `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`,
  );
  const bodyAt = announced.length - json.length;
  const cut = (...at: number[]): string[] =>
    [0, ...at].map((from, index) => announced.slice(from, at[index]));

  it.each([
    ["with the headers", cut()],
    ["after the headers", cut(bodyAt)],
    ["in part with the headers", cut(bodyAt + 20)],
    ["in parts after the headers", cut(bodyAt, bodyAt + 20)],
    ["after part of the headers", cut(30)],
    ["in chunks", [chunked]],
    ["in chunks after the headers", [chunked.slice(0, -json.length), chunked.slice(-json.length)]],
    ["with the next requests", [announced + chunked + announced]],
  ])("is read when it comes %s, and so is the next one", async (_how, parts) => {
    const { url } = await rigs.open();
    const client = await RawSocket.open(Number(new URL(url).port));
    client.socket.setNoDelay(true);
    for (const part of parts) {
      await client.write(part);
      // So that it arrives alone: what is read must not depend on it.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await client.write(rawPost("/mcp", { ...headers, connection: "close" }, json));
    client.socket.end();
    await client.closed();
    const requests = parts.join("").split("POST /mcp").length;
    expect(statusesIn(client.received)).toEqual(Array(requests).fill(200));
    expect(client.received.split("as it was sent")).toHaveLength(requests + 1);
    expect(client.ended).toBe(true);
  });
});

describe("an answer that closes the connection", () => {
  const rigs = new HttpRigs((server) =>
    mountListener((request, response) => server.nodeHandler(request, response)),
  );
  afterEach(() => rigs.close());

  it.each([
    ["POST", 403, "evil.example"],
    ["PUT", 405, "localhost"],
    ["GET", 405, "localhost"],
    ["DELETE", 400, "localhost"],
    ["HEAD", 405, "localhost"],
    ["OPTIONS", 204, "localhost"],
  ])("to %s arrives whole although the client still uploads", async (method, status, host) => {
    const { url } = await rigs.open({ allowedOrigins: ["https://app.example"] });
    const client = await RawSocket.open(Number(new URL(url).port));
    const size = 6 * 1024 * 1024;
    client.socket.pause();
    await client.write(
      [
        `${method} /mcp HTTP/1.1`,
        `Host: ${host}`,
        "Origin: https://app.example",
        "Connection: close",
        `Content-Length: ${size}`,
        "\r\n",
      ].join("\r\n"),
    );
    await client.write(Buffer.alloc(size, 0x20));
    client.socket.resume();
    client.socket.end();
    await client.closed();
    expect(statusesIn(client.received)).toEqual([status]);
    expect(client.ended).toBe(true);
  });
});

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("the node handler behind something that reads the body", () => {
  /** A body parser that leaves what `leave` makes of the body. */
  const parsing = (leave: (body: Buffer) => unknown): HttpRigs =>
    new HttpRigs((server) =>
      mountListener(async (request, response) => {
        server.nodeHandler(request, response, leave(await readAll(request)));
      }),
    );
  let rigs: HttpRigs;
  afterEach(() => rigs.close());

  it.each([
    ["a parsed value", (body: Buffer) => JSON.parse(body.toString())],
    ["text", (body: Buffer) => body.toString()],
    ["bytes", (body: Buffer) => body],
    ["bytes that are no Buffer", (body: Buffer) => new Uint8Array(body)],
  ])("takes %s", async (_what, leave) => {
    rigs = parsing(leave);
    const { url } = await rigs.open();
    const response = await callTool(url, "echo", { text: "ü€" });
    expect(textOf((await response.json()) as never)).toBe('{"text":"ü€"}');
  });

  it("is a 500 whose log names the remedy without what the parser made", async () => {
    rigs = parsing(() => undefined);
    const { url, logged } = await rigs.open();
    const response = await callTool(url, "echo");
    expect(response.status).toBe(500);
    expect((await response.json()).error).toEqual({
      code: -32603,
      message: "Internal error",
      data: { correlationId: expect.any(String) },
    });
    expect(logged).toEqual([
      {
        correlationId: expect.any(String),
        path: "/mcp",
        message: expect.stringContaining("server.nodeHandler(req, res, req.body)"),
      },
    ]);
  });

  it("bounds the depth of a parsed value, and of text", async () => {
    const deep = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    for (const leave of [(body: Buffer) => JSON.parse(body.toString()), (body: Buffer) => body]) {
      rigs = parsing(leave);
      const { url } = await rigs.open({ limits: { maxJsonDepth: 10 } });
      expect((await callTool(url, "echo", { deep: deep(7) })).status).toBe(200);
      const response = await callTool(url, "echo", { deep: deep(8) });
      expect(response.status).toBe(400);
      expect((await response.json()).error?.message).toContain("deeper than 10 levels");
      // Deeper than any stack: only a bound without recursion answers this.
      const { headers, message } = modernCall("echo", { deep: 0 });
      const bottomless = "[".repeat(200_000) + "]".repeat(200_000);
      const body = JSON.stringify(message).replace('"deep":0', `"deep":${bottomless}`);
      expect((await sendBody(url, headers, [body])).status).toBe(400);
      await rigs.close();
    }
  });

  it("bounds the size of unparsed text", async () => {
    rigs = parsing((body) => body);
    const { url } = await rigs.open({ limits: { maxBodyBytes: 1_000 } });
    expect((await callTool(url, "echo", { text: "x".repeat(1_000) })).status).toBe(413);
  });

  it("checks the media type of what was parsed", async () => {
    rigs = parsing((body) => JSON.parse(body.toString()));
    const { url } = await rigs.open();
    const response = await callTool(url, "echo", {}, {}, { "content-type": "text/plain" });
    expect(response.status).toBe(415);
  });
});
