import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import type { LoadHttpSender } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import {
  answerTo,
  EventLog,
  json,
  optionsFor,
  ping,
  Recorder,
  type Script,
  ScriptedServer,
  SENDERS,
  until,
} from "./http-rig.test-support.ts";
import { HttpTransport } from "./http-transport.ts";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function rig(
  load: LoadHttpSender | undefined,
  script: Script,
  more: Partial<HttpTransportOptions> = {},
): Promise<{ server: ScriptedServer; transport: HttpTransport }> {
  const server = await ScriptedServer.open(script);
  closing.push(() => server.close());
  return { server, transport: await connect(load, server.url, more) };
}

async function connect(
  load: LoadHttpSender | undefined,
  url: string,
  more: Partial<HttpTransportOptions> = {},
): Promise<HttpTransport> {
  const transport = new HttpTransport(optionsFor(url, more), load);
  closing.push(() => transport.close());
  await transport.open(new EventLog());
  return transport;
}

function send(transport: HttpTransport, more: Parameters<typeof ping>[0] = {}): Recorder {
  const recorder = new Recorder();
  transport.request(ping(more), recorder);
  // Nothing may come back before `request` has returned.
  expect(recorder).toMatchObject({ messages: [], failures: 0 });
  return recorder;
}

describe.each(SENDERS)("HttpTransport on %s", (name, load) => {
  describe("a request", () => {
    it("is one POST with the headers of the protocol, the binding, the options and its own", async () => {
      const { server, transport } = await rig(
        load,
        (seen, response) => json(response, answerTo(seen)),
        {
          headers: { "X-Tenant": "a", "X-Trace": "general" },
        },
      );
      transport.bind({ protocolVersion: "2025-11-25", sessionId: "s1", resumable: true });
      const recorder = send(transport, { headers: ["mcp-method", "ping", "x-trace", "own"] });
      expect(await recorder.received()).toEqual([{ jsonrpc: "2.0", id: 1, result: {} }]);
      expect(server.seen).toHaveLength(1);
      const [seen] = server.seen;
      expect(seen).toMatchObject({ method: "POST", url: "/mcp", body: ping().text });
      expect(seen?.headers).toMatchObject({
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
        "mcp-session-id": "s1",
        "mcp-method": "ping",
        "x-tenant": "a",
        "x-trace": "own",
      });
    });

    it("never lets its own headers replace those of the protocol", async () => {
      const { server, transport } = await rig(
        load,
        (seen, response) => json(response, answerTo(seen)),
        {
          headers: { "Content-Type": "text/plain", "MCP-Session-Id": "forged" },
        },
      );
      transport.bind({ protocolVersion: "2025-11-25", sessionId: "s1", resumable: false });
      await send(transport, {
        headers: ["accept", "text/html", "mcp-protocol-version", "1"],
      }).received();
      expect(server.seen[0]?.headers).toMatchObject({
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
        "mcp-session-id": "s1",
      });
    });

    it("keeps the query of the endpoint, and drops its fragment", async () => {
      const { server } = await rig(load, (seen, response) => json(response, answerTo(seen)));
      const transport = await connect(load, `${server.origin}/a/b?tenant=1#part`);
      await send(transport).received();
      expect(server.seen[0]?.url).toBe("/a/b?tenant=1");
    });

    it("reports the session that an answer opens, before the message", async () => {
      const { transport } = await rig(load, (seen, response) => {
        response.setHeader("mcp-session-id", "fresh");
        json(response, answerTo(seen));
      });
      const order: string[] = [];
      await new Promise<void>((resolve, reject) => {
        transport.request(ping(), {
          onSession: (id) => order.push(id),
          onMessage: () => {
            order.push("message");
            resolve();
          },
          onFailure: reject,
        });
      });
      expect(order).toEqual(["fresh", "message"]);
      // The same session again is no news.
      transport.bind({ protocolVersion: undefined, sessionId: "fresh", resumable: false });
      const recorder = send(transport);
      await recorder.received();
      expect(recorder.sessions).toEqual([]);
    });

    it("refuses a session id that could not be sent back", async () => {
      const { transport } = await rig(load, (seen, response) => {
        response.setHeader("mcp-session-id", "two words");
        json(response, answerTo(seen));
      });
      expect(await send(transport).failed()).toMatchObject({ code: "invalid_response" });
    });

    it.each([
      "application/json; charset=utf-8",
      "Application/JSON",
      "application/json ;charset=UTF-8",
    ])("takes %s for JSON", async (type) => {
      const { transport } = await rig(load, (seen, response) => {
        response.writeHead(200, { "content-type": type }).end(answerTo(seen));
      });
      expect(await send(transport).received()).toHaveLength(1);
    });

    it("is put together from pieces that split a character", async () => {
      const { transport } = await rig(load, (seen, response) => {
        const bytes = Buffer.from(answerTo(seen, { text: "grün€𝄞" }));
        response.writeHead(200, { "content-type": "application/json" });
        const pieces = [bytes.subarray(0, -6), bytes.subarray(-6, -4), bytes.subarray(-4)];
        const next = () => {
          const piece = pieces.shift();
          if (piece === undefined) response.end();
          else response.write(piece, () => setImmediate(next));
        };
        next();
      });
      expect(await send(transport).received()).toMatchObject([{ result: { text: "grün€𝄞" } }]);
    });

    it("may be answered by a batch (2025-03-26)", async () => {
      const { transport } = await rig(load, (seen, response) => {
        const note = { jsonrpc: "2.0", method: "notifications/message", params: {} };
        json(response, `[${JSON.stringify(note)}, ${answerTo(seen)}]`);
      });
      expect(await send(transport).received(2)).toMatchObject([
        { method: "notifications/message" },
        { id: 1 },
      ]);
    });

    it("hears nothing after it was abandoned, and its connection is closed", async () => {
      let closed = false;
      const { server, transport } = await rig(load, (_seen, response) => {
        response.on("close", () => {
          closed = true;
        });
      });
      const recorder = send(transport);
      await until(() => server.seen.length === 1);
      transport.abandon(1);
      transport.abandon(1);
      await until(() => closed);
      expect(recorder).toMatchObject({ messages: [], failures: 0 });
    });

    it("fails with closed when the transport is closed, before and after", async () => {
      const { server, transport } = await rig(load, () => {});
      const recorder = send(transport);
      await until(() => server.seen.length === 1);
      await transport.close();
      await transport.close();
      expect(recorder.failure).toMatchObject({ code: "closed", retry: "never" });
      expect(await send(transport).failed()).toMatchObject({ code: "closed" });
      await expect(transport.post("{}", [])).rejects.toMatchObject({ code: "closed" });
    });

    it("fails when HTTP cannot carry a header", async () => {
      const { transport } = await rig(load, () => {});
      const recorder = send(transport, { headers: ["authorization", "hush\nhush"] });
      const error = await recorder.failed();
      expect(error).toMatchObject({ code: "not_supported", retry: "never" });
      expect(error.message).toContain("invalid authorization header");
      // What headers hold is nobody's business, whatever the runtime quotes.
      expect(inspect(error, { depth: null })).not.toContain("hush");
    });
  });

  describe("a server that answers badly", () => {
    const cases: [string, Script, object][] = [
      ["not JSON", (_, response) => json(response, "{"), { code: "invalid_response" }],
      ["nothing", (_, response) => json(response, ""), { code: "invalid_response" }],
      ["no response", (_, response) => json(response, "[]"), { code: "invalid_response" }],
      ["202", (_, response) => response.writeHead(202).end(), { code: "invalid_response" }],
      ["204", (_, response) => response.writeHead(204).end(), { code: "invalid_response" }],
      [
        "another content type",
        (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
        { code: "invalid_response", message: expect.stringContaining("text/html") },
      ],
      [
        "a body that is larger than it may be",
        (_, response) => {
          response.writeHead(200, { "content-type": "application/json" });
          const fill = () => {
            while (response.write(Buffer.alloc(64 * 1024, " ")));
          };
          response.on("drain", fill);
          fill();
        },
        { code: "response_too_large" },
      ],
      [
        "a length that is larger than it may be",
        (_, response) => {
          const headers = { "content-type": "application/json", "content-length": "9000000000" };
          response.writeHead(200, headers).flushHeaders();
        },
        { code: "response_too_large" },
      ],
      [
        "JSON that nests too deep",
        (_, response) =>
          json(response, `{"id":1,"result":{"a":${"[".repeat(40)}${"]".repeat(40)}}}`),
        { code: "response_too_large" },
      ],
      [
        "a body that breaks off",
        (_, response) => {
          const headers = { "content-type": "application/json", "content-length": "500" };
          response.writeHead(200, headers).write('{"jsonrpc"', () => response.destroy());
        },
        { code: "connection_lost", retry: "if-idempotent" },
      ],
      [
        "a chunked body that breaks off",
        (_, response) => {
          response
            .writeHead(200, { "content-type": "application/json" })
            .write('{"jsonrpc"', () => response.destroy());
        },
        { code: "connection_lost", retry: "if-idempotent" },
      ],
      [
        "a reset",
        ({ socket }) => socket.resetAndDestroy(),
        { code: "connection_lost", retry: "if-idempotent" },
      ],
      [
        "the end of the connection",
        ({ socket }) => socket.end(),
        { code: "connection_lost", retry: "if-idempotent" },
      ],
      [
        "something that is not HTTP",
        ({ socket }) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"),
        { code: "invalid_response", retry: "never" },
      ],
      [
        "headers without end",
        ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}`),
        { code: "response_too_large" },
      ],
      [
        "a compressed body",
        ({ socket }) =>
          socket.write(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
          ),
        { code: expect.stringMatching(/^(invalid_response|connection_lost)$/) },
      ],
    ];

    it.each(cases)("fails a request: %s", async (_what, script, expected) => {
      const { transport } = await rig(load, script);
      const recorder = send(transport);
      expect(await recorder.failed()).toMatchObject(expected);
      expect(recorder.failures).toBe(1);
    });

    it("is read past informational answers", async () => {
      const { transport } = await rig(load, (seen, response) => {
        response.writeEarlyHints({ link: "</a>; rel=preload" });
        json(response, answerTo(seen));
      });
      expect(await send(transport).received()).toHaveLength(1);
    });

    it("is read when it takes null for the id of an error", async () => {
      const { transport } = await rig(load, (_, response) =>
        json(response, '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}'),
      );
      expect(await send(transport).received()).toEqual([
        { jsonrpc: "2.0", error: { code: -32700, message: "x" } },
      ]);
    });
  });

  describe("a status of 300 and above", () => {
    const error = (id: unknown, code = -32602) =>
      JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: "no" } });

    it.each([
      [400, error(1)],
      [404, error(1, -32601)],
      [400, error(null)],
      [400, error(undefined)],
      [403, error(1, -1403)],
      [500, error(1, -32603)],
    ])("%i with the JSON-RPC error of the request is its answer", async (status, body) => {
      const { transport } = await rig(load, (_, response) => json(response, body, status));
      const recorder = send(transport);
      expect(await recorder.received()).toMatchObject([{ error: { message: "no" } }]);
      expect(recorder.statuses).toEqual([[status, undefined]]);
    });

    it("hands Retry-After over with the error of the server", async () => {
      const { transport } = await rig(load, (_, response) => {
        response.setHeader("retry-after", "3");
        json(response, error(1, -1429), 429);
      });
      const recorder = send(transport);
      await recorder.received();
      expect(recorder.statuses).toEqual([[429, 3_000]]);
    });

    it.each([
      [400, "never"],
      [408, "always"],
      [429, "always"],
      [500, "if-idempotent"],
      [501, "never"],
      [502, "if-idempotent"],
      [503, "always"],
      [504, "if-idempotent"],
    ])("%i without one is http_status, and a retry is %s", async (status, retry) => {
      const { transport } = await rig(load, (_, response) => {
        response.writeHead(status, { "retry-after": "2" }).end("sorry");
      });
      expect(await send(transport).failed()).toMatchObject({
        code: "http_status",
        status,
        retry,
        retryAfterMs: 2_000,
        details: { body: "sorry" },
      });
    });

    it.each([
      ["an error for another request", error("server-error")],
      ["an object", '{"error":"invalid_request"}'],
    ])("keeps a body that is %s for whoever negotiates", async (_what, body) => {
      const { transport } = await rig(load, (_, response) => json(response, body, 400));
      expect(await send(transport).failed()).toMatchObject({
        code: "http_status",
        details: { body: JSON.parse(body) },
      });
    });

    it("reads only the beginning of a large body", async () => {
      let closed = false;
      const { transport } = await rig(load, (_, response) => {
        response.on("close", () => {
          closed = true;
        });
        response.writeHead(500);
        const fill = () => {
          while (response.write(Buffer.alloc(64 * 1024, "a")));
        };
        response.on("drain", fill);
        fill();
      });
      const { details } = await send(transport).failed();
      expect(details["body"]).toBe("a".repeat(1_000));
      await until(() => closed);
    });

    it("is an answer even when its body breaks off", async () => {
      const { transport } = await rig(load, (_, response) => {
        response.writeHead(502, { "content-length": "500" }).write("bad", () => response.destroy());
      });
      expect(await send(transport).failed()).toMatchObject({ code: "http_status", status: 502 });
    });

    it.each([301, 302, 303, 307, 308])("%i is not followed", async (status) => {
      const { server, transport } = await rig(load, (_, response) => {
        response.writeHead(status, { location: "http://user:pw@127.0.0.1:1/x?key=1" }).end();
      });
      expect(await send(transport).failed()).toMatchObject({
        code: "redirected",
        retry: "never",
        status,
        details: { location: "http://127.0.0.1:1/x" },
      });
      expect(server.seen).toHaveLength(1);
    });

    it("404 in a session means that it is lost, unless only the method is unknown", async () => {
      let body = error(null, -32001);
      const { transport } = await rig(load, (_, response) => json(response, body, 404));
      transport.bind({ protocolVersion: "2025-11-25", sessionId: "gone", resumable: false });
      expect(await send(transport).failed()).toMatchObject({ code: "session_lost", status: 404 });
      await expect(transport.post("{}", [])).rejects.toMatchObject({ code: "session_lost" });
      body = error(1, -32601);
      expect(await send(transport).received()).toHaveLength(1);
    });
  });

  describe("post", () => {
    it.each([200, 202, 204])("resolves with %i", async (status) => {
      const { server, transport } = await rig(load, (_, response) =>
        response.writeHead(status).end(),
      );
      await transport.post('{"jsonrpc":"2.0","method":"x"}', ["mcp-method", "x"]);
      expect(server.seen[0]).toMatchObject({
        method: "POST",
        body: '{"jsonrpc":"2.0","method":"x"}',
        headers: { "mcp-method": "x", "content-type": "application/json" },
      });
    });

    it("rejects with what went wrong", async () => {
      const { transport } = await rig(load, (_, response) => json(response, '{"a":1}', 400));
      await expect(transport.post("{}", [])).rejects.toMatchObject({
        code: "http_status",
        status: 400,
        details: { body: { a: 1 } },
      });
    });

    it("does not read what was not asked for", async () => {
      let closed = false;
      const { transport } = await rig(load, (_, response) => {
        response.on("close", () => {
          closed = true;
        });
        response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      });
      await transport.post("{}", []);
      await until(() => closed);
    });
  });

  describe("the connection", () => {
    it("is used again", async () => {
      const { server, transport } = await rig(load, (seen, response) =>
        json(response, answerTo(seen)),
      );
      for (let id = 1; id <= 5; id++) await send(transport, { id }).received();
      expect(server.sockets).toBe(1);
    });

    it("is a new one where the server closed an idle one", async () => {
      const { server, transport } = await rig(load, (seen, response) =>
        json(response, answerTo(seen)),
      );
      await send(transport).received();
      const [first] = server.seen;
      first?.socket.end();
      await once(first?.socket as NodeJS.EventEmitter, "close");
      expect(await send(transport, { id: 2 }).received()).toMatchObject([{ id: 2 }]);
      expect(server.sockets).toBe(2);
    });

    it("that dies under a request leaves open whether the server worked on it", async () => {
      const { transport } = await rig(load, (seen, response, index) => {
        if (index === 0) json(response, answerTo(seen));
        else seen.socket.destroy();
      });
      await send(transport).received();
      expect(await send(transport, { id: 2 }).failed()).toMatchObject({
        code: "connection_lost",
        retry: "if-idempotent",
      });
    });

    it("that is refused means that nothing was sent", async () => {
      const { server } = await rig(load, () => {});
      const transport = await connect(load, server.url);
      await server.close();
      expect(await send(transport).failed()).toMatchObject({
        code: "connection_failed",
        retry: "always",
        details: { reason: "ECONNREFUSED" },
      });
    });

    it("to a name that does not resolve means that nothing was sent", async () => {
      const transport = await connect(load, "http://nobody.invalid/mcp");
      expect(await send(transport).failed()).toMatchObject({
        code: "connection_failed",
        retry: "always",
      });
    });

    it("is not made without TLS where TLS was asked for", async () => {
      const { server } = await rig(load, () => {});
      const transport = await connect(load, server.url.replace("http:", "https:"));
      expect(await send(transport).failed()).toMatchObject({
        code: "connection_failed",
        retry: "never",
      });
    });
  });

  it(`says that a dispatcher is for undici, not ${name}`, async () => {
    const agent = new Agent();
    closing.push(() => agent.close());
    const { server, transport } = await rig(load, () => {});
    const given = new HttpTransport(optionsFor(server.url, { dispatcher: agent }), load);
    const opening = given.open(new EventLog());
    if (name === "fetch") await expect(opening).rejects.toThrow("dispatcher needs undici");
    else await expect(opening).resolves.toBeUndefined();
    await transport.close();
  });
});

describe("HttpTransport on undici alone", () => {
  it("is what Node gets", async () => {
    const { transport, server } = await rig(undefined, (seen, response) =>
      json(response, answerTo(seen)),
    );
    await send(transport).received();
    expect(server.seen[0]?.headers["user-agent"]).toBeUndefined();
  });

  it("gives up a connection that does not come about", async () => {
    // It accepts, and never says a word of TLS.
    const mute = createServer(() => {}).listen(0, "127.0.0.1");
    await once(mute, "listening");
    closing.push(async () => void mute.close());
    const { port } = mute.address() as AddressInfo;
    const transport = await connect(undefined, `https://127.0.0.1:${port}/`, {
      connectTimeoutMs: 50,
    });
    expect(await send(transport).failed()).toMatchObject({
      code: "connection_failed",
      retry: "always",
      details: { reason: "UND_ERR_CONNECT_TIMEOUT" },
    });
  });

  it("never closes a dispatcher that was given", async () => {
    const agent = new Agent();
    closing.push(() => agent.close());
    const script: Script = (seen, response) => json(response, answerTo(seen));
    const { transport } = await rig(undefined, script, { dispatcher: agent });
    await send(transport).received();
    await transport.close();
    expect(agent.destroyed || agent.closed).toBe(false);
  });

  it("fails with closed where the dispatcher that was given is closed", async () => {
    const agent = new Agent();
    const { transport } = await rig(undefined, () => {}, { dispatcher: agent });
    await agent.close();
    expect(await send(transport).failed()).toMatchObject({ code: "closed" });
  });

  it("opens no more sockets than it may, and long-lived streams take none of them away", async () => {
    let open = 0;
    const script: Script = (seen, response) => {
      if (JSON.parse(seen.body).method === "listen") {
        response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
        open++;
      } else setTimeout(() => json(response, answerTo(seen)), 5);
    };
    const { server, transport } = await rig(undefined, script, { maxSockets: 2 });
    const listen = (id: number) =>
      send(transport, { id, text: `{"id":${id},"method":"listen"}`, longLived: true });
    for (let id = 100; id < 103; id++) listen(id);
    await until(() => open === 3);
    const calls = Array.from({ length: 8 }, (_, id) => send(transport, { id }));
    for (const call of calls) await call.received();
    expect(server.sockets).toBe(5);
  });

  it("leaves a request that waits for a socket alone until it is abandoned", async () => {
    const { server, transport } = await rig(undefined, () => {}, { maxSockets: 1 });
    send(transport, { id: 1 });
    const waiting = send(transport, { id: 2 });
    await until(() => server.seen.length === 1);
    transport.abandon(2);
    transport.abandon(1);
    const third = send(transport, { id: 3 });
    await until(() => server.seen.length === 2);
    expect(server.seen[1]?.body).toContain('"id":3');
    expect([waiting.failures, third.failures]).toEqual([0, 0]);
  });

  it.each([
    ["ftp://host/", "http: or https:"],
    ["not a url", "http: or https:"],
    ["http://user:pw@host/", "use auth instead"],
  ])("refuses %s", (url, reason) => {
    expect(() => new HttpTransport(optionsFor(url))).toThrow(reason);
  });
});
