import { APIKeyAuth, policy, rateLimit } from "@backplane/auth";
import { caching, MCPCache } from "@backplane/cache";
import type { MCPServer, MCPServerOptions } from "@backplane/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { startServer } from "../protocol/harness/servers.ts";
import { clientOf, revisions } from "./harness/clients.ts";

const keys = { ann: "key-of-ann-0123456789", bob: "key-of-bob-0123456789" };
const as = (who: keyof typeof keys) => ({ headers: { "X-API-Key": keys[who] } });
const READ_ONLY = { readOnlyHint: true };

async function start(
  register: (server: MCPServer) => void,
  options: Partial<MCPServerOptions> = {},
  cache: MCPCache = new MCPCache(),
): Promise<{ server: MCPServer; url: string; cache: MCPCache }> {
  const running = await startServer(
    (server) => {
      register(server);
      server.use(caching(cache));
    },
    { auth: new APIKeyAuth({ apiKeys: keys, headerName: "X-API-Key" }), ...options },
  );
  onTestFinished(() => running.server.stop());
  return { ...running, cache };
}

describe.each(revisions)("a server with a cache, %s", (revision) => {
  it("runs a tool once for each principal, and once for all where its result is public", async () => {
    let runs = 0;
    const { url } = await start((server) => {
      for (const cacheScope of ["private", "public"] as const) {
        server.tool(
          cacheScope,
          {
            input: z.object({ city: z.string() }),
            output: z.array(z.union([z.string(), z.number()])),
            annotations: READ_ONLY,
            cacheHint: { ttlMs: 60_000, cacheScope },
          },
          ({ city }, { principal }) => [city, principal?.id ?? "nobody", ++runs],
        );
      }
      server.tool("plain", { annotations: READ_ONLY }, () => `run ${++runs}`);
    });
    const [ann, bob] = await Promise.all([
      clientOf(url, revision, as("ann")),
      clientOf(url, revision, as("bob")),
    ]);
    const ask = (client: typeof ann, tool: string) => client.callTool(tool, { city: "Oslo" });
    const first = await ask(ann, "private");
    expect(await ask(ann, "private")).toEqual(first);
    expect(JSON.stringify(first.structuredContent)).toContain('"Oslo","ann",1');
    expect(JSON.stringify(await ask(bob, "private"))).toContain("bob");
    expect(runs).toBe(2);
    await ask(ann, "public");
    expect(JSON.stringify(await ask(bob, "public"))).toContain("ann");
    expect(runs).toBe(3);
    await ask(ann, "plain");
    await ask(ann, "plain");
    expect(runs).toBe(5);
    // Arguments that the schema refuses have never been kept, and are refused again.
    for (let round = 0; round < 2; round++) {
      const refused = await ann.callTool("private", { city: 1 });
      expect(refused.isError).toBe(true);
    }
  });

  it("asks policy and limits before what it keeps, also where that is for everybody", async () => {
    let runs = 0;
    const { url } = await start(
      (server) => {
        const options = {
          cacheHint: { ttlMs: 60_000, cacheScope: "public" },
          tags: ["staff"],
        } as const;
        const asTool = { ...options, annotations: READ_ONLY };
        server.tool("report", asTool, () => `run ${++runs}`);
        server.resource("test://report", options, () => `run ${++runs}`);
        server.use(rateLimit({ limit: 3, windowMs: 3_600_000, methods: ["tools/call"] }));
      },
      { policy: policy({ rules: [{ tags: ["staff"], when: ({ id }) => id === "ann" }] }) },
    );
    const [ann, bob] = await Promise.all([
      clientOf(url, revision, as("ann")),
      clientOf(url, revision, as("bob")),
    ]);
    for (let round = 0; round < 3; round++) expect(await ann.call("report", {})).toBe("run 1");
    await expect(ann.call("report", {})).rejects.toMatchObject({ code: -1429 });
    await ann.readResource("test://report");
    await ann.readResource("test://report");
    // As what does not exist.
    await expect(bob.callTool("report", {})).rejects.toMatchObject({ code: -32602 });
    await expect(bob.readResource("test://report")).rejects.toMatchObject({
      code: revision === "2026-07-28" ? -32602 : -32002,
    });
    expect(runs).toBe(2);
  });

  it("reads a resource once, until it changes, and clients that hear of the change read what is new", async () => {
    let text = "old";
    let reads = 0;
    const { server, url } = await start((made) => {
      made.resource("note://one", { cacheHint: { ttlMs: 60_000 } }, () => {
        reads++;
        return text;
      });
    });
    const ann = await clientOf(url, revision, as("ann"));
    const read = async (): Promise<string> => {
      const { contents } = await ann.readResource("note://one");
      return (contents[0] as { text: string }).text;
    };
    const seen: string[] = [];
    await ann.subscribe("note://one", (_uri, change) => {
      if (change === "updated") void read().then((fresh) => seen.push(fresh));
    });
    expect([await read(), await read()]).toEqual(["old", "old"]);
    expect(reads).toBe(1);
    text = "new";
    expect(await read()).toBe("old");
    server.resourceUpdated("note://one");
    await expect.poll(() => seen).toContain("new");
    expect(await read()).toBe("new");
    expect(reads).toBe(2);
  });

  it("lists what is there: a change of the list is seen at once", async () => {
    const { server, url, cache } = await start((made) => void made.tool("a", {}, () => ""), {
      cacheHints: { "tools/list": { ttlMs: 60_000 } },
    });
    const names = async (): Promise<readonly string[]> => {
      const client = await clientOf(url, revision, as("ann"));
      return (await client.listTools()).map(({ name }) => name);
    };
    expect(await names()).toEqual(["a"]);
    expect(await names()).toEqual(["a"]);
    expect(cache.stats().hits).toBeGreaterThan(0);
    server.tool("b", {}, () => "");
    expect(await names()).toEqual(["a", "b"]);
  });

  it("answers as the server that was asked, where two of one name and version share a cache", async () => {
    const cache = new MCPCache();
    const titles = ["first", "second"];
    const clients = await Promise.all(
      titles.map(async (title) => {
        const register = (server: MCPServer) =>
          server.tool(
            "read",
            { annotations: READ_ONLY, cacheHint: { ttlMs: 60_000, cacheScope: "public" } },
            () => title,
          );
        const { url } = await start(register, { name: "same", version: "1.0.0", title }, cache);
        return clientOf(url, revision, as("ann"));
      }),
    );
    // Run, kept, and from then on what was encoded before.
    for (let round = 0; round < 4; round++) {
      for (const [index, client] of clients.entries()) {
        const result = await client.callTool("read", {});
        expect(result.content).toEqual([{ type: "text", text: "first" }]);
        const info = result._meta?.["io.modelcontextprotocol/serverInfo"];
        if (info !== undefined) expect(info).toMatchObject({ title: titles[index] });
      }
    }
  });

  it("asks again where the last answer came from a person", async () => {
    let asked = 0;
    const { url } = await start((server) => {
      server.tool(
        "greet",
        { annotations: READ_ONLY, cacheHint: { ttlMs: 60_000 } },
        async (_args, ctx) => {
          const answer = await ctx.elicit("name", {
            message: "Who?",
            schema: z.object({ name: z.string() }),
          });
          return answer.action === "accept" ? `Hello ${answer.content?.name}` : "Hello";
        },
      );
    });
    const handlers = {
      elicit: { form: () => ({ action: "accept" as const, content: { name: `n${++asked}` } }) },
    };
    const ann = await clientOf(url, revision, { ...as("ann"), handlers });
    expect(await ann.call("greet", {})).toBe("Hello n1");
    expect(await ann.call("greet", {})).toBe("Hello n2");
  });

  it("lets others have the result when the one who asked first is gone", async () => {
    let runs = 0;
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { url } = await start((server) => {
      server.tool(
        "slow",
        { annotations: READ_ONLY, cacheHint: { ttlMs: 60_000 } },
        async (_args, ctx) => {
          const run = ++runs;
          await Promise.race([
            gate,
            new Promise((_, reject) => {
              ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
            }),
          ]);
          return `run ${run}`;
        },
      );
    });
    const [first, second] = await Promise.all([
      clientOf(url, revision, as("ann")),
      clientOf(url, revision, as("ann")),
    ]);
    const controller = new AbortController();
    const leader = first.callTool("slow", {}, { signal: controller.signal });
    leader.catch(() => {});
    await expect.poll(() => runs).toBe(1);
    const waiters = [1, 2, 3].map(() => second.call("slow", {}));
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort();
    await expect(leader).rejects.toThrow();
    await expect.poll(() => runs).toBe(2);
    go();
    expect(await Promise.all(waiters)).toEqual(["run 2", "run 2", "run 2"]);
    expect(await second.call("slow", {})).toBe("run 2");
  });
});
