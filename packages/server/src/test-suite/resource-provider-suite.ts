import { MCPError } from "@backplane/protocol";
import { eventually, type SuiteRunner } from "@backplane/protocol/test-suite";
import { toCompletion } from "../completions.ts";
import type { ResourcePage, ResourceProvider } from "../resource-provider.ts";
import { readText, suiteRequestContext } from "./suite-context.ts";

/** A resource that the suite has made, and the text that a read of it must give. */
export interface ProvidedText {
  readonly uri: string;
  readonly text: string;
}

/** A provider with nothing in it, and the way to change what its source holds. */
export interface ResourceProviderSuiteContext {
  readonly provider: ResourceProvider;
  /** Writes one resource at the source, new or not. Names are lower-case letters, digits and `-`. */
  put(name: string, text: string): Promise<ProvidedText>;
  remove(name: string): Promise<void>;
  /** The URI of a name, whether it exists or not. */
  uriOf(name: string): string;
  close(): Promise<void>;
}

const FOREIGN: readonly string[] = [
  "",
  ":",
  "no-scheme",
  "chaos://somebody-else/x",
  "file:///",
  "file:///etc/passwd",
  "http://[",
  "%",
  "\u0000",
  "\ud800",
  "data:,x",
  "a".repeat(10_000),
];
const FORGED: readonly string[] = [
  "",
  "x",
  "\u0000",
  "../..",
  "[]",
  "%2e",
  "9".repeat(400),
  "\ud800",
];
const ENOUGH_MS = 10_000;

/**
 * The contract of {@link ResourceProvider}. `make` gives each test a provider of an empty source of its own.
 * What a provider does not have, a watch or templates, is not asked of it.
 */
