import { describe, expect, it } from "vitest";
import { usePairings } from "./harness/matrix.ts";

const methodNotSupported = /not supported|METHOD_NOT_SUPPORTED|does not/i;

describe.each(usePairings().map((pairing) => [pairing.label, pairing] as const))(
  "%s",
  (_label, { shared, era }) => {
    it("connects in its era and learns who the server is", async () => {
      const client = await shared();
      expect(client.era).toBe(era);
      const newest = era === "modern" ? "2026-07-28" : "2025-11-25";
      // HTTP+SSE and stdio of the first SDK do not tell the version that was negotiated.
      if (client.protocolVersion !== undefined) expect(client.protocolVersion).toBe(newest);
      expect(client.serverName).toBe("backplane-everything");
      expect(client.instructions).toContain("Every protocol feature");
      expect(Object.keys(client.serverCapabilities ?? {})).toEqual(
        expect.arrayContaining(["tools", "prompts", "resources", "completions", "logging"]),
      );
    });

    it("lists tools, and calls them for every kind of content", async () => {
      const client = await shared();
      const names = (await client.listTools()).map(({ name }) => name);
      const kinds = {
        test_simple_text: ["text"],
        test_image_content: ["image"],
        test_audio_content: ["audio"],
        test_embedded_resource: ["resource"],
        test_resource_link: ["resource_link"],
        test_multiple_content_types: ["text", "image", "resource"],
      };
      expect(names).toEqual(expect.arrayContaining(Object.keys(kinds)));
      for (const [name, types] of Object.entries(kinds)) {
        const { content } = await client.callTool(name);
        expect(content.map(({ type }) => type)).toEqual(types);
      }
    });

    it("gets structured output, which the client validates itself", async () => {
      const client = await shared();
      // The clients validate only what they saw in a list.
      await client.listTools();
      const sum = await client.callTool("add_numbers", { a: 2, b: 3 });
      expect(sum.structuredContent).toEqual({ sum: 5 });
      expect(JSON.parse(String(sum.content[0]?.["text"]))).toEqual({ sum: 5 });
      const { structuredContent } = await client.callTool("count_letters", { text: "four" });
      if (era === "modern") expect(structuredContent).toBe(4);
      else expect(Object.values(structuredContent as object)).toEqual([4]);
    });

    it("gets tool errors as results, and protocol errors as exceptions", async () => {
      const client = await shared();
      const failed = await client.callTool("test_error_handling");
      expect(failed.isError).toBe(true);
      const invalid = await client.callTool("add_numbers", { a: "two" });
      expect(invalid.isError).toBe(true);
      expect(String(invalid.content[0]?.["text"])).toContain("a");
      await expect(client.callTool("no_such_tool")).rejects.toMatchObject({ code: -32602 });
      await expect(client.callTool("test_masked_error")).rejects.toMatchObject({ code: -32603 });
      await expect(client.callTool("test_masked_error")).rejects.not.toThrow(/no client may see/);
    });

    it("sends arguments that are mirrored in headers", async () => {
      const client = await shared();
      await client.listTools();
      const args = { region: "Köln ", priority: 7, dryRun: true, query: "plain" };
      const { content } = await client.callTool("test_header_parameters", args);
      expect(JSON.parse(String(content[0]?.["text"]))).toEqual(args);
    });

    it("gets schemas with every keyword", async () => {
      const client = await shared();
      const tools = await client.listTools();
      const tool = tools.find(({ name }) => name === "json_schema_2020_12_tool");
      expect(tool?.["inputSchema"]).toMatchObject({
        $schema: "https://json-schema.org/draft/2020-12/schema",
        $defs: { address: { $anchor: "addressDef" } },
        if: { required: ["contactMethod"] },
        additionalProperties: false,
      });
    });

    it("lists and gets prompts, and completes their arguments", async () => {
      const client = await shared();
      const prompts = await client.listPrompts();
      expect(prompts.map(({ name }) => name)).toContain("test_prompt_with_arguments");
      const simple = await client.getPrompt("test_simple_prompt");
      expect(simple.messages).toMatchObject([{ role: "user", content: { type: "text" } }]);
      const filled = await client.getPrompt("test_prompt_with_arguments", {
        arg1: "one",
        arg2: "two",
      });
      expect(JSON.stringify(filled.messages)).toMatch(/one.*two/);
      const image = await client.getPrompt("test_prompt_with_image");
      expect(image.messages[0]).toMatchObject({ content: { type: "image" } });
      const embedded = await client.getPrompt("test_prompt_with_embedded_resource", {
        resourceUri: "test://static-text",
      });
      expect(embedded.messages[0]).toMatchObject({
        content: { type: "resource", resource: { uri: "test://static-text" } },
      });
      await expect(client.getPrompt("test_prompt_with_arguments")).rejects.toMatchObject({
        code: -32602,
      });
      const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
      expect(await client.complete(ref, { name: "arg1", value: "test" })).toEqual([
        "testing",
        "test",
      ]);
    });

    it("lists and reads resources and templates, and completes their variables", async () => {
      const client = await shared();
      const uris = (await client.listResources()).map(({ uri }) => uri);
      expect(uris).toEqual(expect.arrayContaining(["test://static-text", "test://static-binary"]));
      const text = await client.readResource("test://static-text");
      expect(text.contents[0]).toMatchObject({ mimeType: "text/plain", text: expect.any(String) });
      const binary = await client.readResource("test://static-binary");
      const bytes = Buffer.from(String(binary.contents[0]?.["blob"]), "base64");
      expect(bytes.subarray(1, 4).toString("latin1")).toBe("PNG");
      const templates = await client.listResourceTemplates();
      expect(templates.map(({ uriTemplate }) => uriTemplate)).toContain(
        "test://template/{id}/data",
      );
      const data = await client.readResource("test://template/42/data");
      expect(String(data.contents[0]?.["text"])).toContain("42");
      const ref = { type: "ref/resource", uri: "test://template/{id}/data" };
      expect(await client.complete(ref, { name: "id", value: "12" })).toEqual(["12", "123"]);
      // The second SDK gives the legacy code -32002 its modern meaning before the caller sees it.
      const missing = client.readResource("test://no-such");
      await expect(missing).rejects.toMatchObject({ code: expect.toBeOneOf([-32602, -32002]) });
    });

    it("answers ping in the era that has it", async () => {
      const client = await shared();
      if (era === "legacy" || client.pingsInEveryEra) expect(await client.ping()).toEqual({});
      else await expect(client.ping()).rejects.toThrow(methodNotSupported);
    });

    it("makes many calls at the same time", async () => {
      const client = await shared();
      const sums = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          client.callTool("add_numbers", { a: index, b: index }),
        ),
      );
      expect(sums.map(({ structuredContent }) => structuredContent)).toEqual(
        sums.map((_, index) => ({ sum: 2 * index })),
      );
    });
  },
);
