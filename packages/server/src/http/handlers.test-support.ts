import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { textOf } from "../input-peer.test-support.ts";
import {
  callTool,
  defined,
  HttpRigs,
  type Mount,
  modernCall,
  sendBody,
} from "./http-rig.test-support.ts";
import { POST_HEADERS, RawSession, send } from "./raw-client.test-support.ts";

/** Begins a POST whose body never ends. */
function startUpload(url: string): { destroy(): void } {
  const { headers, message } = modernCall("echo");
  const outgoing = httpRequest(url, {
    method: "POST",
    agent: false,
    headers: { ...defined(headers), "content-length": "100000" },
  });
  outgoing.on("error", () => {});
  outgoing.write(JSON.stringify(message));
  return { destroy: () => outgoing.destroy() };
}

/** Sends a request and reads nothing of its answer. */
function callWithoutReading(url: string, name: string, meta: object): { close(): void } {
  const { hostname, port, pathname } = new URL(url);
  const { headers, message } = modernCall(name, {}, meta);
  const body = JSON.stringify(message);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.pause();
  const lines = Object.entries({
    ...defined(headers),
    host: `${hostname}:${port}`,
    "content-length": String(Buffer.byteLength(body)),
  }).map(([header, value]) => `${header}: ${value}`);
  socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
  return { close: () => socket.destroy() };
}

