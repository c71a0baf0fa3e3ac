import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Gates, type Running, startServer, stopAll } from "./legacy-servers.test-support.ts";
import {
  initializeMessage,
  POST_HEADERS,
  type RawResponse,
  requestMessage,
  send,
} from "./raw-client.test-support.ts";

let gates: Gates;
let running: Running;

beforeEach(async () => {
  gates = new Gates();
  running = await startServer(gates, { legacy: "stateless" });
});

afterEach(() => stopAll([running]));

function post(message: unknown, version?: string): Promise<RawResponse> {
  const headers = { ...POST_HEADERS, "mcp-protocol-version": version };
  return send(running.url, "POST", headers, message);
}

function call(name: string, args: object = {}): object {
  return requestMessage(1, "tools/call", {
    name,
    arguments: args,
    _meta: { progressToken: 1 },
  });
}

describe("the stateless legacy mode", () => {
  it("gives no session id, and declares nothing that would need one", async () => {
    const response = await post(initializeMessage("2025-11-25", { roots: {} }));
    expect(response.headers["mcp-session-id"]).toBeUndefined();
    const { result } = await response.json();
    expect(result.protocolVersion).toBe("2025-11-25");
    expect(result.capabilities).toEqual({ tools: {}, prompts: {}, resources: {}, completions: {} });
  });

  it("serves each request on its own", async () => {
    for (const version of [undefined, "2025-11-25", "2025-06-18"]) {
      const { result } = await (await post(call("echo"), version)).json();
      expect(result.content[0].text).toBe("echo");
    }
    expect((await post(call("echo"), "1999-01-01")).status).toBe(400);
  });

  it("streams progress within the request", async () => {
    gates.at("gate").open();
    const stream = await post(call("reports"), "2025-11-25");
    await stream.next(undefined);
    expect(stream.messages).toHaveLength(4);
    expect(stream.events.every(({ id }) => id === undefined)).toBe(true);
  });

  it("cannot ask, and says what could", async () => {
    const { error } = await (await post(call("asks_roots"))).json();
    expect(error).toBeDefined();
    expect(JSON.stringify(error)).toContain("roots");
  });

  it.each([
    ["logging/setLevel", { level: "debug" }],
    ["resources/subscribe", { uri: "test://a" }],
  ])("does not know %s", async (method, params) => {
    const { error } = await (await post(requestMessage(1, method, params))).json();
    expect(error?.code).toBe(-32601);
  });

  it("takes notifications and answers, and serves no GET or DELETE", async () => {
    expect((await post({ jsonrpc: "2.0", method: "notifications/initialized" })).status).toBe(202);
    expect((await post({ jsonrpc: "2.0", id: 1, result: {} })).status).toBe(202);
    for (const method of ["GET", "DELETE"]) {
      const headers = { accept: "text/event-stream", "mcp-session-id": "x" };
      const response = await send(running.url, method, headers);
      expect(response.status).toBe(405);
      expect(response.headers.allow).toBe("POST");
    }
  });

  it("serves batches of 2025-03-26", async () => {
    const response = await post([call("echo"), requestMessage("p", "ping")]);
    const answers = JSON.parse(await response.text()) as { id: unknown }[];
    expect(answers.map(({ id }) => id)).toEqual([1, "p"]);
    expect((await post([call("echo")], "2025-06-18")).status).toBe(400);
    gates.at("gate").open();
    const stream = await post([call("reports"), requestMessage("p", "ping")], "2025-03-26");
    await stream.text();
    expect(stream.messages).toHaveLength(5);
  });
});
