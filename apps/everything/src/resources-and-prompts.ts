import type { MCPServer } from "@backplane/server";
import { z } from "zod";
import { bytesOf, PNG_BASE64 } from "./media.ts";

/** Resources and templates. */
export function addResources(server: MCPServer): void {
  server.resource(
    "test://static-text",
    { name: "static-text", description: "A text that never changes", mimeType: "text/plain" },
    () => "This is the content of the static text resource.",
  );
  server.resource(
    "test://static-binary",
    { name: "static-binary", description: "An image that never changes", mimeType: "image/png" },
    () => bytesOf(PNG_BASE64),
  );
  server.resource(
    "test://watched-resource",
    {
      name: "watched-resource",
      description: "Its change can be announced",
      mimeType: "text/plain",
    },
    () => "Watched resource content",
  );
  server.resource(
    "test://template/{id}/data",
    {
      name: "template-data",
      description: "Data by id",
      mimeType: "application/json",
      complete: { id: ({ value }) => ["1", "12", "123"].filter((id) => id.startsWith(value)) },
    },
    ({ variables: { id } }) =>
      JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
  );
}

/** Prompts, with completion, and one that asks the user. */
export function addPrompts(server: MCPServer): void {
  server.prompt(
    "test_simple_prompt",
    { description: "A prompt without arguments" },
    () => "This is a simple prompt for testing.",
  );
  server.prompt(
    "test_prompt_with_arguments",
    {
      description: "A prompt with two arguments",
      arguments: {
        arg1: {
          description: "First test argument",
          required: true,
          complete: ({ value }) =>
            ["testing", "test", "text"].filter((word) => word.startsWith(value)),
        },
        arg2: { description: "Second test argument", required: true },
      },
    },
    ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  );
  server.prompt(
    "test_prompt_with_embedded_resource",
    {
      description: "A prompt that carries a resource",
      arguments: { resourceUri: { description: "URI of the resource", required: true } },
    },
    ({ resourceUri }) => [
      {
        role: "user",
        content: {
          type: "resource",
          resource: {
            uri: resourceUri,
            mimeType: "text/plain",
            text: "Embedded resource content for testing.",
          },
        },
      },
      {
        role: "user",
        content: { type: "text", text: "Please process the embedded resource above." },
      },
    ],
  );
  server.prompt("test_prompt_with_image", { description: "A prompt that carries an image" }, () => [
    { role: "user", content: { type: "image", data: PNG_BASE64, mimeType: "image/png" } },
    { role: "user", content: { type: "text", text: "Please analyze the image above." } },
  ]);
  server.prompt(
    "test_input_required_result_prompt",
    { description: "A prompt that asks the user for context" },
    async (_args, ctx) => {
      const { content } = await ctx.elicit("user_context", {
        message: "What context should the prompt use?",
        schema: z.object({ context: z.string() }),
      });
      return `Use this context: ${content?.context ?? "none"}`;
    },
  );
}
