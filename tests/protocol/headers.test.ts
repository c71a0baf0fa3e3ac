import { describe, expect, it } from "vitest";
import { callTool, modern, send } from "./harness/http.ts";
import { encodeHeaderValue, modernHeaders, modernRequest } from "./harness/messages.ts";
import { createServer, useServer } from "./harness/servers.ts";

const mirrored = {
  type: "object",
  properties: {
    region: { type: "string", "x-mcp-header": "Region" },
    count: { type: "integer", "x-mcp-header": "Count" },
    dry: { type: "boolean", "x-mcp-header": "Dry-Run" },
    nested: {
      type: "object",
      properties: { tenant: { type: "string", "x-mcp-header": "Tenant" } },
    },
  },
} as const;

const target = useServer((server) => {
  server.tool("plain", {}, () => "plain");
  server.tool("mirrored", { input: mirrored }, (args) => JSON.stringify(args));
  server.prompt("greeting", {}, () => "hello");
  server.resource("test://static", {}, () => "static");
  server.prompt("grüße", {}, () => "hello");
});

const mismatch = { status: 400, message: { error: { code: -32020 } } };

describe("standard headers", () => {
  it.each([
    ["[S26-22a] another Mcp-Method", { "mcp-method": "tools/call" }],
    ["[S26-22a, S26-23b] Mcp-Method in another case", { "mcp-method": "Tools/List" }],
    ["[S26-22a] an encoded Mcp-Method", { "mcp-method": `=?base64?${btoa("tools/list")}?=` }],
    ["[S26-22d] no Mcp-Method", { "mcp-method": undefined }],
    ["[S26-22d] an empty Mcp-Method", { "mcp-method": "" }],
    ["[S26-22a] two different Mcp-Method", { "mcp-method": ["tools/list", "tools/call"] }],
  ])("%s is refused", async (_case, headers) => {
    expect(await modern(target.url, "tools/list", {}, { headers })).toMatchObject(mismatch);
  });

  it.each([
    ["[S26-22b] another Mcp-Name", { "mcp-name": "mirrored" }],
    ["[S26-22b, S26-23b] Mcp-Name in another case", { "mcp-name": "Plain" }],
    ["[S26-22d] no Mcp-Name", { "mcp-name": undefined }],
    ["[S26-22b] two different Mcp-Name", { "mcp-name": ["plain", "mirrored"] }],
    ["[S26-22e] characters beyond ASCII", { "mcp-name": "pl\u00e4in" }],
    ["[S26-22e] base64 with bad padding", { "mcp-name": "=?base64?cGxhaW4?=" }],
    ["[S26-22e] base64 with bad characters", { "mcp-name": "=?base64?cGx*aW4=?=" }],
    ["[S26-22e] base64 that is no UTF-8", { "mcp-name": "=?base64?/w==?=" }],
    ["[S26-22b] base64 of another name", { "mcp-name": `=?base64?${btoa("mirrored")}?=` }],
    [
      "[S26-23a] a marker in upper case, which is none",
      { "mcp-name": `=?BASE64?${btoa("plain")}?=` },
    ],
  ])("%s is refused", async (_case, headers) => {
    expect(await callTool(target.url, "plain", {}, { headers })).toMatchObject(mismatch);
  });

  it.each([
    ["prompts/get", { name: "greeting" }],
    ["resources/read", { uri: "test://static" }],
  ])("[S26-22b, S26-22d] %s needs its Mcp-Name", async (method, params) => {
    expect((await modern(target.url, method, params)).message).toHaveProperty("result");
    for (const name of [undefined, "other"]) {
      const headers = { "mcp-name": name };
      expect(await modern(target.url, method, params, { headers })).toMatchObject(mismatch);
    }
  });

  it("[S26-23a] an encoded Mcp-Name is decoded", async () => {
    const headers = { "mcp-name": `=?base64?${btoa("plain")}?=` };
    expect((await callTool(target.url, "plain", {}, { headers })).status).toBe(200);
  });

  it("[S26-23a] a name beyond ASCII is compared decoded", async () => {
    expect(encodeHeaderValue("grüße")).toMatch(/^=\?base64\?/);
    const { status, message } = await modern(target.url, "prompts/get", { name: "grüße" });
    expect(status).toBe(200);
    expect(message?.result).toBeDefined();
    const headers = { "mcp-name": encodeHeaderValue("größe") };
    const other = await modern(target.url, "prompts/get", { name: "grüße" }, { headers });
    expect(other).toMatchObject(mismatch);
  });

  it("[S26-23b] header names are matched in any case, padding around values is no part of them", async () => {
    const body = modernRequest("tools/call", { name: "plain" });
    const headers = Object.fromEntries(
      Object.entries(modernHeaders(body)).map(([name, value]) => [
        name.toUpperCase(),
        name.startsWith("mcp-") ? `  ${value}\t` : value,
      ]),
    );
    expect((await send(target.url, { headers, body })).status).toBe(200);
  });
});

