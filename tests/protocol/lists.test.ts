import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { callTool, listen, modern } from "./harness/http.ts";
import { openSession } from "./harness/legacy-session.ts";
import type { WireResult } from "./harness/messages.ts";
import { type Configure, type RunningServer, startServer, useServer } from "./harness/servers.ts";

const lists = [
  ["tools/list", "tools"],
  ["prompts/list", "prompts"],
  ["resources/list", "resources"],
  ["resources/templates/list", "resourceTemplates"],
] as const;

const many: Configure = (server) => {
  // Registered in an order of their own, which must not show.
  for (const letter of ["e", "a", "d", "b", "c"]) {
    server.tool(`tool_${letter}`, {}, () => "");
    server.prompt(`prompt_${letter}`, {}, () => "");
    server.resource(`test://static/${letter}`, {}, () => "text");
    server.resource(`test://template/${letter}/{id}`, {}, () => "text");
  }
};

const everything = useEverything();
const target = useServer(many);
const paged = useServer(many, {
  pageSize: 2,
  cacheHints: { "tools/list": { ttlMs: 1000, cacheScope: "private" } },
});

type Entry = Record<string, unknown>;

async function walk(url: string, method: string, member: string) {
  const pages: WireResult[] = [];
  let cursor: string | undefined;
  do {
    const { message } = await modern(url, method, cursor === undefined ? {} : { cursor });
    if (!message?.result) throw new Error(JSON.stringify(message));
    pages.push(message.result);
    cursor = message.result.nextCursor;
  } while (cursor !== undefined);
  const keys = pages.flatMap((page) =>
    (page[member] as Entry[]).map((entry) => entry["uri"] ?? entry["uriTemplate"] ?? entry["name"]),
  );
  return { pages, keys };
}

describe("capabilities", () => {
  it.each([
    ["apps/everything", everything],
    ["a server of this process", target],
  ])("[S26-36a, S26-36b] are declared, and their lists answer: %s", async (_name, server) => {
    const { message } = await modern(server.url, "server/discover");
    const capabilities = message?.result?.capabilities ?? {};
    expect(Object.keys(capabilities)).toEqual(
      expect.arrayContaining(["tools", "prompts", "resources", "completions", "logging"]),
    );
    for (const [method, member] of lists) {
      const answer = await modern(server.url, method);
      expect(answer.message?.result?.[member]).toEqual(expect.any(Array));
    }
  });

  it("[S26-36a] are not declared for what is not registered, and its methods do not exist", async () => {
    const { server, url } = await startServer((server) => server.tool("only", {}, () => ""));
    try {
      const { message } = await modern(url, "server/discover");
      expect(message?.result?.capabilities).not.toHaveProperty("prompts");
      expect(message?.result?.capabilities).not.toHaveProperty("resources");
      for (const method of ["prompts/list", "resources/list", "resources/templates/list"]) {
        expect(await modern(url, method)).toMatchObject({
          status: 404,
          message: { error: { code: -32601 } },
        });
      }
    } finally {
      await server.stop();
    }
  });

  it("[S26-36b] of a list that is still empty answer with an empty list", async () => {
    const { server, url } = await startServer(() => undefined, {
      declare: ["tools", "prompts", "resources"],
    });
    try {
      for (const [method, member] of lists) {
        const { message } = await modern(url, method);
        expect(message?.result?.[member]).toEqual([]);
      }
    } finally {
      await server.stop();
    }
  });
});

describe.each(lists)("%s", (method, member) => {
  it("[S26-37a] is the same on every connection, era and after any other request", async () => {
    const first = await modern(target.url, method);
    await callTool(target.url, "tool_a", {}, { capabilities: { elicitation: {} } });
    await modern(target.url, "no/such");
    const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const options of [
      {},
      { agent: keepAlive },
      { capabilities: { sampling: {}, roots: {} } },
    ]) {
      const again = await modern(target.url, method, {}, options);
      expect(again.message?.result?.[member]).toEqual(first.message?.result?.[member]);
    }
    keepAlive.destroy();
    const session = await openSession(target.url);
    const legacy = await session.request(method);
    expect(names(legacy.message?.result?.[member])).toEqual(names(first.message?.result?.[member]));
  });

  it("[S26-37b] has one order, whatever the order of registration", async () => {
    const { keys } = await walk(target.url, method, member);
    expect(keys).toEqual([...keys].sort());
    expect(keys).toHaveLength(5);
  });

  it("[S26-37b] is the same in pages", async () => {
    const whole = await walk(target.url, method, member);
    const parts = await walk(paged.url, method, member);
    expect(parts.pages).toHaveLength(3);
    expect(parts.keys).toEqual(whole.keys);
  });

  it.each([
    ["of nobody", "bm9ib2R5"],
    ["that is empty", ""],
    ["that is no base64", "*"],
    ["that is a number", 7],
    ["that is null", null],
    ["that is very long", "A".repeat(10_000)],
  ])("answers a cursor %s with -32602", async (_case, cursor) => {
    const { status, message } = await modern(paged.url, method, { cursor });
    expect(status).toBeLessThan(500);
    expect(message?.error?.code).toBe(-32602);
  });

  it("[S26-43a] carries cache hints", async () => {
    for (const { url } of [everything, target]) {
      const { message } = await modern(url, method);
      expect(message?.result?.ttlMs).toBeGreaterThanOrEqual(0);
      expect(Number.isInteger(message?.result?.ttlMs)).toBe(true);
      expect(message?.result?.cacheScope).toMatch(/^(public|private)$/);
    }
  });

  it("[S26-43b] carries one scope on all its pages", async () => {
    const { pages } = await walk(paged.url, method, member);
    expect(new Set(pages.map(({ cacheScope }) => cacheScope)).size).toBe(1);
  });
});

