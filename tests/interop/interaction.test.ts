import { describe, expect, it } from "vitest";
import type { ToolResult } from "./harness/interop-client.ts";
import { usePairings } from "./harness/matrix.ts";

function textOf({ content }: ToolResult): string {
  return String(content[0]?.["text"]);
}

describe.each(usePairings().map((pairing) => [pairing.label, pairing] as const))(
  "%s",
  (_label, { connect, shared, host, era }) => {
    it("is asked for a form", async () => {
      const client = await shared();
      const result = await client.callTool("test_elicitation", { message: "Who are you?" });
      expect(host.asked).toMatchObject([{ message: "Who are you?" }]);
      expect(textOf(result)).toContain('"username":"my username"');
      expect(textOf(result)).toContain("ada@example.com");
    });

    it.each(["decline", "cancel"] as const)("may %s", async (action) => {
      const client = await shared();
      host.action = action;
      const result = await client.callTool("test_elicitation", { message: "Who are you?" });
      expect(result.isError).not.toBe(true);
      expect(textOf(result)).toContain(`"action":"${action}"`);
    });

    it("is shown defaults and enums of every kind", async () => {
      const client = await shared();
      const defaults = await client.callTool("test_elicitation_sep1034_defaults");
      expect(textOf(defaults)).toContain('"name":"John Doe"');
      expect(host.asked[0]).toMatchObject({
        requestedSchema: { properties: { age: { default: 30 }, status: { default: "active" } } },
      });
      const enums = await client.callTool("test_elicitation_sep1330_enums");
      expect(textOf(enums)).toContain('"titledMulti":["value1"]');
    });

    it("is asked to open a page", async () => {
      const client = await shared();
      expect(textOf(await client.callTool("test_url_elicitation"))).toBe("URL elicitation: accept");
      expect(host.asked).toMatchObject([{ mode: "url", url: "https://example.com/confirm" }]);
    });

    it("is asked for its model and its roots", async () => {
      const client = await shared();
      const sampled = await client.callTool("test_sampling", { prompt: "Say something" });
      expect(textOf(sampled)).toContain("from the model");
      expect(textOf(await client.callTool("test_list_roots"))).toContain("file:///home/ada");
    });

    it("is asked several things at once, and one after another", async () => {
      const client = await shared();
      const prefix = "test_input_required_result_";
      const many = textOf(await client.callTool(`${prefix}multiple_inputs`));
      expect(many).toContain("from the model");
      expect(many).toContain("my name, 1 roots");
      const rounds = textOf(await client.callTool(`${prefix}multi_round`));
      expect(rounds).toBe("my name likes my color");
      expect(textOf(await client.callTool(`${prefix}request_state`))).toBe("state-ok");
    });

    it("is asked by a prompt", async () => {
      const client = await shared();
      const { messages } = await client.getPrompt("test_input_required_result_prompt");
      expect(JSON.stringify(messages)).toContain("Use this context: my context");
    });

    it("is asked while progress streams", async () => {
      const client = await shared();
      const seen: number[] = [];
      const result = await client.callTool(
        "test_streaming_elicitation",
        {},
        { onProgress: ({ progress }) => seen.push(progress) },
      );
      expect(textOf(result)).toBe("Answer: accept");
      expect(seen[0]).toBe(1);
    });

    it("is not asked what it does not offer", async () => {
      const client = await connect();
      const code = era === "modern" ? -32021 : -32600;
      for (const tool of ["test_missing_capability", "test_list_roots", "test_url_elicitation"]) {
        await expect(client.callTool(tool)).rejects.toMatchObject({ code });
      }
      const choice = await client.callTool("test_input_required_result_capabilities");
      expect(textOf(choice)).toBe("This client can be asked nothing");
    });

    it("gets an error when its own handler fails", async () => {
      const client = await connect({
        elicit: () => {
          throw new Error("the user interface broke");
        },
      });
      await expect(
        client.callTool("test_elicitation", { message: "Who are you?" }),
      ).rejects.toThrow();
      expect((await client.callTool("test_simple_text")).content).toHaveLength(1);
    });
  },
);
