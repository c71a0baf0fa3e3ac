import type { CacheHint, Invocation, KeyValueStore, Principal } from "@backplane/protocol";
import { chaotic } from "@backplane/protocol/test-suite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { caching } from "./interceptor.ts";
import { MCPCache } from "./mcp-cache.ts";
import { createMemoryStore } from "./memory-store.ts";

const PRIVATE: CacheHint = { ttlMs: 60_000, cacheScope: "private" };
const SERVER = "s1";

function principal(id: string, more: Partial<Principal> = {}): Principal {
  return { id, scopes: [], roles: [], ...more };
}

function call(params: Record<string, unknown>, more: object = {}): Invocation {
  const {
    who,
    asked = false,
    aborted = false,
    ...rest
  } = more as {
    who?: Principal;
    asked?: boolean;
    aborted?: boolean;
  };
  return {
    method: "tools/call",
    target: params.name as string,
    params,
    context: {
      serverId: SERVER,
      principal: who,
      asked,
      revision: "2026-07-28",
      signal: { aborted } as AbortSignal,
    } as Invocation["context"],
    cacheHint: PRIVATE,
    ...rest,
  };
}

function attached(cache: MCPCache = new MCPCache(), name = "server") {
  const interceptor = caching(cache);
  let change: (event: never) => void | Promise<void> = () => {};
  interceptor.attached?.({
    serverId: SERVER,
    serverInfo: { name, version: "1" },
    onChange: (listener) => {
      change = listener as typeof change;
    },
    onStop: () => {},
  });
  let runs = 0;
  const run = (invocation: Invocation, result?: object) =>
    interceptor.intercept(invocation, async () => {
      runs++;
      return result ?? { content: [{ type: "text", text: `run ${runs}` }] };
    });
  return { interceptor, run, runs: () => runs, change: (event: object) => change(event as never) };
}