function names(entries: unknown): unknown[] {
  return (entries as Entry[]).map(({ name }) => name);
}

describe("cache hints", () => {
  it("[S26-43a] are those that were configured", async () => {
    const { message } = await modern(paged.url, "tools/list");
    expect(message?.result).toMatchObject({ ttlMs: 1000, cacheScope: "private" });
  });

  it("[S26-43a] stand on discover and read too", async () => {
    for (const [method, params] of [
      ["server/discover", {}],
      ["resources/read", { uri: "test://static/a" }],
    ] as const) {
      const { message } = await modern(target.url, method, params);
      expect(message?.result?.ttlMs).toBeGreaterThanOrEqual(0);
      expect(message?.result?.cacheScope).toMatch(/^(public|private)$/);
    }
  });

  it("[S26-43a] stand on nothing else", async () => {
    const answers = [
      await callTool(target.url, "tool_a"),
      await modern(target.url, "prompts/get", { name: "prompt_a" }),
      await modern(target.url, "completion/complete", {
        ref: { type: "ref/prompt", name: "prompt_a" },
        argument: { name: "x", value: "" },
      }),
      await modern(target.url, "no/such"),
    ];
    for (const { text } of answers) {
      expect(text).not.toContain("ttlMs");
      expect(text).not.toContain("cacheScope");
    }
  });

  it("[S26-43a] that no client could use are refused at construction", async () => {
    for (const hint of [{ ttlMs: -1 }, { ttlMs: 1.5 }, { cacheScope: "shared" }]) {
      const options = { cacheHints: { "tools/list": hint as never } };
      await expect(startServer(() => undefined, options)).rejects.toThrow(/cacheHints/);
    }
  });
});

describe("two replicas of one build", () => {
  const replicas: RunningServer[] = [];
  beforeAll(async () => {
    const reversed: Configure = (server) => {
      for (const letter of ["c", "b", "d", "a", "e"]) server.tool(`tool_${letter}`, {}, () => "");
    };
    for (const configure of [many, reversed]) {
      replicas.push(await startServer(configure, { pageSize: 2 }));
    }
  });
  afterAll(() => Promise.all(replicas.map(({ server }) => server.stop())));

  it("[S26-37b] list alike, and continue each other's pages", async () => {
    const [one, two] = replicas as [RunningServer, RunningServer];
    const first = await modern(one.url, "tools/list");
    const cursor = first.message?.result?.nextCursor;
    const second = await modern(two.url, "tools/list", { cursor });
    expect(names(first.message?.result?.tools)).toEqual(["tool_a", "tool_b"]);
    expect(names(second.message?.result?.tools)).toEqual(["tool_c", "tool_d"]);
  });
});

describe("changes at run time", () => {
  it("show in the list at once, and are announced", async () => {
    const { server, url } = await startServer((server) => server.tool("first", {}, () => ""));
    try {
      const { stream } = await listen(url, { toolsListChanged: true });
      const handle = server.tool("second", {}, () => "second");
      expect((await stream.next())?.method).toBe("notifications/tools/list_changed");
      const listed = async () => names((await modern(url, "tools/list")).message?.result?.tools);
      expect(await listed()).toEqual(["first", "second"]);
      handle.disable();
      expect(await listed()).toEqual(["first"]);
      expect((await callTool(url, "second")).message?.error?.code).toBe(-32602);
      handle.enable();
      expect(await listed()).toEqual(["first", "second"]);
      handle.remove();
      expect(await listed()).toEqual(["first"]);
      stream.close();
    } finally {
      await server.stop();
    }
  });
});
