import type { Interceptor, InvocationResult } from "@backplane/protocol";
import { describe, expect, it, vi } from "vitest";
import { ERAS, RawClient } from "./client.test-support.ts";
import { MCPServer } from "./index.ts";
import { LargeText } from "./large-text.ts";

const LENGTH = 1_000_001;
const bytes = Uint8Array.from({ length: LENGTH }, (_, index) => index >>> 4);
const base64 = Buffer.from(bytes).toString("base64");
const text = "ü".repeat(LENGTH);

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

type Contents = { uri: string; blob: string };

/** A server with a large resource and large tools, whose results an interceptor sees. */
function serverWith(see: (result: never) => unknown): MCPServer {
  const server = new MCPServer({ name: "t", version: "1", logger: SILENT });
  const observer: Interceptor = {
    name: "observer",
    phase: "observe",
    intercept: async (invocation, next) => {
      const result = await next(invocation);
      return (see(result as never) ?? result) as InvocationResult;
    },
  };
  server.use(observer);
  server.addResourceProvider({
    name: "large",
    locate: (uri) => (uri === "large://x" ? uri : undefined),
    list: async () => ({ resources: [] }),
    read: async () => ({ body: bytes }),
  });
  return server;
}

describe.each(ERAS)("a large value, %s", (era) => {
  const readVia = async (see: (result: { contents: Contents[] }) => unknown) => {
    const client = await RawClient.connect(serverWith(see), era);
    const { contents } = await client.result("resources/read", { uri: "large://x" });
    return contents as Contents[];
  };

  it("of bytes is base64 for whoever looks at it", async () => {
    const seen: unknown[] = [];
    const contents = await readVia((result) => {
      const [first] = result.contents as [Contents];
      seen.push(
        first.blob,
        { ...first },
        structuredClone(first),
        JSON.parse(JSON.stringify(first)),
      );
    });
    const plain = { uri: "large://x", blob: base64 };
    expect(seen).toEqual([base64, plain, plain, plain]);
    expect(contents).toEqual([plain]);
  });

  it("of bytes may be changed like any other member", async () => {
    const changed = "AAAA";
    const assigned = await readVia(({ contents: [first] }) => {
      (first as Contents).blob = changed;
    });
    expect(assigned).toEqual([{ uri: "large://x", blob: changed }]);
    const removed = await readVia(({ contents: [first] }) => {
      delete (first as Partial<Contents>).blob;
    });
    expect(removed).toEqual([{ uri: "large://x" }]);
    const copied = await readVia(({ contents: [first] }) => ({
      contents: [{ ...first, mimeType: "image/png" }],
    }));
    expect(copied).toEqual([{ uri: "large://x", mimeType: "image/png", blob: base64 }]);
    const frozen = await readVia(({ contents }) => void Object.freeze(contents[0]));
    expect(frozen).toEqual([{ uri: "large://x", blob: base64 }]);
  });

  it("may stand in any kind of content, beside what is small", async () => {
    const server = serverWith(() => {});
    const content = [
      { type: "text" as const, text, annotations: { priority: 1 } },
      { type: "image" as const, data: base64, mimeType: "image/png" },
      { type: "resource" as const, resource: { uri: "a:b", text } },
      { type: "resource" as const, resource: { uri: "a:b", blob: base64 } },
      { type: "text" as const, text: "small" },
    ];
    server.tool("each", {}, () => ({ content, _meta: { own: true } }));
    server.tool("value", {}, () => ({ text }));
    const client = await RawClient.connect(server, era);
    const each = await client.result("tools/call", { name: "each" });
    expect(each).toMatchObject({ content, _meta: { own: true } });
    const value = await client.result("tools/call", { name: "value" });
    expect(value.structuredContent).toEqual({ text });
    expect(value.content).toEqual([{ type: "text", text: JSON.stringify({ text }) }]);
  });

  it("is left to a `toJSON` where there is one", async () => {
    const server = serverWith(() => {});
    class Block {
      readonly type = "text";
      readonly text = text;
      toJSON(): object {
        return { type: "text", text: this.text.slice(0, 3) };
      }
    }
    server.tool("own", {}, () => ({ content: [new Block()] }));
    const client = await RawClient.connect(server, era);
    const { content } = await client.result("tools/call", { name: "own" });
    expect(content).toEqual([{ type: "text", text: "üüü" }]);
  });

  it("that is too long to be one text is an error of its call, whenever its handler ends", async () => {
    const client = await RawClient.connect(
      serverWith(() => {}),
      era,
    );
    const server = new MCPServer({ name: "t", version: "1", logger: SILENT });
    server.tool("now", {}, () => text);
    server.tool("later", {}, async () => text);
    const alone = await RawClient.connect(server, era);
    const whole = vi.spyOn(LargeText.prototype, "toString").mockImplementation(() => {
      throw new RangeError("Invalid string length");
    });
    try {
      const asked = [
        client.request("resources/read", { uri: "large://x" }),
        alone.request("tools/call", { name: "now" }),
        alone.request("tools/call", { name: "later" }),
      ];
      for (const answer of await Promise.all(asked)) expect(answer.error?.code).toBe(-32603);
    } finally {
      whole.mockRestore();
    }
  });
});
