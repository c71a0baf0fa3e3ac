import { type MCPServer, ToolExecutionError } from "@backplane/server";
import { z } from "zod";
import { PNG_BASE64, WAV_BASE64 } from "./media.ts";

/** A schema that uses much of JSON Schema 2020-12, which must reach clients unchanged. */
const ADDRESS_BOOK_SCHEMA: Record<string, unknown> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema.
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

/** Tools that answer at once: every kind of content, structured output, errors, headers. */
export function addContentTools(server: MCPServer): void {
  server.tool(
    "add_numbers",
    {
      description: "Adds two numbers and answers with structured output",
      input: z.object({ a: z.number().default(0), b: z.number().default(0) }),
      output: z.object({ sum: z.number() }),
      annotations: { readOnlyHint: true, idempotentHint: true },
    },
    ({ a, b }) => ({ sum: a + b }),
  );

  server.tool(
    "count_letters",
    {
      description:
        "Answers with a number as its structured output, which older clients see wrapped",
      input: z.object({ text: z.string() }),
      output: z.number(),
    },
    ({ text }) => text.length,
  );

  server.tool(
    "test_simple_text",
    { description: "Answers with a text" },
    () => "This is a simple text response for testing.",
  );

  server.tool("test_image_content", { description: "Answers with an image" }, () => [
    { type: "image", data: PNG_BASE64, mimeType: "image/png" },
  ]);

  server.tool("test_audio_content", { description: "Answers with audio" }, () => [
    { type: "audio", data: WAV_BASE64, mimeType: "audio/wav" },
  ]);

  server.tool(
    "test_embedded_resource",
    { description: "Answers with an embedded resource" },
    () => [
      {
        type: "resource",
        resource: {
          uri: "test://embedded-resource",
          mimeType: "text/plain",
          text: "This is an embedded resource content.",
        },
      },
    ],
  );

  server.tool("test_resource_link", { description: "Answers with a link to a resource" }, () => [
    {
      type: "resource_link",
      uri: "test://static-text",
      name: "static-text",
      mimeType: "text/plain",
    },
  ]);

  server.tool(
    "test_multiple_content_types",
    { description: "Answers with text, an image and an embedded resource" },
    () => [
      { type: "text", text: "Multiple content types test:" },
      { type: "image", data: PNG_BASE64, mimeType: "image/png" },
      {
        type: "resource",
        resource: {
          uri: "test://mixed-content-resource",
          mimeType: "application/json",
          text: JSON.stringify({ test: "data", value: 123 }),
        },
      },
    ],
  );

  server.tool("test_error_handling", { description: "Fails, as a tool should fail" }, () => {
    throw new ToolExecutionError(-1000, "This tool intentionally returns an error for testing");
  });

  server.tool("test_masked_error", { description: "Fails unexpectedly" }, () => {
    throw new Error("a detail that no client may see");
  });

  server.tool(
    "json_schema_2020_12_tool",
    { description: "Has a schema with many keywords", input: ADDRESS_BOOK_SCHEMA },
    (args) => JSON.stringify(args),
  );

  server.tool(
    "test_header_parameters",
    {
      description: "Has arguments that clients repeat in HTTP headers",
      input: {
        type: "object",
        properties: {
          region: { type: "string", "x-mcp-header": "Region" },
          priority: { type: "integer", "x-mcp-header": "Priority" },
          dryRun: { type: "boolean", "x-mcp-header": "Dry-Run" },
          query: { type: "string" },
        },
      },
    },
    (args) => JSON.stringify(args),
  );
}