describe("caching", () => {
  it("answers the same call of the same principal, whatever the order of the arguments", async () => {
    const { run, runs } = attached();
    const first = await run(call({ name: "t", arguments: { a: 1, b: { c: 2, d: 3 } } }));
    const second = await run(call({ name: "t", arguments: { b: { d: 3, c: 2 }, a: 1 } }));
    expect(second).toEqual(first);
    expect(runs()).toBe(1);
    await run(call({ name: "t", arguments: { a: 2 } }));
    await run(call({ name: "u", arguments: { a: 1, b: { c: 2, d: 3 } } }));
    await run(call({ name: "t" }));
    await run(call({ name: "t", arguments: {} }));
    expect(runs()).toBe(4);
  });

  it("gives nobody a result that another can change", async () => {
    const { run } = attached();
    const ask = async () => (await run(call({ name: "t" }))) as { content: { text: string }[] };
    const mine = await ask();
    (mine.content[0] as { text: string }).text = "changed by who ran it";
    for (let round = 0; round < 3; round++) {
      const kept = await ask();
      expect(kept.content[0]?.text).toBe("run 1");
      expect(() => kept.content.push({ text: "more" })).toThrow(TypeError);
      expect(() => Object.assign(kept.content[0] as object, { text: "x" })).toThrow(TypeError);
    }
  });

  it("runs what has no hint, brings answers, or was asked of a server that it is not attached to", async () => {
    const { run, runs } = attached();
    const params = { name: "t", arguments: {} };
    for (const invocation of [
      call(params, { cacheHint: undefined }),
      call(params, { cacheHint: { ttlMs: 0, cacheScope: "private" } }),
      call({ ...params, inputResponses: {} }),
      call({ ...params, requestState: "x" }),
      call(params, { method: "prompts/get" }),
      { ...call(params), context: { ...call(params).context, serverId: "other" } },
    ]) {
      const before = runs();
      await run(invocation);
      await run(invocation);
      expect(runs()).toBe(before + 2);
    }
  });

  it.each([
    ["a failed result", { content: [], isError: true }],
    ["a question", { resultType: "input_required", inputRequests: {} }],
    ["a result of another form", { other: [] }],
    ["one that JSON cannot carry", { content: [{ type: "text", text: "", big: 1n }] }],
  ])("does not keep %s, and gives it as it is", async (_name, result) => {
    const { run, runs } = attached();
    expect(await run(call({ name: "t" }), result)).toBe(result);
    expect(await run(call({ name: "t" }), result)).toBe(result);
    expect(runs()).toBe(2);
  });

  it("does not keep what came of a question, nor an error", async () => {
    const { run, runs, interceptor } = attached();
    await run(call({ name: "t" }, { asked: true }));
    await run(call({ name: "t" }));
    expect(runs()).toBe(2);
    const failing = () => Promise.reject(new Error("planted"));
    await expect(interceptor.intercept(call({ name: "f" }), failing)).rejects.toThrow("planted");
    await run(call({ name: "f" }));
    expect(runs()).toBe(3);
  });

  it("runs for who waits, when what he waits for failed or was somebody else's alone", async () => {
    const { interceptor } = attached();
    let runs = 0;
    const fail = async () => {
      if (++runs === 1) throw new Error("the first fails");
      return { content: [] };
    };
    const settled = await Promise.allSettled(
      [1, 2, 3].map(() => interceptor.intercept(call({ name: "t" }), fail)),
    );
    const statuses = settled.map(({ status }) => status).sort();
    expect(statuses).toEqual(["fulfilled", "fulfilled", "rejected"]);
  });

  it("promotes a waiter when the leader was cancelled", async () => {
    const { interceptor } = attached();
    const leader = call({ name: "t" }, { aborted: true });
    const cancelled = interceptor.intercept(leader, async () => {
      throw new DOMException("cancelled", "AbortError");
    });
    let runs = 0;
    const next = async () => {
      runs++;
      return { content: [] };
    };
    const waiting = [1, 2, 3].map(() => interceptor.intercept(call({ name: "t" }), next));
    // Nobody reads it: the server has settled that call.
    expect(await cancelled).toEqual({ content: [] });
    expect(await Promise.all(waiting)).toEqual([{ content: [] }, { content: [] }, { content: [] }]);
    expect(runs).toBe(1);
  });

  it("forgets what a change makes old, and nothing else", async () => {
    const { run, runs, change } = attached();
    const read = (uri: string): Invocation => ({ ...call({ uri }), method: "resources/read" });
    const list = (method: string): Invocation => ({ ...call({}), method });
    const contents = { contents: [] };
    const ask = async (): Promise<void> => {
      await run(call({ name: "t" }));
      await run(read("file:///a/b.txt"), contents);
      await run(read("file:///a"), contents);
      await run(read("file:///ab"), contents);
      await run(list("tools/list"), { tools: [] });
      await run(list("prompts/list"), { prompts: [] });
      await run(list("resources/list"), { resources: [] });
      await run(list("server/discover"), { supportedVersions: [] });
    };
    const costs = async (event: object): Promise<number> => {
      await ask();
      const before = runs();
      await change(event);
      await ask();
      return runs() - before;
    };
    await ask();
    expect(runs()).toBe(8);
    expect(await costs({ type: "list", list: "tools" })).toBe(3);
    expect(await costs({ type: "list", list: "prompts" })).toBe(2);
    expect(await costs({ type: "list", list: "resources" })).toBe(5);
    expect(await costs({ type: "resource", uri: "file:///a/b.txt" })).toBe(2);
    expect(await costs({ type: "resource", uri: "file:///a" })).toBe(1);
    expect(await costs({ type: "resource", uri: "file:///else" })).toBe(0);
    expect(await costs({ type: "missed" })).toBe(8);
  });

  it("forgets what a change makes old, however its URI was spelt", async () => {
    const { run, runs, change } = attached();
    const primitive = "file:///a/b.txt";
    const read = async (): Promise<unknown> => {
      const invocation = { ...call({ uri: "file:///a/%62.txt" }), primitive };
      return run({ ...invocation, method: "resources/read" }, { contents: [] });
    };
    for (let n = 0; n < 2; n++) await read();
    await change({ type: "resource", uri: primitive });
    await read();
    expect(runs()).toBe(2);
  });

  it("keeps servers, and versions of one, apart in a shared cache", async () => {
    const cache = new MCPCache();
    const one = attached(cache, "one");
    const two = attached(cache, "two");
    await one.run(call({ name: "t" }));
    await two.run(call({ name: "t" }));
    expect([one.runs(), two.runs()]).toEqual([1, 1]);
  });

  it("gives a public result to everybody, and a private one to nobody else", async () => {
    const { run, runs } = attached();
    const hint: CacheHint = { ttlMs: 60_000, cacheScope: "public" };
    for (const who of [undefined, principal("a"), principal("b")]) {
      await run(call({ name: "public" }, { who, cacheHint: hint }));
    }
    expect(runs()).toBe(1);
    const others = [
      undefined,
      principal(""),
      principal("a"),
      principal("a", { issuer: "i" }),
      principal("a", { clientId: "c" }),
      principal("a", { scopes: ["s"] }),
      principal("a", { roles: ["s"] }),
      principal("a", { claims: { tenant: 1 } }),
    ];
    for (const who of others) await run(call({ name: "private" }, { who }));
    expect(runs()).toBe(1 + others.length);
    // A token that was renewed stands for the same principal.
    await run(
      call({ name: "private" }, { who: principal("a", { claims: { tenant: 1, exp: 5 } }) }),
    );
    await run(call({ name: "private" }, { who: principal("a", { expiresAtMs: 7 }) }));
    expect(runs()).toBe(1 + others.length);
  });

  it("runs everything when the cache cannot be opened or is closed", async () => {
    const cache = new MCPCache();
    const { run, runs } = attached(cache);
    await cache.close();
    await run(call({ name: "t" }));
    await run(call({ name: "t" }));
    expect(runs()).toBe(2);
  });

  it("takes a poisoned entry for a miss", async () => {
    const inner = createMemoryStore();
    const texts = new Map<string, string>();
    const store: KeyValueStore = {
      shared: false,
      getMany: async (keys) => {
        const found = await inner.getMany(keys);
        return keys.map((key, index) => texts.get(key) ?? found[index]);
      },
      set: async (key, value, ttlMs) => {
        if (key.includes("e:")) written.push([key, value]);
        await inner.set(key, value, ttlMs);
      },
      setIfAbsent: (key, value, ttlMs) => inner.setIfAbsent(key, value, ttlMs),
      delete: (keys) => inner.delete(keys),
      clear: (prefix) => inner.clear(prefix),
      close: async () => {},
    };
    const written: [string, string][] = [];
    const { run, runs } = attached(new MCPCache({ store }));
    await run(call({ name: "t" }));
    const [key, good] = written[0] as [string, string];
    await run(call({ name: "t" }));
    expect(runs()).toBe(1);
    const json = good.split("\n").at(-2) as string;
    for (const poison of [
      "",
      "garbage",
      good.slice(0, -3),
      good.replace(json, "null"),
      good.replace(json, '{"content":"text"}'),
      good.replace(json, '{"content":[],"isError":true}'),
      good.replace(json, '{"content":[],"resultType":"input_required"}'),
      good.replace("bp2", "bp3"),
    ]) {
      texts.set(key, poison);
      const before = runs();
      await run(call({ name: "t" }));
      expect(runs()).toBe(before + 1);
    }
  });

  it.each([
    [undefined, {}, /give it an MCPCache/],
    [new MCPCache(), { methods: ["tools/cal"] }, /"methods" holds "tools\/cal"/],
    [new MCPCache(), { ttlMs: 1 }, /unknown option "ttlMs"/],
  ])("refuses options: %#", (cache, options, message) => {
    expect(() => caching(cache as never, options as never)).toThrow(message);
  });
});

