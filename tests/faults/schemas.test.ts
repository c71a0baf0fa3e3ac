import { describe, expect, it } from "vitest";
import { startCanary } from "../client/harness/canary.ts";
import { clientOf, eras, scripted } from "../client/harness/clients.ts";
import type { ScriptedServerOptions } from "../client/harness/scripted-server.ts";
import { expectTyped, type FaultCase, play } from "./harness/faults.ts";

type Json = Readonly<Record<string, unknown>>;

/** A server whose tool advertises a schema and answers with a value. */
function structured(outputSchema: unknown, structuredContent: unknown): FaultCase["server"] {
  return {
    tools: [{ name: "work", inputSchema: { type: "object" }, outputSchema }],
    script: {
      "tools/call": (request) =>
        request.result({
          content: [{ type: "text", text: JSON.stringify(structuredContent) }],
          structuredContent,
        }),
    },
  };
}

/** Definitions that each name the next one twice: as many visits as 2 to the power of `depth`. */
function doubling(depth: number): Json {
  const $defs: Record<string, Json> = { d0: { type: "string" } };
  for (let level = 1; level <= depth; level++) {
    const $ref = `#/$defs/d${level - 1}`;
    $defs[`d${level}`] = { allOf: [{ $ref }, { $ref }] };
  }
  return { type: "object", $defs, properties: { a: { $ref: `#/$defs/d${depth}` } } };
}

/** Refers to itself twice for each level of the value. */
const branching: Json = {
  type: "object",
  properties: { next: { allOf: [{ $ref: "#" }, { $ref: "#" }] } },
};

function nested(depth: number): Json {
  let value: Json = {};
  for (let level = 0; level < depth; level++) value = { next: value };
  return value;
}

function deepSchema(depth: number): Json {
  let schema: Json = { type: "string" };
  for (let level = 0; level < depth; level++) {
    schema = { type: "object", properties: { a: schema } };
  }
  return schema;
}

describe("a schema that is a bomb does not stop the client", () => {
  it.each<[string, unknown, unknown]>([
    ["of definitions that double", doubling(40), { a: "x" }],
    ["of a reference that branches with the value", branching, nested(50)],
    ["of a pattern that backtracks", { type: "string", pattern: "^(a+)+$" }, `${"a".repeat(40)}!`],
    [
      "of patterned properties that backtrack",
      { type: "object", patternProperties: { "^(\\w+\\s?)*$": {} } },
      { [`${"a ".repeat(40)}!`]: 1 },
    ],
    ["of a reference to itself", { $ref: "#" }, {}],
    [
      "of references in a circle",
      { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" },
      {},
    ],
    ["of depth", deepSchema(25), {}],
    [
      "of a hundred thousand alternatives",
      { anyOf: Array.from({ length: 100_000 }, (_, n) => ({ const: n })) },
      -1,
    ],
    [
      "of unique items",
      { type: "array", uniqueItems: true },
      Array.from({ length: 20_000 }, (_, n) => ({ n })),
    ],
  ])("%s", async (_name, schema, value) => {
    const server = await scripted({ era: "modern", ...structured(schema, value) });
    const client = clientOf(server);
    // Whether such a value can be checked at all is the client's to say; it must say so soon.
    const outcome = await client.callTool("work").then(
      () => "served",
      (error: { code?: unknown }) => error.code,
    );
    expect(["served", "invalid_output"]).toContain(outcome);
    // The server's tool is of no use, its connection is.
    expect(await client.listTools()).toBeInstanceOf(Array);
  });
});

describe.each(eras)("%s: a schema that refers to the network", (era) => {
  const referring = (canary: string): Partial<ScriptedServerOptions> => {
    const $ref = `${canary}/schema.json`;
    const schema = { type: "object", properties: { a: { $ref } }, $schema: undefined };
    const outputSchema = { type: "object", properties: { b: { $ref } } };
    return {
      ...structured(outputSchema, { b: 1 }),
      tools: [{ name: "work", inputSchema: schema, outputSchema }],
    };
  };

  it("is listed, called and never fetched", async () => {
    const canary = await startCanary();
    const server = await scripted({ era, ...referring(canary.url) });
    const client = clientOf(server);
    const [tool] = await client.listTools();
    expect(JSON.stringify(tool?.inputSchema)).toContain(canary.url);
    const result = await client.callTool("work", { a: 1 });
    expect(result.structuredContent).toEqual({ b: 1 });
    expect(canary.visits).toEqual([]);
  });

  it("is not fetched for a dialect either", async () => {
    const canary = await startCanary();
    const outputSchema = { $schema: `${canary.url}/dialect`, type: "object" };
    const server = await scripted({ era, ...structured(outputSchema, { b: 1 }) });
    const client = clientOf(server);
    expect((await client.callTool("work")).structuredContent).toEqual({ b: 1 });
    expect(canary.visits).toEqual([]);
  });
});

describe.each(eras)("%s: structured content", (era) => {
  it.each<FaultCase>([
    {
      name: "that the advertised schema refuses",
      server: structured({ type: "object", properties: { a: { type: "number" } } }, { a: "one" }),
      expected: { code: "invalid_output", retry: "never", says: /work.*a/s },
    },
    {
      name: "that is missing",
      server: {
        tools: [
          { name: "work", inputSchema: { type: "object" }, outputSchema: { type: "object" } },
        ],
      },
      act: async (client) => {
        await client.listTools();
        return client.callTool("work");
      },
      expected: { code: "invalid_output", retry: "never", says: /without structured content/ },
    },
    {
      name: "that the caller's own schema refuses",
      server: structured(undefined, { a: "one" }),
      act: (client) =>
        client.call(
          "work",
          {},
          {
            output: { type: "object", properties: { a: { type: "number" } } },
          },
        ),
      expected: { code: "invalid_output", retry: "never", says: /output/ },
    },
  ])("$name", (fault) => play(era, fault));

  it("of a tool whose schema is none is given unchecked", async () => {
    const server = await scripted({ era, ...structured({ type: "no such type" }, { a: 1 }) });
    const client = clientOf(server);
    expect((await client.callTool("work")).structuredContent).toEqual({ a: 1 });
  });

  it("has no hold on the prototypes of this process", async () => {
    const server = await scripted({
      era,
      script: {
        "tools/call": (request) => {
          const id = JSON.stringify(request.message.id);
          const rest = era === "modern" ? ',"resultType":"complete"' : "";
          request.text(
            `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":{"__proto__":{"polluted":true}}${rest}}}`,
            200,
            { "content-type": "application/json" },
          );
        },
      },
    });
    await clientOf(server).callTool("work");
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("modern: a header annotation that lies", () => {
  it("makes its tool disappear, and only it", async () => {
    const bad = { type: "string", "x-mcp-header": "Bad Name\r\nX-Evil: 1" };
    const server = await scripted({
      era: "modern",
      tools: [
        { name: "evil", inputSchema: { type: "object", properties: { a: bad } } },
        { name: "work", inputSchema: { type: "object" } },
      ],
    });
    const client = clientOf(server);
    expect((await client.listTools()).map(({ name }) => name)).toEqual(["work"]);
  });

  it("that the server corrects without end is given up", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "tools/call": (request) => request.error(-32_020, "Header mismatch", undefined, 400),
      },
    });
    await expectTyped(clientOf(server, { maxRetries: 3 }).callTool("work"), { code: -32_020 });
    expect(server.count("tools/call")).toBe(2);
  });
});
