import type { InputHandlers } from "@backplane/client";
import { describe, expect, it, vi } from "vitest";
import { done, requestsOf } from "./harness/answers.ts";
import { clientOf, scripted } from "./harness/clients.ts";
import type { ReceivedRequest, ScriptedServer } from "./harness/scripted-server.ts";

type Json = Readonly<Record<string, unknown>>;

const names = (server: ScriptedServer) => server.received.map(({ name }) => name);

/** The response that the client posted to a request of the server's. */
async function answerTo(server: ScriptedServer, id: string | number): Promise<Json> {
  const found = () => server.received.find((r) => r.name === "response" && r.message.id === id);
  await vi.waitFor(() => expect(found()).toBeDefined(), { timeout: 10_000 });
  return found()?.message as Json;
}

/** A server that asks on the stream of each call, and ends the call once it was answered. */
function asking(questions: readonly Json[]) {
  let finish: (() => void) | undefined;
  let open = 0;
  return scripted({
    era: "legacy",
    session: "s1",
    script: {
      "tools/call": (request) => {
        const stream = request.stream();
        open = questions.length;
        finish = () => {
          stream.message({ jsonrpc: "2.0", id: request.message.id, result: done });
          stream.end();
        };
        for (const question of questions) stream.message({ jsonrpc: "2.0", ...question });
      },
      response: (request) => {
        request.text("", 202);
        if (--open === 0) finish?.();
      },
    },
  });
}

describe("the handshake", () => {
  it("[C25-15a] is initialize, and notifications/initialized after its answer", async () => {
    const server = await scripted({ era: "legacy" });
    await clientOf(server).callTool("work");
    expect(names(server)).toEqual(["initialize", "notifications/initialized", "tools/call"]);
    expect(server.received[0]?.message.params).toMatchObject({
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: expect.any(String), version: expect.any(String) },
    });
  });

  it("[C25-15b, C25-16a] settles version and session of every later request", async () => {
    const server = await scripted({ era: "legacy", session: "s-42" });
    const client = clientOf(server);
    await client.listTools();
    await client.callTool("work");
    await client.close();
    const [first, ...later] = server.received;
    expect(first?.headers["mcp-session-id"]).toBeUndefined();
    expect(later.length).toBeGreaterThanOrEqual(4);
    for (const { headers } of later) {
      expect(headers["mcp-protocol-version"]).toBe("2025-11-25");
      expect(headers["mcp-session-id"]).toBe("s-42");
    }
  });

  it("[C25-19a] is not cancelled when it takes too long", async () => {
    const server = await scripted({ era: "legacy", script: { initialize: () => undefined } });
    const client = clientOf(server, { connectTimeoutMs: 200 });
    await expect(client.connect()).rejects.toMatchObject({ code: "timeout" });
    await client.close();
    expect(names(server)).toEqual(["initialize"]);
  });
});

