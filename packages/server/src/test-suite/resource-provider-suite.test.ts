import { MCPError } from "@backplane/protocol";
import type { SuiteRunner } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { MapProvider } from "../map-provider.test-support.ts";
import type { ResourceProvider } from "../resource-provider.ts";
import {
  type ResourceProviderSuiteContext,
  resourceProviderChaosSuite,
  resourceProviderSuite,
} from "./index.ts";

/** The map's provider with all that the suite asks for, and a fault planted over it. */
function context(plant: (provider: ResourceProvider) => object): ResourceProviderSuiteContext {
  const provider = new MapProvider("a");
  const uriOf = (name: string): string => `a://${name}`;
  const good: ResourceProvider = {
    name: "a",
    locate: (uri) => provider.locate(uri),
    list: async ({ prefix = "", ...request }) => {
      const page = await provider.list(request);
      return { ...page, resources: page.resources.filter(({ uri }) => uri.startsWith(prefix)) };
    },
    read: (uri) => provider.read(uri),
    watch: (uri, onChange) => provider.watch(uri, onChange),
    watchList: (onChange) => provider.watchList(onChange),
  };
  return {
    provider: { ...good, ...plant(good) },
    uriOf,
    put: async (name, text) => {
      provider.entries.set(uriOf(name), text);
      for (const uri of ["", uriOf(name)]) provider.change(uri);
      return { uri: uriOf(name), text };
    },
    remove: async (name) => {
      provider.entries.delete(uriOf(name));
      for (const uri of ["", uriOf(name)]) provider.change(uri);
    },
    close: async () => {},
  };
}

/** Runs a suite, or one test of it, and gives the names of the tests that failed, after those of their groups. */
async function failuresOf(
  register: (runner: SuiteRunner) => void,
  only?: string,
): Promise<readonly string[]> {
  const groups: string[] = [];
  const tests: [name: string, body: () => Promise<void>][] = [];
  register({
    describe: (group, body) => {
      groups.push(group);
      body();
      groups.pop();
    },
    it: (name, body) => tests.push([[...groups, name].join(" > "), body]),
    expect,
  });
  const chosen = tests.filter(([name]) => only === undefined || name === only);
  expect(chosen).not.toEqual([]);
  const failed: string[] = [];
  for (const [name, body] of chosen) await body().catch(() => failed.push(name));
  return failed;
}

// A suite that cannot fail proves nothing: each planted fault must be found, by the test it is meant for.
describe("resourceProviderSuite", () => {
  it("finds nothing wrong with a provider that is right", async () => {
    const register = (runner: SuiteRunner): void =>
      resourceProviderSuite(runner, async () => context(() => ({})));
    expect(await failuresOf(register)).toEqual([]);
  });

  const faults: Record<string, [test: string, plant: (good: ResourceProvider) => object]> = {
    "a list that ignores its limit": [
      "lists everything once and in one order, whatever the size of the pages",
      (good) => ({
        list: (request: object) => good.list({ ...request, limit: 99 } as never, {} as never),
      }),
    ],
    "a list that ignores its cursor": [
      "lists everything once and in one order, whatever the size of the pages",
      (good) => ({
        list: (request: object) =>
          good.list({ ...request, cursor: undefined } as never, {} as never),
      }),
    ],
    "a list that ignores its prefix": [
      "lists by prefix",
      (good) => ({
        list: (request: object) =>
          good.list({ ...request, prefix: undefined } as never, {} as never),
      }),
    ],
    "a cursor that throws anything": [
      "a forged cursor gives -32602 or entries that are its own",
      (good) => ({
        list: (request: { cursor?: string }) => {
          if (request.cursor !== undefined) throw new Error("planted");
          return good.list(request as never, {} as never);
        },
      }),
    ],
    "two spellings": [
      "locate gives a spelling that it keeps",
      () => ({ locate: (uri: string) => `${uri}/` }),
    ],
    "a locate that takes everything": [
      "locate knows nothing of what is another's, and never throws",
      () => ({ locate: (uri: string) => uri }),
    ],
    "a read that answers for what has gone": [
      "what is not there, or no more, is undefined",
      () => ({ read: async () => ({ body: "" }) }),
    ],
    "a watch that goes on after its end": [
      "a watch notices a change, of its resource, until it is stopped",
      (good) => ({
        watch: async (uri: string, onChange: () => void) => {
          await good.watch?.(uri, onChange);
          return () => {};
        },
      }),
    ],
    "a watch that hears of everything": [
      "two watches of one resource are two",
      (good) => {
        const stops: (() => unknown)[] = [];
        return {
          watch: async (uri: string, onChange: () => void) => {
            stops.push((await good.watch?.(uri, onChange)) as () => unknown);
            return () => void stops.pop()?.();
          },
        };
      },
    ],
  };

  it.each(Object.entries(faults))(
    "finds %s",
    async (_name, [test, plant]) => {
      const name = `ResourceProvider > ${test}`;
      const register = (runner: SuiteRunner): void =>
        resourceProviderSuite(runner, async () => context(plant));
      expect(await failuresOf(register, name)).toEqual([name]);
    },
    20_000,
  );
});

describe("resourceProviderChaosSuite", () => {
  const WATCH = "ResourceProvider > a watch notices a change, of its resource, until it is stopped";
  const RIGHT = "tells nobody what is not so, and is believed again afterwards";

  const telling = async (): Promise<never> => {
    throw new MCPError(-32602, "the secret is somebody-else's");
  };
  const faults: Record<string, [test: string, plant: (good: ResourceProvider) => object]> = {
    "a watch that begins after its answer, where answers are late": [
      `a provider that takes its time > ${WATCH}`,
      (good) => ({
        watch: async (uri: string, onChange: () => void) => {
          setTimeout(() => good.watch?.(uri, onChange), 200);
          return () => {};
        },
      }),
    ],
    "a watch that cannot be begun again after its answer was lost": [
      "a provider that acts, and loses its answer > ResourceProvider > a watch notices that its resource comes and goes",
      (good) => {
        const watched = new Set<string>();
        return {
          watch: async (uri: string, onChange: () => void) => {
            if (watched.has(uri)) throw new Error("watched already");
            watched.add(uri);
            return good.watch?.(uri, onChange);
          },
        };
      },
    ],
    "a failure that is an answer for the next one": [
      "a server of a provider > that fails: each request has its own answer, right or clean",
      (good) => {
        let reads = 0;
        return {
          read: (uri: string) =>
            ++reads > 10 ? { body: "of somebody else" } : good.read(uri, {} as never),
        };
      },
    ],
    "an error that tells": [
      `a server of a provider > that lies (flood): ${RIGHT}`,
      () => ({ read: telling }),
    ],
    "a list of what is another's": [
      `a server of a provider > that lies (foreign): ${RIGHT}`,
      () => ({ locate: (uri: string) => uri }),
    ],
  };

  it.each(Object.entries(faults))(
    "finds %s",
    async (_name, [test, plant]) => {
      const run = (how: (good: ResourceProvider) => object): Promise<readonly string[]> =>
        failuresOf((runner) => {
          resourceProviderChaosSuite(runner, async (chaotic) => {
            const given = context(how);
            return { ...given, provider: chaotic(given.provider) };
          });
        }, test);
      expect(await run(() => ({}))).toEqual([]);
      expect(await run(plant)).toEqual([test]);
    },
    30_000,
  );
});
