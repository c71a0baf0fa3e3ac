import type { ResourceProvider } from "@backplane/server";
import {
  type ResourceProviderSuiteContext,
  resourceProviderChaosSuite,
  resourceProviderSuite,
  suiteRequestContext,
} from "@backplane/server/test-suite";
import { describe, expect, it } from "vitest";
import { CompositeResourceProvider } from "./composite-provider.ts";
import { MemoryResourceProvider } from "./memory-provider.ts";

/** Names below `m` live in one provider, the others in another, both renamed. */
function context(
  part: (provider: ResourceProvider) => ResourceProvider = (provider) => provider,
): ResourceProviderSuiteContext {
  const left = new MemoryResourceProvider({ name: "left" });
  const right = new MemoryResourceProvider({ name: "right", uriPrefix: "other://deep/" });
  const provider = new CompositeResourceProvider({
    mounts: [
      { prefix: "app://right/", provider: part(right), base: "other://deep/" },
      { prefix: "app://left/", provider: part(left), base: "memory://" },
    ],
  });
  const isLeft = (name: string): boolean => name < "c";
  return {
    provider,
    uriOf: (name) => `app://${isLeft(name) ? "left" : "right"}/${name}`,
    put: async (name, text) => {
      if (isLeft(name)) left.set(`memory://${name}`, text);
      else right.set(`other://deep/${name}`, text);
      return { uri: `app://${isLeft(name) ? "left" : "right"}/${name}`, text };
    },
    remove: async (name) => {
      if (isLeft(name)) left.delete(`memory://${name}`);
      else right.delete(`other://deep/${name}`);
    },
    close: async () => {},
  };
}

describe("CompositeResourceProvider", () => {
  resourceProviderSuite({ describe, it, expect }, async () => context());

  resourceProviderChaosSuite({ describe, it, expect }, async (chaotic) => {
    const given = context();
    return { ...given, provider: chaotic(given.provider) };
  });

  describe("of parts in trouble", () => {
    resourceProviderChaosSuite({ describe, it, expect }, async (chaotic) => context(chaotic));
  });

  const request = suiteRequestContext();
  const memory = () => new MemoryResourceProvider();

  it("mounts only what lies below the base", async () => {
    const inner = new MemoryResourceProvider();
    inner.set("memory://public/a", "a");
    inner.set("memory://secret/b", "b");
    const provider = new CompositeResourceProvider({
      mounts: [{ prefix: "app://", provider: inner, base: "memory://public/" }],
    });
    const { resources } = await provider.list(
      { cursor: undefined, limit: 9, prefix: undefined },
      request,
    );
    expect(resources.map(({ uri }) => uri)).toEqual(["app://a"]);
    expect(await provider.read("app://../secret/b", request)).toBe(undefined);
    expect(provider.locate("memory://secret/b")).toBe(undefined);
  });

  it("lists nothing of a part that gives more than it was asked for", async () => {
    const inner = new MemoryResourceProvider();
    inner.set("memory://secret/b", "b");
    const careless = {
      name: "careless",
      locate: (uri: string) => inner.locate(uri),
      list: (asked: object) => inner.list({ ...asked, prefix: undefined } as never),
      read: (uri: string) => inner.read(uri),
    };
    const provider = new CompositeResourceProvider({
      mounts: [{ prefix: "app://", provider: careless, base: "memory://public/" }],
    });
    const asked = { cursor: undefined, limit: 9, prefix: undefined };
    await expect(provider.list(asked, request)).rejects.toThrow(/"careless" lists .*outside/);
  });

  it("renames templates, and completes them where they are from", async () => {
    const inner = {
      ...{ name: "t", locate: (uri: string) => uri, list: async () => ({ resources: [] }) },
      read: async () => undefined,
      templates: () => [{ uriTemplate: "in://{x}" }, { uriTemplate: "elsewhere://{x}" }],
      complete: async ({ uriTemplate, value }: { uriTemplate: string; value: string }) => [
        `${uriTemplate} ${value}`,
      ],
    };
    const provider = new CompositeResourceProvider({
      mounts: [{ prefix: "out://", provider: inner, base: "in://" }],
    });
    expect(provider.templates()).toEqual([{ uriTemplate: "out://{x}" }]);
    const asked = { uriTemplate: "out://{x}", variable: "x", value: "v", chosen: {} };
    expect(await provider.complete(asked, request)).toEqual(["in://{x} v"]);
  });

  it("ends the watches that have begun when one of its parts cannot watch its list", async () => {
    const stopped: string[] = [];
    const good = Object.assign(memory(), {
      watchList: async () => () => void stopped.push("good"),
    });
    const bad = Object.assign(memory(), { watchList: () => Promise.reject(new Error("planted")) });
    const provider = new CompositeResourceProvider({
      mounts: [
        { prefix: "a://", provider: good, base: "memory://" },
        { prefix: "b://", provider: bad, base: "memory://" },
      ],
    });
    await expect(provider.watchList(() => {})).rejects.toThrow("planted");
    expect(stopped).toEqual(["good"]);
  });

  it.each([
    [{ mounts: [] }, /"mounts"/],
    [{ mounts: [{ prefix: "x", provider: memory() }] }, /"mounts\[0\]".*"uriPrefix"/],
    [{ mounts: [{ prefix: "a://", provider: {} }] }, /has no locate/],
    [{ mounts: [{ prefix: "a://", to: 1 }] }, /unknown option "to"/],
    [
      {
        mounts: [
          { prefix: "a://b", provider: memory() },
          { prefix: "a://", provider: memory() },
        ],
      },
      /begins another's: "a:\/\/"/,
    ],
  ])("refuses options: %#", (options, message) => {
    expect(() => new CompositeResourceProvider(options as never)).toThrow(message);
  });
});