export function resourceProviderSuite(
  { describe, it, expect }: SuiteRunner,
  make: () => Promise<ResourceProviderSuiteContext>,
): void {
  const context = suiteRequestContext();
  const test = (name: string, body: (given: ResourceProviderSuiteContext) => Promise<void>) =>
    it(name, async () => {
      const given = await make();
      try {
        await body(given);
      } finally {
        await given.close();
      }
    });

  describe("ResourceProvider", () => {
    test("an empty source has an empty list", async ({ provider }) => {
      expect(await listAll(provider, 10)).toEqual([]);
    });

    test("lists everything once and in one order, whatever the size of the pages", async (given) => {
      const uris: string[] = [];
      for (const name of ["e", "b", "a", "d", "c"]) uris.push((await given.put(name, name)).uri);
      const inOrder = await listAll(given.provider, 100);
      expect([...inOrder].sort()).toEqual(uris.sort());
      for (const limit of [1, 2, 3]) expect(await listAll(given.provider, limit)).toEqual(inOrder);
    });

    test("knows what it lists by its listed spelling, and reads it", async (given) => {
      const put = await given.put("one", "text of one");
      const { resources } = await page(given.provider, 10);
      expect(resources.map(({ uri }) => uri)).toEqual([put.uri]);
      expect(typeof resources[0]?.name).toBe("string");
      expect(given.provider.locate(put.uri)).toBe(put.uri);
      expect(await readText(await given.provider.read(put.uri, context))).toBe(put.text);
    });

    test("a list goes on when the entry at its cursor has gone", async (given) => {
      for (const name of ["a", "b", "c", "d"]) await given.put(name, name);
      const inOrder = await listAll(given.provider, 100);
      const first = await page(given.provider, 2);
      const last = first.resources.at(-1)?.uri as string;
      const name = ["a", "b", "c", "d"].find((each) => given.uriOf(each) === last) as string;
      await given.remove(name);
      const rest = await listAll(given.provider, 2, first.nextCursor);
      expect(rest).toEqual(inOrder.slice(2));
    });

    test("lists by prefix", async (given) => {
      const { uri } = await given.put("aa", "1");
      await given.put("b", "2");
      const request = { cursor: undefined, limit: 10, prefix: uri.slice(0, -1) };
      const { resources } = await given.provider.list(request, context);
      expect(resources.map((each) => each.uri)).toEqual([uri]);
    });

    test("a forged cursor gives -32602 or entries that are its own", async (given) => {
      await given.put("a", "1");
      for (const cursor of FORGED) {
        try {
          const { resources } = await given.provider.list(
            { cursor, limit: 5, prefix: undefined },
            context,
          );
          for (const { uri } of resources) expect(given.provider.locate(uri)).toBe(uri);
        } catch (error) {
          expect(MCPError.isInstance(error) ? error.code : error).toBe(-32602);
        }
      }
    });

    test("reads text as it is, and what it has become", async (given) => {
      const first = await given.put("text", "ünï ✓ 𝄞\r\n\t end");
      expect(await readText(await given.provider.read(first.uri, context))).toBe(first.text);
      const second = await given.put("text", "other");
      expect(second.uri).toBe(first.uri);
      expect(await readText(await given.provider.read(first.uri, context))).toBe(second.text);
    });

    test("what is not there, or no more, is undefined", async (given) => {
      expect(await given.provider.read(given.uriOf("nothing"), context)).toBe(undefined);
      const { uri } = await given.put("gone", "x");
      await given.remove("gone");
      expect(await given.provider.read(uri, context)).toBe(undefined);
      expect(await listAll(given.provider, 5)).toEqual([]);
    });

    test("locate knows nothing of what is another's, and never throws", async ({ provider }) => {
      for (const uri of FOREIGN) expect(provider.locate(uri)).toBe(undefined);
    });

    test("locate gives a spelling that it keeps", async (given) => {
      const known = given.provider.locate(given.uriOf("one")) as string;
      expect(typeof known).toBe("string");
      expect(given.provider.locate(known)).toBe(known);
    });

    test("one that has been given up ends", async (given) => {
      const { uri } = await given.put("one", "1");
      const aborted = suiteRequestContext(AbortSignal.abort());
      const settled = await Promise.allSettled([
        given.provider.read(uri, aborted),
        given.provider.list({ cursor: undefined, limit: 5, prefix: undefined }, aborted),
      ]);
      expect(settled.length).toBe(2);
    });

    test("completes the variables of its templates, or has nothing to say", async (given) => {
      await given.put("alpha", "1");
      for (const { uriTemplate } of given.provider.templates?.() ?? []) {
        const variable = /\{[+#./;?&]?([\w.]+)/.exec(uriTemplate)?.[1] as string;
        const request = { uriTemplate, variable, value: "al", chosen: {} };
        const found = (await given.provider.complete?.(request, context)) ?? [];
        expect(toCompletion(found).values.every((value) => typeof value === "string")).toBe(true);
      }
    });

    test("a watch notices a change, of its resource, until it is stopped", async (given) => {
      if (given.provider.watch === undefined) return;
      const { uri } = await given.put("watched", "1");
      const other = await given.put("other", "1");
      const seen = { uri: 0, other: 0 };
      const stop = await given.provider.watch(uri, () => seen.uri++);
      const stopOther = await given.provider.watch(other.uri, () => seen.other++);
      await given.put("watched", "2");
      expect(await eventually(() => seen.uri > 0, ENOUGH_MS)).toBe(true);
      await stop();
      await stop();
      const before = seen.uri;
      await given.put("watched", "3");
      await given.put("other", "2");
      // What comes after the stop would have come before this one.
      expect(await eventually(() => seen.other > 0, ENOUGH_MS)).toBe(true);
      expect(seen.uri).toBe(before);
      await stopOther();
    });

    test("a watch notices that its resource comes and goes", async (given) => {
      if (given.provider.watch === undefined) return;
      let changes = 0;
      const stop = await given.provider.watch(given.uriOf("later"), () => changes++);
      await given.put("later", "1");
      expect(await eventually(() => changes > 0, ENOUGH_MS)).toBe(true);
      changes = 0;
      await given.remove("later");
      expect(await eventually(() => changes > 0, ENOUGH_MS)).toBe(true);
      await stop();
    });

    test("two watches of one resource are two", async (given) => {
      if (given.provider.watch === undefined) return;
      const { uri } = await given.put("twice", "1");
      const seen = [0, 0];
      const stops = await Promise.all(
        seen.map((_, index) => given.provider.watch?.(uri, () => (seen[index] as number)++)),
      );
      await stops[0]?.();
      const before = seen[0];
      await given.put("twice", "2");
      expect(await eventually(() => (seen[1] as number) > 0, ENOUGH_MS)).toBe(true);
      expect(seen[0]).toBe(before);
      await stops[1]?.();
    });

    test("a watch of the list notices what comes", async (given) => {
      if (given.provider.watchList === undefined) return;
      await given.put("here", "1");
      let changes = 0;
      const stop = await given.provider.watchList(() => changes++);
      await given.put("new", "1");
      expect(await eventually(() => changes > 0, ENOUGH_MS)).toBe(true);
      await stop();
    });
  });

  function page(provider: ResourceProvider, limit: number, cursor?: string): Promise<ResourcePage> {
    return provider.list({ cursor, limit, prefix: undefined }, context);
  }

  async function listAll(
    provider: ResourceProvider,
    limit: number,
    from?: string,
  ): Promise<readonly string[]> {
    const uris: string[] = [];
    let cursor = from;
    do {
      const { resources, nextCursor } = await page(provider, limit, cursor);
      expect(resources.length <= limit).toBe(true);
      uris.push(...resources.map(({ uri }) => uri));
      cursor = nextCursor;
    } while (cursor !== undefined && uris.length < 1_000);
    return uris;
  }
}
