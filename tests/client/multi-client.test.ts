import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { MultiClient, MultiClientError, type ServerState } from "@backplane/client";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { everythingMain } from "../protocol/harness/everything.ts";
import { closing } from "./harness/clients.ts";
import { RealServer } from "./harness/real-server.ts";

/** A server named by what its tool says. */
function speaking(word: string): Promise<RealServer> {
  return RealServer.start("http", (server) => {
    server.tool("say", { input: z.object({ to: z.string() }) }, ({ to }) => `${word}, ${to}`);
    server.tool(`only_${word}`, {}, () => word);
    server.prompt("greet", {}, () => word);
    server.resource("note://1", { name: "note" }, () => word);
    server.resource("note://of/{id}", { name: "notes" }, () => word);
  });
}

/** Takes connections and says nothing. */
async function mute(): Promise<{ url: string }> {
  const server: Server = createServer((socket) => void socket.on("error", () => {}));
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/mcp` };
}

/** A port at which nobody listens. */
async function deadUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}/mcp`;
}

const states = (client: MultiClient): Record<string, ServerState> =>
  Object.fromEntries([...client.servers].map(([name, { state }]) => [name, state]));

describe("several servers", () => {
  it("stand in one namespace", async () => {
    const [hello, bye] = await Promise.all([speaking("hello"), speaking("bye")]);
    const client = closing(
      new MultiClient({
        mcpServers: {
          first: { url: hello.url },
          second: { type: "http", url: bye.url },
          local: { command: process.execPath, args: [everythingMain, "--stdio"] },
        },
      }),
    );
    await client.connect();
    expect(states(client)).toEqual({ first: "ready", second: "ready", local: "ready" });

    const tools = await client.listTools();
    expect(tools.failures).toEqual([]);
    const names = tools.items.map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual([
      "first__only_hello",
      "first__say",
      "second__only_bye",
      "second__say",
    ]);
    expect(names).toContain("local__test_simple_text");
    expect(tools.items[3]).toMatchObject({ server: "second", originalName: "say" });

    expect(await client.call("first__say", { to: "Ada" })).toBe("hello, Ada");
    expect(await client.call("second__say", { to: "Ada" })).toBe("bye, Ada");
    const { content } = await client.callTool("local__test_simple_text");
    expect(content).toMatchObject([{ type: "text" }]);

    const prompts = await client.listPrompts();
    expect(prompts.items.slice(0, 2).map(({ name }) => name)).toEqual([
      "first__greet",
      "second__greet",
    ]);
    const { messages } = await client.getPrompt("second__greet");
    expect(messages).toMatchObject([{ content: { text: "bye" } }]);

    const resources = await client.listResources();
    expect(resources.items.slice(0, 2)).toMatchObject([
      { name: "first__note", uri: "note://1", server: "first", originalName: "note" },
      { name: "second__note", uri: "note://1", server: "second", originalName: "note" },
    ]);
    const read = await client.readResource("second", "note://1");
    expect(read.contents).toMatchObject([{ text: "bye" }]);
    const templates = await client.listResourceTemplates();
    expect(templates.items.map(({ name }) => name)).toContain("first__notes");

    // Everything else is each server's own client's.
    await client.client("first").ping();
    expect(() => client.client("third")).toThrow(/no server "third"; known: first, second, local/);
    await expect(client.readResource("third", "note://1")).rejects.toThrow(TypeError);
  });

  it("are called without being listed or connected to first", async () => {
    const hello = await speaking("hello");
    const client = closing(
      new MultiClient({ mcpServers: { "my server": { url: hello.url } } }, { separator: "." }),
    );
    expect(await client.call("my_server.only_hello")).toBe("hello");
    await expect(client.call("my_server.nothing")).rejects.toMatchObject({ code: -32602 });
    await expect(client.call("other.nothing")).rejects.toMatchObject({ code: "not_supported" });
  });

  it("do not wait for one that is slow, nor for one that is dead", async () => {
    const [hello, silent, dead] = await Promise.all([speaking("hello"), mute(), deadUrl()]);
    const client = closing(
      new MultiClient(
        { mcpServers: { hello: { url: hello.url }, silent, dead: { url: dead } } },
        { connectWaitMs: 1_000, client: { maxRetries: 0 } },
      ),
    );
    await client.connect();
    expect(states(client)).toEqual({ hello: "ready", silent: "connecting", dead: "failed" });
    expect(client.servers.get("dead")?.error).toMatchObject({ code: "connection_failed" });
    const { items, failures } = await client.listTools();
    expect(items.map(({ server }) => server)).toEqual(["hello", "hello"]);
    expect(failures.map(({ server }) => server)).toEqual(["silent", "dead"]);
    expect(await client.call("hello__say", { to: "Ada" })).toBe("hello, Ada");
    await expect(client.call("dead__say")).rejects.toMatchObject({ code: "connection_failed" });
    const signal = AbortSignal.timeout(50);
    await expect(client.call("silent__say", {}, { signal })).rejects.toMatchObject({
      code: "aborted",
    });
  });

  it("that all fail say why, each for itself", async () => {
    const dead = await deadUrl();
    const missing = { command: "backplane-no-such-program" };
    const client = closing(
      new MultiClient(
        { mcpServers: { dead: { url: dead }, missing } },
        { client: { maxRetries: 0 } },
      ),
    );
    const error = await client.connect().catch((thrown: unknown) => thrown);
    expect(MultiClientError.isInstance(error)).toBe(true);
    const { code, failures, message } = error as MultiClientError;
    expect([code, failures.map(({ server }) => server)]).toEqual([
      "no_server",
      ["dead", "missing"],
    ]);
    expect(message).toContain("dead: ");
    expect(message).toContain("missing: ");
  });

  it("come back by themselves, and are seen to go", async () => {
    const [hello, bye] = await Promise.all([speaking("hello"), speaking("bye")]);
    const seen: string[] = [];
    const client = closing(
      new MultiClient(
        { mcpServers: { hello: { url: hello.url }, bye: { url: bye.url } } },
        {
          client: { maxRetries: 0, circuitBreaker: false },
          onState: (server, { state }) => seen.push(`${server} ${state}`),
        },
      ),
    );
    await client.connect();
    await bye.stop();
    expect((await client.check()).map(({ server }) => server)).toEqual(["bye"]);
    expect(states(client)).toEqual({ hello: "ready", bye: "failed" });
    const during = await client.listTools();
    expect(during.failures).toMatchObject([
      { server: "bye", error: { code: expect.stringMatching(/^connection_/) } },
    ]);
    await bye.begin();
    await vi.waitFor(
      () => expect(states(client)).toEqual({ hello: "ready", bye: "ready" }),
      20_000,
    );
    expect(await client.call("bye__only_bye")).toBe("bye");
    expect(seen.filter((one) => one.startsWith("bye"))).toEqual([
      "bye ready",
      "bye failed",
      "bye ready",
    ]);
  });

  it("learn from requests that a server is gone", async () => {
    const hello = await speaking("hello");
    const client = closing(
      new MultiClient({ mcpServers: { hello: { url: hello.url } } }, { client: { maxRetries: 0 } }),
    );
    await client.connect();
    await hello.stop();
    await expect(client.call("hello__only_hello")).rejects.toMatchObject({
      code: expect.stringMatching(/^connection_/),
    });
    expect(states(client)).toEqual({ hello: "failed" });
  });

  it("get the options of their own", async () => {
    const [hello, bye] = await Promise.all([speaking("hello"), speaking("bye")]);
    const asked: string[] = [];
    const client = closing(
      new MultiClient(
        { mcpServers: { hello: { url: hello.url }, bye: { url: bye.url } } },
        {
          client: (server) => {
            asked.push(server);
            return { headers: { "x-server": server }, handlers: { roots: [] } };
          },
        },
      ),
    );
    await client.connect();
    expect(asked).toEqual(["hello", "bye"]);
    expect(client.client("bye").capabilities).toEqual({ roots: {} });
  });

  it("end together, and nothing comes back after that", async () => {
    const [hello, dead] = await Promise.all([speaking("hello"), deadUrl()]);
    const seen: string[] = [];
    const client = new MultiClient(
      { mcpServers: { hello: { url: hello.url }, dead: { url: dead } } },
      { client: { maxRetries: 0 }, onState: (server) => seen.push(server) },
    );
    await client.connect();
    const before = seen.length;
    await client.close();
    await client.close();
    await expect(client.call("hello__only_hello")).rejects.toMatchObject({ code: "closed" });
    expect(seen).toHaveLength(before);
  });

  it("are none, and that is no failure", async () => {
    const client = closing(new MultiClient({ mcpServers: {} }));
    await client.connect();
    expect(await client.listTools()).toEqual({ items: [], failures: [] });
    expect(await client.check()).toEqual([]);
  });

  it.each<[object, object, string]>([
    [{ a: { url: "ftp://a.example/" } }, {}, 'mcpServers["a"]: MCPClient: option "url"'],
    [{ a: { url: "https://u:p@a.example/" } }, {}, 'mcpServers["a"]: MCPClient: option "url"'],
    [{ a: { url: "https://a/", headers: { "mcp-name": "x" } } }, {}, 'mcpServers["a"]'],
    [{ a: { command: "" } }, {}, 'mcpServers["a"]'],
    [{}, { separator: "/" }, "separator"],
    [{}, { separator: "" }, "separator"],
    [{}, { connectWaitMs: 0 }, "connectWaitMs"],
    [{}, { listTimeoutMs: -1 }, "listTimeoutMs"],
    [{}, { onState: 1 }, "onState"],
    [{}, { logger: {} }, "logger"],
    [{}, { client: { auth: "token" } }, "client.auth"],
    [{}, { client: { headers: {} } }, "client.headers"],
    [{}, { prefix: "x" }, "prefix"],
  ])("refuse what is wrong by its name: %j %j", (mcpServers, options, says) => {
    expect(() => new MultiClient({ mcpServers } as never, options as never)).toThrow(TypeError);
    expect(() => new MultiClient({ mcpServers } as never, options as never)).toThrow(says);
  });
});
