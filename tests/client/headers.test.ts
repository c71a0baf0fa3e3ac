import { describe, expect, it } from "vitest";
import { done, requestsOf } from "./harness/answers.ts";
import { clientOf, scripted } from "./harness/clients.ts";
import type { ScriptedServer } from "./harness/scripted-server.ts";

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString("base64")}?=`;

function property(header: string, type: string): object {
  return { type, "x-mcp-header": header };
}

const mirrored = {
  name: "mirrored",
  inputSchema: {
    type: "object",
    properties: {
      region: property("Region", "string"),
      count: property("Count", "integer"),
      dry: property("Dry-Run", "boolean"),
      plain: { type: "string" },
      nested: { type: "object", properties: { inner: property("Inner", "string") } },
    },
  },
};

function headersOf(server: ScriptedServer, method: string) {
  return requestsOf(server, method).map(({ headers }) => headers);
}

describe("each message", () => {
  it("[C26-07a, C26-07b, C26-07c] is a POST of its own with the headers that its body asks for", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "resources/read": (request) => request.result({ contents: [] }),
        "prompts/get": (request) => request.result({ messages: [] }),
      },
    });
    const client = clientOf(server);
    await Promise.all([
      client.listTools(),
      client.callTool("work"),
      client.readResource("file:///a%20b?c=d"),
      client.getPrompt("greet"),
    ]);
    const names: Record<string, string | undefined> = {
      "server/discover": undefined,
      "tools/list": undefined,
      "tools/call": "work",
      "resources/read": "file:///a%20b?c=d",
      "prompts/get": "greet",
    };
    expect(server.received.map(({ name }) => name).sort()).toEqual(Object.keys(names).sort());
    for (const { name, headers } of server.received) {
      expect(headers).toMatchObject({
        "content-type": "application/json",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": name,
      });
      expect(headers["accept"]).toContain("application/json");
      expect(headers["accept"]).toContain("text/event-stream");
      expect(headers["mcp-name"]).toBe(names[name]);
    }
  });

  it("[C26-07d] is answered by JSON or by an event stream", async () => {
    let streamed = false;
    const server = await scripted({
      era: "modern",
      script: {
        "tools/call": (request) => {
          streamed = !streamed;
          if (!streamed) return request.result(done);
          const stream = request.stream();
          stream.write(": a comment\r\n\r\n");
          stream.message({
            jsonrpc: "2.0",
            id: request.message.id,
            result: request.complete(done),
          });
          stream.end();
        },
      },
    });
    const client = clientOf(server);
    for (let count = 0; count < 4; count++) {
      expect((await client.callTool("work")).content).toEqual(done["content"]);
    }
  });
});

describe("a value that no header can carry", () => {
  const values: [string, string][] = [
    ["not ASCII", "Zürich"],
    ["a space in front", " a"],
    ["a space behind", "a "],
    ["a tab", "a\tb"],
    ["a line end", "a\r\nX-Evil: 1"],
    ["what looks like the sentinel", "=?base64?YQ==?="],
  ];

  it.each(values)("[C26-08a, C26-08b] %s, is base64 in Mcp-Name", async (_name, name) => {
    const server = await scripted({ era: "modern" });
    await clientOf(server).callTool(name);
    expect(headersOf(server, "tools/call")[0]?.["mcp-name"]).toBe(base64(name));
  });

  it.each(values)("[C26-08a, C26-08b] %s, is base64 in Mcp-Param", async (_name, region) => {
    const server = await scripted({ era: "modern", tools: [mirrored] });
    const client = clientOf(server);
    await client.listTools();
    await client.callTool("mirrored", { region });
    expect(headersOf(server, "tools/call")[0]?.["mcp-param-region"]).toBe(base64(region));
  });

  it("plain values stay plain, those with spaces inside too", async () => {
    const server = await scripted({ era: "modern", tools: [mirrored] });
    const client = clientOf(server);
    await client.listTools();
    await client.callTool("mirrored", { region: "us west 1" });
    expect(headersOf(server, "tools/call")[0]?.["mcp-param-region"]).toBe("us west 1");
  });
});

describe("x-mcp-header", () => {
  it("[C26-09a] copies arguments into headers, and no other", async () => {
    const server = await scripted({ era: "modern", tools: [mirrored] });
    const client = clientOf(server);
    await client.listTools();
    const args = { region: "eu", count: 42, dry: false, plain: "x", nested: { inner: "deep" } };
    await client.callTool("mirrored", args);
    const [headers] = headersOf(server, "tools/call");
    const params = Object.entries(headers ?? {}).filter(([name]) => name.startsWith("mcp-param-"));
    expect(Object.fromEntries(params)).toEqual({
      "mcp-param-region": "eu",
      "mcp-param-count": "42",
      "mcp-param-dry-run": "false",
      "mcp-param-inner": "deep",
    });
  });

  it("[C26-09b] makes no header for null and absent arguments", async () => {
    const server = await scripted({ era: "modern", tools: [mirrored] });
    const client = clientOf(server);
    await client.listTools();
    await client.callTool("mirrored", { region: null, count: 0, dry: "" });
    const [headers] = headersOf(server, "tools/call");
    expect(headers).not.toHaveProperty("mcp-param-region");
    expect(headers).not.toHaveProperty("mcp-param-inner");
    expect(headers).toMatchObject({ "mcp-param-count": "0" });
  });

  it("mirrors even when the tools were not listed before", async () => {
    const server = await scripted({
      era: "modern",
      tools: [mirrored],
      script: {
        "tools/call": (request) => {
          if (request.headers["mcp-param-region"] === "eu") request.result(done);
          else request.error(-32_020, "Header mismatch", undefined, 400);
        },
      },
    });
    expect((await clientOf(server).callTool("mirrored", { region: "eu" })).content).toHaveLength(1);
  });

  it("[C26-10a, C26-10b] that breaks the rules drops its tool, with a warning that names it", async () => {
    const bad: Record<string, object> = {
      empty: { a: property("", "string") },
      object: { a: property("A", "object") },
      number: { a: property("A", "number") },
      twice: { a: property("Same", "string"), b: property("same", "string") },
      space: { a: property("My Header", "string") },
      colon: { a: property("A:b", "string") },
      "no-token": { a: property("Région", "string") },
      "in-items": { a: { type: "array", items: property("A", "string") } },
    };
    const tools = Object.entries(bad).map(([name, properties]) => ({
      name,
      inputSchema: { type: "object", properties },
    }));
    const server = await scripted({ era: "modern", tools: [...tools, mirrored] });
    const warnings: unknown[] = [];
    const logger = {
      debug() {},
      info() {},
      warn: (fields: object) => warnings.push(fields),
      error() {},
    };
    const listed = await clientOf(server, { logger }).listTools();
    expect(listed.map(({ name }) => name)).toEqual(["mirrored"]);
    expect(warnings.map((fields) => (fields as { tool?: unknown }).tool)).toEqual(Object.keys(bad));
  });

  it("[C26-10c] is looked up again when the server finds the headers wrong", async () => {
    let changed = false;
    const renamed = {
      ...mirrored,
      inputSchema: { type: "object", properties: { region: property("Area", "string") } },
    };
    const server = await scripted({
      era: "modern",
      script: {
        "tools/list": (request) => request.result({ tools: [changed ? renamed : mirrored] }),
        "tools/call": (request) => {
          if (request.headers["mcp-param-area"] === "eu") request.result(done);
          else request.error(-32_020, "Header mismatch", undefined, 400);
        },
      },
    });
    const client = clientOf(server);
    await client.listTools();
    changed = true;
    await client.callTool("mirrored", { region: "eu" });
    expect(server.count("tools/call")).toBe(2);
    expect(server.count("tools/list")).toBe(2);
  });
});
