import { getRequestListener } from "@hono/node-server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { textOf } from "../input-peer.test-support.ts";
import { handlerSuite } from "./handlers.test-support.ts";
import {
  defined,
  HttpRigs,
  type Mount,
  modernCall,
  mountListener,
} from "./http-rig.test-support.ts";
import { largeAnswersSuite } from "./large-answers.test-support.ts";
import { mountSuite } from "./mounts.test-support.ts";
import { POST_HEADERS } from "./raw-client.test-support.ts";

const mount: Mount = (server) => mountListener(getRequestListener(server.handler));

describe("the fetch handler, behind real HTTP", () => {
  mountSuite(mount);
  handlerSuite(mount);
  largeAnswersSuite(mount);
});

describe("the fetch handler, called with a Request", () => {
  const rigs = new HttpRigs(async () => ({
    url: "http://localhost/mcp",
    close: async () => {},
  }));
  afterEach(() => rigs.close());

  function request(name: string, meta: object = {}, signal?: AbortSignal): Request {
    const { headers, message } = modernCall(name, { n: 1 }, meta);
    return new Request("http://localhost/mcp", {
      method: "POST",
      headers: defined(headers),
      body: JSON.stringify(message),
      ...(signal !== undefined && { signal }),
    });
  }

  it("answers", async () => {
    const { server } = await rigs.open();
    const response = await server.handler(request("echo"));
    expect(response.status).toBe(200);
    expect(textOf((await response.json()) as never)).toBe('{"n":1}');
  });

  it("takes the Host of a request that carries none from its URL", async () => {
    const { server } = await rigs.open();
    const elsewhere = new Request("http://evil.example/mcp", request("echo"));
    expect((await server.handler(elsewhere)).status).toBe(403);
  });

  it("is a 500 whose log names the remedy when the body was read before", async () => {
    const { server, logged } = await rigs.open();
    const consumed = request("echo");
    await consumed.text();
    const response = await server.handler(consumed);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      error: { code: -32603, message: "Internal error" },
    });
    expect(logged).toEqual([
      {
        correlationId: expect.any(String),
        path: "/mcp",
        message: expect.stringContaining("give server.handler a request that nobody has read"),
      },
    ]);
  });

  it("is a parse error without a body", async () => {
    const { server } = await rigs.open();
    const empty = new Request("http://localhost/mcp?a=b", {
      method: "POST",
      headers: defined(POST_HEADERS),
    });
    expect((await server.handler(empty)).status).toBe(400);
  });

  it("settles when the body breaks off, and logs nothing", async () => {
    const { server, logged } = await rigs.open();
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error("connection reset")),
    });
    const broken = new Request("http://localhost/mcp", {
      method: "POST",
      headers: defined(POST_HEADERS),
      body,
      duplex: "half",
    } as RequestInit);
    expect((await server.handler(broken)).status).toBe(400);
    expect(logged).toEqual([]);
  });

  it("reads no further than maxBodyBytes", async () => {
    const { server } = await rigs.open({ limits: { maxBodyBytes: 1_000 } });
    let pulled = 0;
    const cancelled = vi.fn();
    const endless = new ReadableStream(
      {
        pull: (controller) => {
          pulled++;
          controller.enqueue(new Uint8Array(400));
        },
        cancel: cancelled,
      },
      { highWaterMark: 0 },
    );
    const response = await server.handler(
      new Request("http://localhost/mcp", {
        method: "POST",
        headers: defined(POST_HEADERS),
        body: endless,
        duplex: "half",
      } as RequestInit),
    );
    expect(response.status).toBe(413);
    expect(pulled).toBe(3);
    expect(cancelled).toHaveBeenCalledTimes(1);
  });

  it("aborts the call when the request's signal fires before the answer", async () => {
    const { server, events } = await rigs.open();
    const controller = new AbortController();
    void server.handler(request("wait", {}, controller.signal));
    await vi.waitFor(() => expect(events).toEqual(["wait started"]));
    controller.abort();
    await vi.waitFor(() => expect(events).toEqual(["wait started", "wait aborted"]));
  });

  it("aborts the call and ends the stream when the request's signal fires during it", async () => {
    const { server, events } = await rigs.open();
    const controller = new AbortController();
    const response = await server.handler(
      request("stream_then_wait", { progressToken: "p" }, controller.signal),
    );
    controller.abort();
    expect(await response.text()).toContain('"progress":1');
    await vi.waitFor(() => expect(events).toEqual(["stream aborted"]));
  });

  it("aborts the call when the reader of its stream goes away", async () => {
    const { server, events } = await rigs.open();
    const response = await server.handler(request("stream_then_wait", { progressToken: "p" }));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await vi.waitFor(() => expect(events).toEqual(["stream aborted"]));
  });

  it("breaks a stream whose reader falls behind by more than maxQueuedBytes", async () => {
    const { server, events } = await rigs.open({ limits: { maxQueuedBytes: 256 * 1024 } });
    const response = await server.handler(request("flood", { progressToken: "p" }));
    await vi.waitFor(() => expect(events).toEqual(["flood aborted"]));
    await expect(response.text()).rejects.toThrow("262144 bytes behind");
  });
});