describe("a session", () => {
  it("[C25-16b] that the server no longer knows is opened anew", async () => {
    let opened = 0;
    const server = await scripted({
      era: "legacy",
      script: {
        initialize: (request) => {
          opened++;
          const serverInfo = { name: "scripted", version: "1.0.0" };
          const result = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo };
          request.result(result, { "mcp-session-id": `s${opened}` });
        },
        "tools/call": (request) => {
          if (request.headers["mcp-session-id"] === "s1") request.text("", 404);
          else request.result(done);
        },
      },
    });
    const client = clientOf(server, { maxRetries: 1 });
    expect((await client.callTool("work")).content).toEqual(done["content"]);
    expect(opened).toBe(2);
    const [, again] = requestsOf(server, "initialize");
    expect(again?.headers["mcp-session-id"]).toBeUndefined();
  });

  it("[C25-16c] is ended by DELETE", async () => {
    const server = await scripted({ era: "legacy", session: "s1" });
    const client = clientOf(server);
    await client.callTool("work");
    await client.close();
    expect(requestsOf(server, "DELETE").map(({ headers }) => headers["mcp-session-id"])).toEqual([
      "s1",
    ]);
  });

  it("[C25-18] sees no request id twice", async () => {
    const server = await scripted({ era: "legacy", session: "s1" });
    const client = clientOf(server);
    for (let count = 0; count < 20; count++) await client.callTool("work");
    await client.listTools();
    await client.ping();
    const ids = server.received.flatMap(({ message }) => message.id ?? []);
    expect(ids.length).toBeGreaterThanOrEqual(23);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("a stream that breaks", () => {
  it("[C25-17a, C25-17b] is resumed by GET, not before its retry", async () => {
    let brokenAt = 0;
    let resumedAt = 0;
    let call: ReceivedRequest | undefined;
    const server = await scripted({
      era: "legacy",
      session: "s1",
      script: {
        "tools/call": (request) => {
          call = request;
          const stream = request.stream();
          stream.write("id: e1\nretry: 300\ndata:\n\n");
          stream.end();
          brokenAt = performance.now();
        },
        GET: (request) => {
          resumedAt = performance.now();
          request
            .stream()
            .message({ jsonrpc: "2.0", id: call?.message.id, result: done }, "id: e2");
        },
      },
    });
    expect((await clientOf(server).callTool("work")).content).toEqual(done["content"]);
    // A timer of Node may fire a millisecond early.
    expect(resumedAt - brokenAt).toBeGreaterThanOrEqual(298);
    const [resumption] = requestsOf(server, "GET");
    expect(resumption?.headers).toMatchObject({
      accept: expect.stringContaining("text/event-stream"),
      "last-event-id": "e1",
      "mcp-session-id": "s1",
    });
  });
});

describe("a request of the server's", () => {
  const handlers: InputHandlers = {
    elicit: { form: () => ({ action: "accept", content: { name: "Ada" } }) },
    sample: () => ({ role: "assistant", model: "m", content: { type: "text", text: "hi" } }),
    roots: [{ uri: "file:///home/ada" }],
  };
  const form = { message: "?", requestedSchema: { type: "object", properties: {} } };

  it("[C25-22a] gets the answer of its handler", async () => {
    const server = await asking([
      { id: "form", method: "elicitation/create", params: form },
      { id: "model", method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } },
      { id: "roots", method: "roots/list" },
      { id: "alive", method: "ping" },
    ]);
    await clientOf(server, { handlers }).callTool("work");
    expect(await answerTo(server, "form")).toMatchObject({ result: { content: { name: "Ada" } } });
    expect(await answerTo(server, "model")).toMatchObject({ result: { model: "m" } });
    expect(await answerTo(server, "roots")).toMatchObject({
      result: { roots: [{ uri: "file:///home/ada" }] },
    });
    expect(await answerTo(server, "alive")).toMatchObject({ result: {} });
  });

  it("[C25-22a] gets an error where nothing is offered", async () => {
    const server = await asking([
      { id: "model", method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } },
      { id: "roots", method: "roots/list" },
      { id: "nonsense", method: "no/such/method" },
    ]);
    await clientOf(server).callTool("work");
    for (const id of ["model", "roots", "nonsense"]) {
      expect(await answerTo(server, id)).toMatchObject({ error: { code: -32_601 } });
    }
  });

  it("[C25-22b] gets -32602 for a mode of elicitation without a handler", async () => {
    const url = { mode: "url", message: "open", url: "https://example.com/", elicitationId: "e" };
    const server = await asking([{ id: "page", method: "elicitation/create", params: url }]);
    await clientOf(server, { handlers }).callTool("work");
    expect(await answerTo(server, "page")).toMatchObject({ error: { code: -32_602 } });
  });

  it("[C25-24] may have the id of one of the client's", async () => {
    const server = await scripted({
      era: "legacy",
      session: "s1",
      script: {
        "tools/call": (request) => {
          const stream = request.stream();
          const { id } = request.message;
          stream.message({ jsonrpc: "2.0", id, method: "ping" });
          setTimeout(() => {
            stream.message({ jsonrpc: "2.0", id, result: done });
            stream.end();
          }, 50);
        },
      },
    });
    expect((await clientOf(server).callTool("work")).content).toEqual(done["content"]);
    const [call] = requestsOf(server, "tools/call");
    const answer = await answerTo(server, call?.message.id as number);
    expect(answer).toMatchObject({ result: {} });
  });
});

describe("what changes on the client's side", () => {
  it("[C25-20a] of its roots is not promised to be told", async () => {
    const server = await scripted({ era: "legacy" });
    await clientOf(server, { handlers: { roots: [] } }).connect();
    const { capabilities } = server.received[0]?.message.params ?? {};
    expect(capabilities).toEqual({ roots: {} });
  });

  it("[C25-20b] does not follow from a completion that nobody waits for", async () => {
    const server = await scripted({
      era: "legacy",
      script: {
        "tools/call": (request) => {
          const stream = request.stream();
          for (const elicitationId of ["unknown", 7, null]) {
            stream.notify("notifications/elicitation/complete", { elicitationId });
          }
          stream.message({ jsonrpc: "2.0", id: request.message.id, result: done });
          stream.end();
        },
      },
    });
    const handlers: InputHandlers = { elicit: { url: () => ({ action: "accept" }) } };
    const client = clientOf(server, { handlers });
    expect((await client.callTool("work")).content).toEqual(done["content"]);
    expect((await client.callTool("work")).content).toEqual(done["content"]);
  });
});