describe("Mcp-Param headers", () => {
  const call = (args: Record<string, unknown>, headers: Record<string, string | undefined>) =>
    callTool(target.url, "mirrored", args, { headers });

  it.each([
    ["a string", { region: "eu" }, { "mcp-param-region": "eu" }],
    ["[S26-23b] a header name in another case", { region: "eu" }, { "MCP-PARAM-REGION": "eu" }],
    [
      "[S26-23a] an encoded string",
      { region: "Köln" },
      { "mcp-param-region": "=?base64?S8O2bG4=?=" },
    ],
    [
      "[S26-23a] an encoded plain string",
      { region: "eu" },
      { "mcp-param-region": "=?base64?ZXU=?=" },
    ],
    [
      "[S26-23a] a partial marker, taken as it is",
      { region: "=?base64?eu" },
      { "mcp-param-region": "=?base64?eu" },
    ],
    ["an integer", { count: 42 }, { "mcp-param-count": "42" }],
    ["[S26-23c] an integer in another form", { count: 42 }, { "mcp-param-count": "42.0" }],
    ["a negative integer", { count: -7 }, { "mcp-param-count": "-7" }],
    ["a boolean", { dry: true }, { "mcp-param-dry-run": "true" }],
    ["a nested argument", { nested: { tenant: "a" } }, { "mcp-param-tenant": "a" }],
    ["[S26-24b] a null argument", { region: null }, {}],
    ["[S26-24b] an absent argument", {}, {}],
    ["[S26-24b] an absent parent", { nested: {} }, {}],
    ["an unknown Mcp-Param header", {}, { "mcp-param-other": "x" }],
  ])("%s is accepted", async (_case, args, headers) => {
    const { status, message } = await call(args, headers);
    expect(status).toBe(200);
    expect(message).toHaveProperty("result");
  });

  it.each([
    ["[S26-22c] another string", { region: "eu" }, { "mcp-param-region": "us" }],
    ["[S26-22c, S26-23b] a string in another case", { region: "eu" }, { "mcp-param-region": "EU" }],
    ["[S26-22c] another integer", { count: 42 }, { "mcp-param-count": "43" }],
    ["[S26-22c] no number", { count: 42 }, { "mcp-param-count": "forty-two" }],
    ["[S26-22c] another boolean", { dry: true }, { "mcp-param-dry-run": "false" }],
    ["[S26-22c] a boolean in another case", { dry: true }, { "mcp-param-dry-run": "True" }],
    ["[S26-22c] another nested argument", { nested: { tenant: "a" } }, { "mcp-param-tenant": "b" }],
    ["[S26-24a, S26-22d] a missing header", { region: "eu" }, {}],
    ["[S26-24a] a missing header of a nested argument", { nested: { tenant: "a" } }, {}],
    [
      "[S26-22e] base64 with bad padding",
      { region: "eu" },
      { "mcp-param-region": "=?base64?ZXU?=" },
    ],
    [
      "[S26-22e] base64 with bad characters",
      { region: "eu" },
      { "mcp-param-region": "=?base64?Z!U=?=" },
    ],
    ["[S26-22e] characters beyond ASCII", { region: "Köln" }, { "mcp-param-region": "K\u00f6ln" }],
  ])("%s is refused", async (_case, args, headers) => {
    expect(await call(args, headers)).toMatchObject(mismatch);
  });
});

describe("registration", () => {
  const withHeader = (property: object, more: object = {}) => ({
    type: "object",
    properties: { argument: property },
    ...more,
  });

  it.each([
    ["an empty name", withHeader({ type: "string", "x-mcp-header": "" })],
    ["a name with a space", withHeader({ type: "string", "x-mcp-header": "a b" })],
    ["a name with a line break", withHeader({ type: "string", "x-mcp-header": "a\r\nb" })],
    ["a name that is no string", withHeader({ type: "string", "x-mcp-header": 7 })],
    ["a number", withHeader({ type: "number", "x-mcp-header": "N" })],
    ["an object", withHeader({ type: "object", "x-mcp-header": "O" })],
    ["an array", withHeader({ type: "array", "x-mcp-header": "A" })],
    [
      "items of an array",
      withHeader({ type: "array", items: { type: "string", "x-mcp-header": "A" } }),
    ],
    ["a branch of anyOf", withHeader({ anyOf: [{ type: "string", "x-mcp-header": "A" }] })],
    [
      "a definition",
      withHeader({ $ref: "#/$defs/a" }, { $defs: { a: { type: "string", "x-mcp-header": "A" } } }),
    ],
    [
      "a name used twice in another case",
      {
        type: "object",
        properties: {
          a: { type: "string", "x-mcp-header": "Same" },
          b: { type: "string", "x-mcp-header": "SAME" },
        },
      },
    ],
  ])("[S26-39] refuses x-mcp-header on %s and names the tool", (_case, input) => {
    expect(() => createServer((server) => server.tool("broken", { input }, () => ""))).toThrow(
      /broken/,
    );
  });

  it("[S26-39] lists the annotation as the author wrote it", async () => {
    const { message } = await modern(target.url, "tools/list");
    const tool = message?.result?.tools?.find(({ name }) => name === "mirrored");
    expect(tool?.inputSchema).toMatchObject({
      properties: { region: { "x-mcp-header": "Region" }, count: { "x-mcp-header": "Count" } },
    });
  });
});
