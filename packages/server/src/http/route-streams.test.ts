import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HttpEventStream, Principal } from "@backplane/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MCPServer, type MCPServerOptions } from "../index.ts";
import { send } from "./raw-client.test-support.ts";
import { RawSocket } from "./raw-socket.test-support.ts";

const servers: MCPServer[] = [];

interface Opened {
  readonly server: MCPServer;
  readonly url: string;
  readonly streams: HttpEventStream[];
  readonly ended: number[];
}

async function open(
  options: Partial<MCPServerOptions> = {},
  principal?: Principal,
): Promise<Opened> {
  const server = new MCPServer({
    name: "streams",
    version: "1.0.0",
    ...(principal !== undefined && { auth: { authenticate: () => ({ principal }) } }),
    ...options,
  });
  servers.push(server);
  const streams: HttpEventStream[] = [];
  const ended: number[] = [];
  server.addRoute({
    method: "GET",
    path: "/events",
    access: principal === undefined ? "public" : "authenticated",
    handle: () => ({
      headers: { "X-Kept": "1" },
      stream: (stream) => {
        const index = streams.push(stream) - 1;
        stream.onClose(() => ended.push(index));
        stream.send({ data: '{"n":1}', event: "tick", id: "7" });
      },
    }),
  });
  const { url } = await server.start({ port: 0 });
  return { server, url: new URL("/events", url).href, streams, ended };
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe("a stream of a route", () => {
  it("carries events as they come, until the route ends it", async () => {
    const { url, streams, ended } = await open();
    const response = await send(url, "GET", {});
    expect(response.headers["content-type"]).toBe("text/event-stream");
    expect(response.headers["x-kept"]).toBe("1");
    expect(await response.nextEvent()).toMatchObject({ event: "tick", id: "7", data: '{"n":1}' });
    streams[0]?.close();
    expect(await response.nextEvent()).toBeUndefined();
    expect(ended).toEqual([0]);
    expect(streams[0]?.closed).toBe(true);
  });

  it("lets nothing be smuggled into another field", async () => {
    const { url, streams } = await open();
    const response = await send(url, "GET", {});
    await response.nextEvent();
    for (const event of [
      { data: "a\nevent: b" },
      { data: "a", event: "b\rc" },
      { data: "a", id: "1\n\ndata: x" },
    ]) {
      expect(() => streams[0]?.send(event)).toThrow(TypeError);
    }
    response.abort();
  });

  it("tells the route that its reader went away", async () => {
    const { url, ended, streams } = await open();
    const response = await send(url, "GET", {});
    await response.nextEvent();
    response.abort();
    await vi.waitFor(() => expect(ended).toEqual([0]));
    expect(streams[0]?.closed).toBe(true);
  });

  it("counts as one of the server's streams, and gives its place back", async () => {
    const { url, ended } = await open({ limits: { maxStreamsPerPrincipal: 1 } });
    const first = await send(url, "GET", {});
    await first.nextEvent();
    expect((await send(url, "GET", {})).status).toBe(503);
    first.abort();
    await vi.waitFor(() => expect(ended).toEqual([0]));
    const again = await send(url, "GET", {});
    expect(again.status).toBe(200);
    again.abort();
  });

  it("ends with the credential that opened it", async () => {
    const principal = { id: "a", scopes: [], roles: [], expiresAtMs: Date.now() + 150 };
    const { url, ended } = await open({}, principal);
    const response = await send(url, "GET", {});
    await response.nextEvent();
    expect(await response.nextEvent()).toBeUndefined();
    expect(ended).toEqual([0]);
  });

  it("ends when the server drains, which refuses new ones", async () => {
    const { url, server } = await open();
    let release: () => void = () => {};
    const began = new Promise<void>((begin) => {
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const handle = async () => {
        begin();
        await released;
        return { body: '"done"' };
      };
      server.addRoute({ method: "GET", path: "/slow", access: "public", handle });
    });
    const response = await send(url, "GET", {});
    await response.nextEvent();
    const slow = send(new URL("/slow", url).href, "GET", {});
    await began;
    const stopped = server.stop();
    expect(await response.nextEvent()).toBeUndefined();
    expect((await send(url, "GET", {})).status).toBe(503);
    expect((await send(new URL("/ready", url).href, "GET", {})).status).toBe(503);
    release();
    expect((await slow).status).toBe(200);
    await stopped;
  });

  it("ends in order though a listener of its end throws, which is logged", async () => {
    const errors: string[] = [];
    const error = (_: object, text: string) => void errors.push(text);
    const logger = { debug() {}, info() {}, warn() {}, error };
    const { url, streams, ended } = await open({ logger });
    const response = await send(url, "GET", {});
    await response.nextEvent();
    const boom = (): never => {
      throw new Error("a listener");
    };
    streams[0]?.onClose(boom);
    streams[0]?.onClose(() => ended.push(99));
    response.abort();
    await vi.waitFor(() => expect(ended).toEqual([0, 99]));
    streams[0]?.onClose(boom);
    await vi.waitFor(() => expect(errors).toHaveLength(2));
    expect(errors[0]).toContain("a route's stream failed");
    expect((await send(new URL("/health", url).href, "GET", {})).status).toBe(200);
  });

  it("that cannot begin takes no place, over both kinds of HTTP", async () => {
    const { server, url } = await open({ limits: { maxStreamsPerPrincipal: 1 } });
    server.addRoute({
      method: "GET",
      path: "/malformed",
      access: "public",
      handle: () => ({ headers: { "X-Split": "a\r\nb" }, stream: () => {} }),
    });
    const malformed = new URL("/malformed", url).href;
    for (let n = 0; n < 2; n++) {
      expect((await send(malformed, "GET", {})).status).toBe(500);
      expect((await server.routeHandler(new Request(malformed)))?.status).toBe(500);
    }
    const good = await send(url, "GET", {});
    expect(good.status).toBe(200);
    good.abort();
  });

  it("is not kept for a client that leaves its rest unread", async () => {
    const { server, streams } = await open();
    const responses: ServerResponse[] = [];
    const http = createServer((request, response) => {
      responses.push(response);
      server.nodeRouteHandler(request, response);
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const client = await RawSocket.open((http.address() as AddressInfo).port);
    client.socket.pause();
    await client.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await vi.waitFor(() => expect(streams).toHaveLength(1));
    streams[0]?.send({ data: "x".repeat(20_000_000) });
    streams[0]?.close();
    const [response] = responses;
    expect(response?.writableLength).toBeGreaterThan(0);
    expect(response?.socket?.timeout).toBe(60_000);
    // What the socket says when its clock has run out.
    response?.socket?.emit("timeout");
    await vi.waitFor(() => expect(response?.destroyed).toBe(true));
    client.socket.destroy();
    await new Promise((resolve) => http.close(resolve));
  });
});