describe("nothing is served to the wrong principal", () => {
  const principals = [
    undefined,
    ...["a", "b"].flatMap((id) => [
      principal(id),
      principal(id, { scopes: ["x"] }),
      principal(id, { issuer: "https://i" }),
      principal(id, { claims: { tenant: "t" } }),
    ]),
  ];
  const step = fc.record({
    who: fc.nat({ max: principals.length - 1 }),
    tool: fc.constantFrom("t", "u", "t\n", "__proto__"),
    input: fc.oneof(fc.constant({}), fc.record({ a: fc.nat({ max: 1 }) })),
    pause: fc.nat({ max: 3 }),
    fate: fc.constantFrom("ok", "ok", "ok", "fails", "cancelled", "isError"),
    change: fc.constantFrom("", "", "", "tools"),
  });
  const faults = fc.record({
    failRate: fc.constantFrom(0, 0.2),
    lieRate: fc.constantFrom(0, 0.3),
    failWhen: fc.constantFrom<"before" | "after">("before", "after"),
    seed: fc.nat(),
  });
  const faultsOrMemory = fc.option(faults, { nil: undefined });

  it("over random principals, tools, interleavings and faults of the store", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 25 }),
        faultsOrMemory,
        async (steps, chaos) => {
          const cache =
            chaos === undefined
              ? new MCPCache()
              : new MCPCache({
                  store: chaotic<KeyValueStore>(createMemoryStore(), chaos).subject,
                  retryMs: 1,
                });
          const { interceptor, change } = attached(cache);
          await Promise.all(
            steps.map(async ({ who, tool, input, pause, fate, change: list }) => {
              for (let turn = 0; turn < pause; turn++) await new Promise((r) => setImmediate(r));
              if (list !== "") await change({ type: "list", list });
              const made = { who, tool, input };
              const invocation = call(
                { name: tool, arguments: input },
                { who: principals[who], aborted: fate === "cancelled" },
              );
              const handler = async (): Promise<object> => {
                await new Promise((r) => setImmediate(r));
                if (fate === "fails" || fate === "cancelled") throw new Error(fate);
                return { content: [], structuredContent: made, isError: fate === "isError" };
              };
              const asked = Promise.resolve(interceptor.intercept(invocation, handler));
              const result = await asked.catch((error: Error) => error);
              if (result instanceof Error) expect(["fails", "cancelled"]).toContain(fate);
              else expect(result).toMatchObject({ structuredContent: made });
            }),
          );
          await cache.close();
        },
      ),
      { numRuns: 150 },
    );
  });
});
