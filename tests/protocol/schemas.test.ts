import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { useEverything } from "./harness/everything.ts";
import { callTool, modern } from "./harness/http.ts";
import { textOf } from "./harness/messages.ts";
import { createServer, useServer } from "./harness/servers.ts";

const conditional = {
  type: "object",
  $defs: { address: { $anchor: "address", type: "object", required: ["street"] } },
  properties: {
    kind: { enum: ["person", "company"] },
    address: { $ref: "#address" },
    tags: { type: "array", prefixItems: [{ type: "string" }], items: { type: "integer" } },
    name: { type: "string", minLength: 2 },
  },
  required: ["kind"],
  dependentRequired: { address: ["name"] },
  if: { properties: { kind: { const: "company" } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ["vat"] },
  unevaluatedProperties: { type: "string" },
} as const;

let ran = 0;
const everything = useEverything();
const target = useServer((server) => {
  server.tool("conditional", { input: conditional }, () => {
    ran++;
    return "valid";
  });
  server.tool(
    "typed",
    {
      input: z.object({ count: z.number().int().min(1), nested: z.object({ flag: z.boolean() }) }),
    },
    () => {
      ran++;
      return "valid";
    },
  );
  const output = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  server.tool("conforming", { output }, () => ({ n: 1 }));
  server.tool("lying", { output }, () => ({ n: "secret text" }));
  server.tool("lying_late", { output }, async () => ({}));
  server.tool("listing", { output: { type: "array", items: { type: "integer" } } }, () => [1, 2]);
});

describe("input schemas", () => {
  it.each([
    ["the plain case", { kind: "person" }],
    ["a reference by anchor", { kind: "person", name: "Al", address: { street: "x" } }],
    ["prefixItems and items", { kind: "person", tags: ["a", 1, 2] }],
    ["unevaluatedProperties", { kind: "person", note: "free" }],
    ["if and then", { kind: "company", vat: "1" }],
  ])("[S26-07a] accept by 2020-12: %s", async (_case, args) => {
    expect(textOf((await callTool(target.url, "conditional", args)).message)).toBe("valid");
  });

  it.each([
    ["a missing member", {}, "kind"],
    ["enum", { kind: "robot" }, "kind"],
    ["a reference by anchor", { kind: "person", name: "Al", address: {} }, "address"],
    ["dependentRequired", { kind: "person", address: { street: "x" } }, "name"],
    ["prefixItems", { kind: "person", tags: [1] }, "tags[0]"],
    ["items after prefixItems", { kind: "person", tags: ["a", "b"] }, "tags[1]"],
    ["unevaluatedProperties", { kind: "person", note: 7 }, "note"],
    ["if and then", { kind: "company" }, "vat"],
  ])("[S26-07a, S26-40a] refuse by 2020-12, and name the place: %s", async (_case, args, place) => {
    ran = 0;
    const { status, message } = await callTool(target.url, "conditional", args);
    expect(status).toBe(200);
    expect(message?.result?.isError).toBe(true);
    expect(textOf(message)).toContain(place);
    expect(ran).toBe(0);
  });

  it.each([
    ["another type", { count: "1", nested: { flag: true } }, "count"],
    ["a number too small", { count: 0, nested: { flag: true } }, "count"],
    ["a nested member", { count: 1, nested: { flag: 1 } }, "nested"],
    ["nothing", {}, "count"],
  ])("[S26-40a] refuse by a Standard Schema: %s", async (_case, args, place) => {
    ran = 0;
    const { message } = await callTool(target.url, "typed", args);
    expect(message?.result?.isError).toBe(true);
    expect(textOf(message)).toContain(place);
    expect(ran).toBe(0);
  });

  it.each([
    ["a list", []],
    ["a text", "x"],
    ["null", null],
  ])("[S26-40a] arguments that are %s are invalid params", async (_case, args) => {
    const { message } = await modern(target.url, "tools/call", { name: "typed", arguments: args });
    const refused = message?.error?.code === -32602 || message?.result?.isError === true;
    expect(refused).toBe(true);
  });

  it.each(["__proto__", "constructor", "toString"])(
    "keep the member %s of arguments inert",
    async (member) => {
      const body = `{"kind":"person","${member}":{"polluted":"yes"}}`;
      await callTool(target.url, "conditional", JSON.parse(body) as Record<string, unknown>);
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    },
  );
});

describe("listed schemas", () => {
  it.each([
    ["apps/everything", everything],
    ["a server of this process", target],
  ])("[S26-38a] are valid JSON Schema objects: %s", async (_name, { url }) => {
    const { message } = await modern(url, "tools/list");
    const tools = message?.result?.tools ?? [];
    expect(tools.length).toBeGreaterThan(0);
    for (const { name, inputSchema, outputSchema } of tools) {
      expect(inputSchema, name).toMatchObject({ type: "object" });
      for (const schema of [inputSchema, ...(outputSchema ? [outputSchema] : [])]) {
        const ajv = new Ajv2020({ strict: false });
        expect(ajv.validateSchema(schema), `${name}: ${ajv.errorsText()}`).toBe(true);
      }
    }
  });

  it("[S26-07a] keep every keyword of the author", async () => {
    const { message } = await modern(target.url, "tools/list");
    const tool = message?.result?.tools?.find(({ name }) => name === "conditional");
    expect(tool?.inputSchema).toEqual(conditional);
  });
});

describe("structured output", () => {
  it("[S26-38b] conforms, and stands as text too", async () => {
    const { message } = await callTool(target.url, "conforming");
    expect(message?.result?.structuredContent).toEqual({ n: 1 });
    expect(JSON.parse(textOf(message) ?? "")).toEqual({ n: 1 });
  });

  it("[S26-38b] may be any JSON in this revision", async () => {
    const { message } = await callTool(target.url, "listing");
    expect(message?.result?.structuredContent).toEqual([1, 2]);
  });

  it.each(["lying", "lying_late"])(
    "[S26-38b, S26-40d] is never sent when it does not conform: %s",
    async (name) => {
      const { message, text } = await callTool(target.url, name);
      expect(message?.error?.code).toBe(-32603);
      expect(text).not.toContain("secret text");
    },
  );
});

describe("registration", () => {
  it.each(["http://json-schema.org/draft-04/schema#", "https://example.com/my-dialect"])(
    "[S26-07b] refuses the dialect %s and names the tool",
    ($schema) => {
      const register = () =>
        createServer((server) =>
          server.tool("odd_dialect", { input: { $schema, type: "object" } }, () => ""),
        );
      expect(register).toThrow(/odd_dialect/);
      expect(register).toThrow(/dialect|\$schema/);
    },
  );

  it("[S26-07c] fetches no reference to the network, and refuses the schema", async () => {
    let hits = 0;
    const canary = createHttpServer((_request, response) => {
      hits++;
      response.end("{}");
    });
    canary.listen(0, "127.0.0.1");
    await once(canary, "listening");
    const { port } = canary.address() as { port: number };
    const $ref = `http://127.0.0.1:${port}/schema.json`;
    expect(() =>
      createServer((server) =>
        server.tool("remote", { input: { type: "object", properties: { a: { $ref } } } }, () => ""),
      ),
    ).toThrow(/remote/);
    canary.close();
    await once(canary, "close");
    expect(hits).toBe(0);
  });

  it.each([
    ["null", null],
    ["a list", { type: "array" }],
    ["a text", { type: "string" }],
    ["an invalid keyword", { type: "object", required: "name" }],
    ["an unknown type", { type: "object", properties: { a: { type: "text" } } }],
  ])("[S26-38a] refuses an input schema that is %s", (_case, input) => {
    expect(() =>
      createServer((server) => server.tool("broken", { input: input as never }, () => "")),
    ).toThrow(/broken/);
  });
});
