import {
  type ResourceProviderSuiteContext,
  resourceProviderChaosSuite,
  resourceProviderSuite,
} from "@backplane/server/test-suite";
import { describe, expect, it } from "vitest";
import { MemoryResourceProvider } from "./memory-provider.ts";

const uriOf = (name: string): string => `memory://${name}`;

function context(): ResourceProviderSuiteContext {
  const provider = new MemoryResourceProvider();
  return {
    provider,
    uriOf,
    put: async (name, text) => {
      provider.set(uriOf(name), text);
      return { uri: uriOf(name), text };
    },
    remove: async (name) => void provider.delete(uriOf(name)),
    close: async () => {},
  };
}

describe("MemoryResourceProvider", () => {
  resourceProviderSuite({ describe, it, expect }, async () => context());

  resourceProviderChaosSuite({ describe, it, expect }, async (chaotic) => {
    const given = context();
    return { ...given, provider: chaotic(given.provider) };
  });

  it("keeps its own copy of bytes, and says what it was told", async () => {
    const provider = new MemoryResourceProvider();
    const bytes = Uint8Array.of(1, 2, 3);
    provider.set("memory://b", bytes, { mimeType: "image/png", title: "B", meta: { a: 1 } });
    bytes.fill(0);
    expect(await provider.read("memory://b")).toEqual({
      body: Uint8Array.of(1, 2, 3),
      mimeType: "image/png",
      meta: { a: 1 },
    });
    const { resources } = await provider.list({ cursor: undefined, limit: 9, prefix: undefined });
    expect(resources).toEqual([
      {
        uri: "memory://b",
        name: "memory://b",
        title: "B",
        mimeType: "image/png",
        size: 3,
        _meta: { a: 1 },
      },
    ]);
  });

  it("is bounded, and loses nothing to what finds no room", async () => {
    const provider = new MemoryResourceProvider({ maxBytes: 5, maxEntries: 2 });
    provider.set("memory://a", "12345");
    expect(() => provider.set("memory://b", "6")).toThrow(/"maxBytes"/);
    expect(() => provider.set("memory://a", "123456")).toThrow(RangeError);
    expect(await provider.read("memory://a")).toMatchObject({ body: "12345" });
    provider.set("memory://a", "1");
    provider.set("memory://b", "é");
    expect(() => provider.set("memory://c", "")).toThrow(/"maxEntries"/);
    expect(provider.delete("memory://a")).toBe(true);
    expect(provider.delete("memory://a")).toBe(false);
    provider.set("memory://c", "123");
    expect(provider.size).toBe(2);
  });

  it.each([
    [{ maxBytes: 0 }, /"maxBytes"/],
    [{ uriPrefix: "no scheme" }, /"uriPrefix"/],
    [{ size: 1 }, /unknown option "size"/],
  ])("refuses options: %j", (options, message) => {
    expect(() => new MemoryResourceProvider(options as never)).toThrow(message);
  });

  it.each(["other://a", "memory:// ", "memory", "memory://ü"])("refuses to keep %s", (uri) => {
    expect(() => new MemoryResourceProvider().set(uri, "x")).toThrow(TypeError);
  });
});
