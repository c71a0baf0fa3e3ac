import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Gates, type Running, startReplicas, stopAll } from "./legacy-servers.test-support.ts";
import {
  initializeMessage,
  POST_HEADERS,
  type RawResponse,
  RawSession,
  requestMessage,
  send,
  type WireMessage,
} from "./raw-client.test-support.ts";

let gates: Gates;
let servers: readonly Running[];

beforeEach(async () => {
  gates = new Gates();
  servers = await startReplicas(2, gates, { legacySse: true });
});

afterEach(() => stopAll(servers));

/** A client of 2024-11-05: one stream, and a URL to post to, at whichever server object. */
class SseClient {
  readonly stream: RawResponse;
  readonly endpoint: string;

  private constructor(stream: RawResponse, endpoint: string) {
    this.stream = stream;
    this.endpoint = endpoint;
  }

  static async open(server: Running | undefined): Promise<SseClient> {
    const stream = await send(server?.url as string, "GET", { accept: "text/event-stream" });
    const event = await stream.nextEvent();
    expect(event?.event).toBe("endpoint");
    return new SseClient(stream, event?.data as string);
  }

  async post(server: Running | undefined, message: object): Promise<number> {
    const url = new URL(this.endpoint, server?.url).href;
    const response = await send(url, "POST", POST_HEADERS, message);
    await response.text();
    return response.status;
  }

  async initialize(server: Running | undefined): Promise<WireMessage> {
    const capabilities = { roots: {} };
    expect(await this.post(server, initializeMessage("2024-11-05", capabilities))).toBe(202);
    const answered = await this.stream.next(undefined);
    await this.post(server, { jsonrpc: "2.0", method: "notifications/initialized" });
    return answered;
  }
}

describe.each([
  ["the same server object", 0],
  ["another server object", 1],
])("HTTP+SSE, posted to %s", (_where, index) => {
  it("answers on the stream", async () => {
    const client = await SseClient.open(servers[0]);
    const { result } = await client.initialize(servers[index]);
    expect(result.protocolVersion).toBe("2024-11-05");
    const called = requestMessage(5, "tools/call", { name: "echo" });
    expect(await client.post(servers[index], called)).toBe(202);
    const answer = await client.stream.next(undefined);
    expect(answer).toMatchObject({ id: 5 });
    expect(answer.result.content[0].text).toBe("echo");
  });

  it("asks, and takes the answer", async () => {
    const client = await SseClient.open(servers[0]);
    await client.initialize(servers[0]);
    await client.post(servers[0], requestMessage(5, "tools/call", { name: "asks_roots" }));
    const asked = await client.stream.next("roots/list");
    const roots = [{ uri: "file:///a" }];
    await client.post(servers[index], { jsonrpc: "2.0", id: asked.id, result: { roots } });
    const { result } = await client.stream.next(undefined);
    expect(result.content[0].text).toBe("roots: file:///a");
  });

  it("tells of changes as subscribed", async () => {
    const client = await SseClient.open(servers[0]);
    await client.initialize(servers[index]);
    await client.post(
      servers[index],
      requestMessage(6, "resources/subscribe", { uri: "test://a" }),
    );
    await client.stream.next(undefined);
    servers[1]?.server.resourceUpdated("test://b");
    servers[1]?.server.resourceUpdated("test://a");
    const updated = await client.stream.next("notifications/resources/updated");
    expect(updated.params.uri).toBe("test://a");
  });

  it("cancels what runs when its stream breaks, and ends the session", async () => {
    const client = await SseClient.open(servers[0]);
    await client.initialize(servers[0]);
    const called = requestMessage(5, "tools/call", { name: "waits", arguments: { gate: "sse" } });
    await client.post(servers[index], called);
    await gates.at("sse").reached;
    client.stream.abort();
    expect(((await gates.at("sse").aborted) as Error).message).toContain("session");
    expect(await client.post(servers[index], requestMessage(6, "ping"))).toBe(404);
  });
});

describe("HTTP+SSE", () => {
  it("wants initialize first, and once", async () => {
    const client = await SseClient.open(servers[0]);
    const early = requestMessage(1, "tools/list");
    expect(await client.post(servers[0], early)).toBe(400);
    await client.initialize(servers[0]);
    expect(await client.post(servers[0], initializeMessage("2024-11-05", {}))).toBe(400);
  });

  it("tells of a malformed request on the stream", async () => {
    const client = await SseClient.open(servers[0]);
    await client.initialize(servers[0]);
    await client.post(
      servers[0],
      requestMessage(2, "tools/list", { _meta: { progressToken: {} } }),
    );
    expect((await client.stream.next(undefined)).error?.code).toBe(-32602);
  });

  it("is not mixed with sessions of Streamable HTTP", async () => {
    const [server] = servers;
    const url = server?.url as string;
    const client = await SseClient.open(server);
    const id = new URL(client.endpoint, url).searchParams.get("sessionId") as string;
    const asHeader = { ...POST_HEADERS, "mcp-session-id": id };
    expect((await send(url, "POST", asHeader, requestMessage(1, "ping"))).status).toBe(404);
    const session = await RawSession.open(url);
    const query = `${url}?sessionId=${session.id}`;
    expect((await send(query, "POST", POST_HEADERS, requestMessage(1, "ping"))).status).toBe(400);
  });

  it("ends its stream when the server stops", async () => {
    const client = await SseClient.open(servers[0]);
    await client.initialize(servers[0]);
    await servers[0]?.server.stop();
    await client.stream.text();
  });
});
