import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Gates, type Running, startServer, stopAll } from "./legacy-servers.test-support.ts";
import { initializeMessage, RawSession, requestMessage } from "./raw-client.test-support.ts";

let gates: Gates;
let running: Running;
let session: RawSession;

beforeEach(async () => {
  gates = new Gates();
  running = await startServer(gates, { limits: { maxBatch: 4 } });
  const capabilities = { roots: {} };
  session = await RawSession.open(running.url, { revision: "2025-03-26", capabilities });
});

afterEach(() => stopAll([running]));

const call = (id: string | number, name: string, args: object = {}): object =>
  requestMessage(id, "tools/call", { name, arguments: args, _meta: { progressToken: id } });
const NOTIFICATION = { jsonrpc: "2.0", method: "notifications/progress", params: {} };
const ANSWER = { jsonrpc: "2.0", id: "nobody", result: {} };

describe("a batch", () => {
  it("is answered with one array, without the notifications, whatever took longest", async () => {
    const batch = [call(1, "late"), NOTIFICATION, call("2", "echo"), { jsonrpc: "2.0", id: 3 }];
    const response = await session.post(running.url, batch);
    expect(response.headers["content-type"]).toBe("application/json");
    const answers = JSON.parse(await response.text()) as { id: unknown; error?: unknown }[];
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([1, "2", 3]));
    expect(answers.find(({ id }) => id === 3)?.error).toMatchObject({ code: -32600 });
  });

  it("of nothing to answer is a 202 without body", async () => {
    const response = await session.post(running.url, [NOTIFICATION, ANSWER]);
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("");
  });

  it("becomes a stream when something precedes its answers", async () => {
    const batch = [call(1, "echo"), call(2, "reports", { gate: "batch" }), call(3, "late")];
    const stream = await session.post(running.url, batch);
    expect(stream.isStream).toBe(true);
    await stream.next("notifications/progress");
    gates.at("batch").open();
    await stream.text();
    const answered = stream.messages.filter(({ method }) => method === undefined);
    expect(answered.map(({ id }) => id)).toEqual([1, 3, 2]);
    expect(stream.messages).toHaveLength(6);
  });

  it("asks its client and takes the answer", async () => {
    const stream = await session.post(running.url, [call(1, "asks_roots"), call(2, "echo")]);
    const asked = await stream.next("roots/list");
    const roots = [{ uri: "file:///a" }];
    await session.answer(running.url, asked.id, { roots });
    await stream.text();
    const answer = stream.messages.find(({ id, method }) => id === 1 && method === undefined);
    expect(answer?.result.content[0].text).toBe("roots: file:///a");
  });

  it("does not answer what is cancelled", async () => {
    const batch = [call(1, "waits", { gate: "cancelled" }), call(2, "echo")];
    const response = session.post(running.url, batch);
    await gates.at("cancelled").reached;
    await session.notify(running.url, "notifications/cancelled", { requestId: 1 });
    const answers = JSON.parse(await (await response).text()) as { id: unknown }[];
    expect(answers.map(({ id }) => id)).toEqual([2]);
  });

  it("refuses the second of two requests with one id while the first runs", async () => {
    const response = session.post(running.url, [call(1, "waits"), call(1, "echo")]);
    await gates.at("gate").reached;
    gates.at("gate").open();
    const answers = JSON.parse(await (await response).text()) as { error?: { code: number } }[];
    expect(answers.map(({ error }) => error?.code)).toEqual([-32600, undefined]);
  });

  it.each([
    ["is empty", []],
    ["is longer than maxBatch", [1, 2, 3, 4, 5].map((id) => call(id, "echo"))],
    ["holds initialize", [call(1, "echo"), initializeMessage("2025-03-26", {})]],
  ])("is refused as a whole when it %s", async (_what, batch) => {
    const response = await session.post(running.url, batch);
    expect(response.status).toBe(400);
    expect((await response.json()).error?.code).toBe(-32600);
  });

  it.each(["2024-11-05", "2025-06-18", "2025-11-25"])("is refused in %s", async (revision) => {
    const other = await RawSession.open(running.url, { revision });
    const response = await other.post(running.url, [call(1, "echo")]);
    expect(response.status).toBe(400);
    expect((await response.json()).error?.code).toBe(-32600);
  });
});
