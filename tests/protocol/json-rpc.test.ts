import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { callTool, modern, send } from "./harness/http.ts";
import { modernHeaders, modernRequest, notification } from "./harness/messages.ts";
import { useServer } from "./harness/servers.ts";

const everything = useEverything();
const own = useServer((server) => {
  server.tool("test_simple_text", {}, () => "text");
});

describe.each([
  ["apps/everything", everything],
  ["a server of this process", own],
])("JSON-RPC over HTTP: %s", (_name, target) => {
  const list = modernRequest("tools/list");

  it.each([1, 0, -7, Number.MAX_SAFE_INTEGER, "1", "", "ünïcode-✓"])(
    "[S26-01a] repeats the id %j",
    async (id) => {
      const { status, message } = await modern(target.url, "tools/list", {}, { id });
      expect(status).toBe(200);
      expect(message?.id).toStrictEqual(id);
    },
  );

  it("[S26-01a] repeats the id in errors", async () => {
    const { message } = await modern(target.url, "no/such", {}, { id: "e-1" });
    expect(message?.id).toBe("e-1");
  });

  it("[S26-01b] answers with a result and its type", async () => {
    const { message } = await callTool(target.url, "test_simple_text");
    expect(message).toMatchObject({ jsonrpc: "2.0", id: 1, result: { resultType: "complete" } });
    expect(message).not.toHaveProperty("error");
  });

  it("[S26-01c] answers a failure with an integer code and a message, without a result", async () => {
    const { message } = await callTool(target.url, "no_such_tool");
    expect(message?.jsonrpc).toBe("2.0");
    expect(Number.isInteger(message?.error?.code)).toBe(true);
    expect(message?.error?.message).toEqual(expect.any(String));
    expect(message).not.toHaveProperty("result");
  });

  it("[S26-02a, S26-17] takes a notification with 202 and no body", async () => {
    const body = notification("notifications/cancelled", { requestId: 1 });
    const headers = { ...modernHeaders(list), "mcp-method": body.method };
    const answer = await send(target.url, { headers, body });
    expect(answer.status).toBe(202);
    expect(answer.text).toBe("");
  });

  it("[S26-02a, S26-17] takes a notification that it does not know with 202 and no body", async () => {
    const body = notification("notifications/no_such");
    const headers = { ...modernHeaders(list), "mcp-method": body.method };
    const answer = await send(target.url, { headers, body });
    expect(answer).toMatchObject({ status: 202, text: "" });
  });

  it("[S26-17] refuses a notification of an unknown version with an HTTP error and no id", async () => {
    const body = {
      ...notification("notifications/cancelled", {
        requestId: 1,
        _meta: { "io.modelcontextprotocol/protocolVersion": "v999" },
      }),
    };
    const headers = {
      ...modernHeaders(list),
      "mcp-method": body.method,
      "mcp-protocol-version": "v999",
    };
    const answer = await send(target.url, { headers, body });
    expect(answer.status).toBe(400);
    expect(answer.message ?? {}).not.toHaveProperty("id");
  });

  it("[S26-02b] refuses a null id, and sends none", async () => {
    const { status, message } = await send(target.url, {
      headers: modernHeaders(list),
      body: { ...list, id: null },
    });
    expect(status).toBe(400);
    expect(message?.error?.code).toBe(-32600);
    expect(message).not.toHaveProperty("id");
  });

  it.each([
    ["a text that is no JSON", "{", -32700],
    ["an empty body", "", -32700],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), -32700],
    ["a number", "42", -32600],
    ["null", "null", -32600],
    ["a string", '"tools/list"', -32600],
    ["another JSON-RPC", { ...list, jsonrpc: "1.0" }, -32600],
    ["no JSON-RPC", { ...list, jsonrpc: undefined }, -32600],
    ["a fraction as id", { ...list, id: 1.5 }, -32600],
    ["an object as id", { ...list, id: {} }, -32600],
    ["a method that is no string", { ...list, method: 7 }, -32600],
    ["no method", { jsonrpc: "2.0", id: 1 }, -32600],
    ["params that are an array", { ...list, params: [] }, -32600],
    ["a batch with a modern request", [list], -32600],
    ["an empty batch", [], -32600],
  ])("[S26-01c, S26-02b] refuses %s with 400", async (_case, body, code) => {
    const { status, message } = await send(target.url, { headers: modernHeaders(list), body });
    expect(status).toBe(400);
    expect(message?.error?.code).toBe(code);
    expect(message?.id).not.toBeNull();
  });

  it("goes on after all that", async () => {
    expect((await modern(target.url, "tools/list")).status).toBe(200);
  });
});