/** What every way of reading requests and writing responses must do, whatever serves it. */
export function handlerSuite(mount: Mount): void {
  const rigs = new HttpRigs(mount);
  afterEach(async () => {
    vi.useRealTimers();
    await rigs.close();
  });

  describe("bodies", () => {
    it.each([
      ["malformed JSON", '{"jsonrpc":'],
      ["nothing", ""],
      ["a byte order mark", "\uFEFF{}"],
    ])("%s is a parse error", async (_what, body) => {
      const { url } = await rigs.open();
      const response = await sendBody(url, POST_HEADERS, [body]);
      expect(response.status).toBe(400);
      expect((await response.json()).error?.code).toBe(-32700);
    });

    it.each([
      ["text/plain", "text/plain"],
      ["a form", "application/x-www-form-urlencoded"],
      ["another JSON", "application/jsonp"],
      ["none", undefined],
    ])("media type %s is a 415, whatever the body holds", async (_what, type) => {
      const { url } = await rigs.open();
      const { headers, message } = modernCall("echo");
      for (const body of [JSON.stringify(message), "{malformed"]) {
        const response = await sendBody(url, { ...headers, "content-type": type }, [body]);
        expect(response.status).toBe(415);
        expect((await response.json()).error?.code).toBe(-32600);
      }
    });

    it("a media type may carry parameters and any case", async () => {
      const { url } = await rigs.open();
      const type = { "content-type": "Application/JSON ; charset=utf-8" };
      expect((await callTool(url, "echo", {}, {}, type)).status).toBe(200);
    });

    it("arrive whole in any chunks, with characters cut in half", async () => {
      const { url } = await rigs.open();
      const text = "ü€😀".repeat(30_000);
      const { headers, message } = modernCall("echo", { text });
      const body = Buffer.from(JSON.stringify(message));
      const chunks = [];
      for (let offset = 0; offset < body.length; offset += 7_919) {
        chunks.push(body.subarray(offset, offset + 7_919));
      }
      const response = await sendBody(url, headers, chunks);
      expect(JSON.parse(textOf((await response.json()) as never) ?? "")).toEqual({ text });
    });

    it("over maxBodyBytes are a 413, by their declaration and by their bytes", async () => {
      const { url } = await rigs.open({ limits: { maxBodyBytes: 1_000 } });
      const { headers, message } = modernCall("echo", { text: "x".repeat(1_000) });
      const body = JSON.stringify(message);
      const declared = { ...headers, "content-length": String(body.length) };
      for (const sent of [
        await sendBody(url, declared, [body]),
        await sendBody(url, headers, [body.slice(0, 500), body.slice(500)]),
      ]) {
        expect(sent.status).toBe(413);
        expect((await sent.json()).error?.message).toContain("larger than 1000 bytes");
      }
      expect((await callTool(url, "echo", { text: "x".repeat(200) })).status).toBe(200);
    });

    it("nesting over maxJsonDepth are refused before they are parsed", async () => {
      const { url } = await rigs.open({ limits: { maxJsonDepth: 10 } });
      const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
      expect((await callTool(url, "echo", { deep: nested(7) })).status).toBe(200);
      const response = await callTool(url, "echo", { deep: nested(8) });
      expect(response.status).toBe(400);
      expect((await response.json()).error).toMatchObject({
        code: -32600,
        message: expect.stringContaining("nests deeper than 10 levels"),
      });
      const bottomless = "[".repeat(1_000_000);
      expect((await sendBody(url, POST_HEADERS, [bottomless])).status).toBe(400);
    });

    it("cannot change what every object inherits", async () => {
      const { url } = await rigs.open();
      const poison = '{"polluted":true}';
      const { headers, message } = modernCall("echo", {});
      const args = `{"__proto__":${poison},"constructor":{"prototype":${poison}},"kept":1}`;
      const body = JSON.stringify({ ...message, extra: 0 })
        .replace('"arguments":{}', `"arguments":${args},"__proto__":${poison}`)
        .replace('"extra":0', `"__proto__":${poison}`);
      const response = await sendBody(url, headers, [body]);
      const echoed = textOf((await response.json()) as never) ?? "";
      expect(echoed).toBe(args);
      expect("polluted" in {}).toBe(false);
    });

    it("that stop half way leave nothing behind, not even in the log", async () => {
      const { url, logged } = await rigs.open();
      const before = logged.length;
      const uploads = [startUpload(url), startUpload(url), startUpload(url)];
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const upload of uploads) upload.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect((await callTool(url, "echo")).status).toBe(200);
      expect(logged.slice(before)).toEqual([]);
    });
  });

  describe("clients that go away", () => {
    it("before the answer abort the call's signal", async () => {
      const { url, events } = await rigs.open();
      const { headers, message } = modernCall("wait");
      const outgoing = httpRequest(url, {
        method: "POST",
        agent: false,
        headers: defined(headers),
      });
      outgoing.on("error", () => {});
      outgoing.end(JSON.stringify(message));
      await vi.waitFor(() => expect(events).toEqual(["wait started"]));
      outgoing.destroy();
      await vi.waitFor(() => expect(events).toEqual(["wait started", "wait aborted"]));
    });

    it("in the middle of a stream abort the call's signal", async () => {
      const { url, events } = await rigs.open();
      const response = await callTool(url, "stream_then_wait", {}, { progressToken: "p" });
      expect((await response.next("notifications/progress")).params.progress).toBe(1);
      response.abort();
      await vi.waitFor(() => expect(events).toEqual(["stream aborted"]));
    });

    it("never abort a legacy call", async () => {
      const { url, events } = await rigs.open();
      const session = await RawSession.open(url);
      const response = await session.call(url, "stream_then_wait", {}, { progressToken: "p" });
      await response.next("notifications/progress");
      response.abort();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(events).toEqual([]);
      await session.delete(url);
      await vi.waitFor(() => expect(events).toEqual(["stream aborted"]));
    });

    it("or read too slowly are dropped when maxQueuedBytes wait for them", async () => {
      const { url, events } = await rigs.open({ limits: { maxQueuedBytes: 256 * 1024 } });
      const client = callWithoutReading(url, "flood", { progressToken: "p" });
      await vi.waitFor(() => expect(events).toEqual(["flood aborted"]), { timeout: 10_000 });
      client.close();
    });
  });

  describe("connections", () => {
    it("serve one request after the other", async () => {
      const { url } = await rigs.open();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const { headers, message } = modernCall("echo", { n: 1 });
      const reused: boolean[] = [];
      for (let request = 0; request < 3; request++) {
        const status = await new Promise((resolve, reject) => {
          const outgoing = httpRequest(url, { method: "POST", agent, headers: defined(headers) });
          outgoing.on("response", (incoming) => {
            reused.push(outgoing.reusedSocket);
            incoming.resume().on("end", () => resolve(incoming.statusCode));
          });
          outgoing.on("error", reject);
          outgoing.end(JSON.stringify(message));
        });
        expect(status).toBe(200);
      }
      expect(reused).toEqual([false, true, true]);
      agent.destroy();
    });

    it("that carry a silent stream are kept alive by comments", async () => {
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      const { url, server } = await rigs.open();
      const { headers, message } = modernCall("stream_then_wait", {}, { progressToken: "p" });
      const response = await send(url, "POST", headers, message);
      await response.next("notifications/progress");
      vi.advanceTimersByTime(15_000);
      vi.advanceTimersByTime(15_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      vi.useRealTimers();
      void server.stop();
      response.abort();
      expect((await response.text()).match(/: keep-alive\n\n/g)).toHaveLength(2);
    });
  });

  it("answers 405 to methods that it does not have, naming those that it has", async () => {
    const { url } = await rigs.open({ legacy: false });
    for (const method of ["PUT", "PATCH", "GET", "DELETE"]) {
      const response = await send(url, method, {});
      expect(response.status).toBe(405);
      expect(response.headers.allow).toBe("POST");
    }
  });

  describe("an authenticator", () => {
    it("that takes its time loses no body", async () => {
      const { url } = await rigs.open({
        auth: {
          authenticate: async () => {
            await new Promise((resolve) => setTimeout(resolve, 30));
            return { principal: { id: "slow", scopes: [], roles: [] } };
          },
        },
      });
      const response = await callTool(url, "echo", { kept: true });
      expect(textOf((await response.json()) as never)).toBe('{"kept":true}');
    });

    it("that refuses is answered for, before the body is looked at", async () => {
      const failure = {
        status: 401,
        headers: { "WWW-Authenticate": "Bearer" },
        message: "no token",
      } as const;
      for (const authenticate of [() => ({ failure }), async () => ({ failure })]) {
        const { url } = await rigs.open({ auth: { authenticate } });
        for (const method of ["POST", "GET", "DELETE"]) {
          const response = await send(url, method, POST_HEADERS);
          expect(response.status).toBe(401);
          expect(response.headers["www-authenticate"]).toBe("Bearer");
        }
      }
    });

    it("that throws is a 500 with a correlation id, logged once", async () => {
      const broken = new Error("the key store is away");
      for (const authenticate of [
        () => {
          throw broken;
        },
        () => Promise.reject(broken),
      ]) {
        const { url, logged } = await rigs.open({ auth: { authenticate } });
        for (const method of ["POST", "GET"]) {
          logged.length = 0;
          const response = await send(url, method, POST_HEADERS);
          expect(response.status).toBe(500);
          expect(logged).toEqual([
            {
              correlationId: expect.any(String),
              err: broken,
              message: "a request failed before dispatch",
            },
          ]);
          expect((await response.json()).error).toEqual({
            code: -32603,
            message: "Internal error",
            data: { correlationId: logged[0].correlationId },
          });
        }
      }
    });
  });
}
