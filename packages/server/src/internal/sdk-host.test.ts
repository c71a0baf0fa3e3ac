import { afterEach, describe, expect, it, vi } from "vitest";
import { InputPeer, type Members, quietServer, textOf } from "../input-peer.test-support.ts";
import type { MCPServer } from "../mcp-server.ts";
import { EraClient, type Loose } from "../sdk-rig.test-support.ts";
import { type HostedSdkServer, host } from "./sdk-host.ts";
import type { SdkServer, SdkTransport } from "./sdk-shapes.ts";

type Handler = (params: Loose, message: Loose) => unknown;

/** Makes a scripted server answer with an error, however malformed. */
class Refusal extends Error {
  readonly wire: unknown;

  constructor(wire: unknown) {
    super("the scripted server refuses");
    this.wire = wire;
  }
}

/** A server that no SDK would make: it says exactly what a test has it say. */
class ScriptedServer implements SdkServer {
  transport: SdkTransport | undefined;
  readonly received: Loose[] = [];
  closedTimes = 0;
  readonly #handlers: Record<string, Handler>;

  constructor(capabilities: Members, handlers: Record<string, Handler> = {}) {
    this.#handlers = {
      initialize: () => ({
        protocolVersion: "2025-06-18",
        capabilities,
        serverInfo: { name: "scripted", version: "1" },
      }),
      ...handlers,
    };
  }

  async connect(transport: SdkTransport): Promise<void> {
    this.transport = transport;
    transport.onmessage = (message: Loose) => void this.#answer(message);
    await transport.start();
  }

  async close(): Promise<void> {
    this.closedTimes++;
    await this.transport?.close();
  }

  notify(method: string, params?: Members): Promise<void> {
    return this.send({ method, ...(params !== undefined && { params }) });
  }

  async send(message: Members): Promise<void> {
    await this.transport?.send({ jsonrpc: "2.0", ...message });
  }

  async #answer(message: Loose): Promise<void> {
    this.received.push(message);
    if (message.id === undefined || message.method === undefined) return;
    const handler = this.#handlers[message.method];
    if (handler === undefined) {
      const error = { code: -32601, message: "Method not found" };
      await this.send({ id: message.id, error });
      return;
    }
    try {
      const result = await handler(message.params, message);
      if (result !== undefined) await this.send({ id: message.id, result });
    } catch (error) {
      await this.send({ id: message.id, error: (error as Refusal).wire });
    }
  }
}

const tool = (name: string, extra: Members = {}): Members => ({
  name,
  inputSchema: { type: "object" },
  ...extra,
});

describe("hosting a server that is no model of behaviour", () => {
  const open: { server: MCPServer; hosted: HostedSdkServer }[] = [];

  afterEach(async () => {
    for (const { server, hosted } of open.splice(0)) {
      await server.stop();
      await hosted.close({ drainTimeoutMs: 0 });
    }
  });

  async function rig(
    scripted: ScriptedServer,
    options: Members = {},
  ): Promise<{ client: EraClient; logged: Loose[]; hosted: HostedSdkServer }> {
    const logged: Loose[] = [];
    const log = (fields: object, message: string): void => void logged.push({ ...fields, message });
    const logger = { debug: log, info: log, warn: log, error: log };
    const server = quietServer(logged);
    const hosted = await host(server, scripted, { logger, ...options });
    open.push({ server, hosted });
    const client = new EraClient(new InputPeer(server.connectInMemory()), "modern");
    return { client, logged, hosted };
  }

  it("reads every page of its lists", async () => {
    const pages: Record<string, Members> = {
      first: { tools: [tool("a")], nextCursor: "" },
      "": { tools: [tool("b")], nextCursor: "last" },
      last: { tools: [tool("c"), tool("a")] },
    };
    const scripted = new ScriptedServer(
      { tools: {} },
      { "tools/list": ({ cursor = "first" }) => pages[cursor] },
    );
    const { client } = await rig(scripted);
    const tools = await client.list("tools/list", "tools");
    expect(tools.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  it("gives up a list that never ends", async () => {
    const scripted = new ScriptedServer(
      { tools: {} },
      { "tools/list": () => ({ tools: [], nextCursor: "again" }) },
    );
    await expect(rig(scripted)).rejects.toThrow("tools/list: more than 1000 pages");
    expect(scripted.closedTimes).toBe(1);
  });

  it("takes a list method that is missing for an empty list", async () => {
    const scripted = new ScriptedServer(
      { resources: {} },
      { "resources/list": () => ({ resources: [{ uri: "a://b", name: "ab" }] }) },
    );
    const { client } = await rig(scripted);
    expect(await client.list("resources/list", "resources")).toHaveLength(1);
    expect(await client.list("resources/templates/list", "resourceTemplates")).toEqual([]);
  });

  it.each([
    ["no array", { tools: {} }, 'tools/list: no array "tools"'],
    ["an entry without name", { tools: [{}] }, 'tools/list: an entry without "name"'],
    [
      "a schema that is no object",
      { tools: [{ name: "x", inputSchema: { type: "string" } }] },
      'tool "x" input: #: the root must be an object',
    ],
  ])("refuses to start with %s", async (_what, result, message) => {
    const scripted = new ScriptedServer({ tools: {} }, { "tools/list": () => result });
    await expect(rig(scripted)).rejects.toThrow(message);
  });

  it("refuses a server that answers with a revision of another era", async () => {
    const scripted = new ScriptedServer(
      {},
      { initialize: () => ({ protocolVersion: "2026-07-28", capabilities: {} }) },
    );
    await expect(rig(scripted)).rejects.toThrow("the SDK server speaks 2026-07-28");
  });

  it.each([
    ["initialize", { initialize: () => undefined }],
    ["tools/list", { "tools/list": () => undefined }],
    ["logging/setLevel", { "logging/setLevel": () => undefined }],
  ])("gives up waiting for %s", async (method, handlers) => {
    const scripted = new ScriptedServer({ tools: {}, logging: {} }, {
      "logging/setLevel": () => ({}),
      ...handlers,
    } as Record<string, Handler>);
    await expect(rig(scripted, { connectTimeoutMs: 20 })).rejects.toThrow(
      `did not finish "${method}" within the 20 ms of the option connectTimeoutMs`,
    );
    expect(scripted.closedTimes).toBe(1);
  });

  it("gives up waiting for connect", async () => {
    const scripted = new ScriptedServer({});
    scripted.connect = () => new Promise(() => {});
    await expect(rig(scripted, { connectTimeoutMs: 20 })).rejects.toThrow('"connect" within');
  });

  it("follows a list to what can be served, and says what cannot", async () => {
    let tools = [tool("a", { description: "old" }), tool("b")];
    const scripted = new ScriptedServer({ tools: {} }, { "tools/list": () => ({ tools }) });
    const { client, logged } = await rig(scripted);
    tools = [tool("a", { description: "new" }), tool("bad name"), tool("c")];
    await scripted.notify("notifications/tools/list_changed");
    await vi.waitFor(async () => {
      const listed = await client.list("tools/list", "tools");
      expect(listed.map(({ name, description }) => [name, description])).toEqual([
        ["a", "new"],
        ["c", undefined],
      ]);
    });
    expect(logged).toContainEqual(
      expect.objectContaining({
        name: "bad name",
        message: "a hosted primitive cannot be served",
        err: expect.objectContaining({ message: expect.stringContaining('tool "bad name') }),
      }),
    );
  });

  it("follows prompts, resources and templates as well, and a change during the start", async () => {
    let version = 1;
    const scripted: ScriptedServer = new ScriptedServer(
      { tools: {}, prompts: {}, resources: {} },
      {
        "tools/list": async () => {
          const tools = [tool(`t${version}`)];
          if (version === 1) {
            version = 2;
            await scripted.notify("notifications/tools/list_changed");
          }
          return { tools };
        },
        "prompts/list": () => ({ prompts: [{ name: `p${version}` }] }),
        "resources/list": () => ({ resources: [{ uri: `r://${version}`, name: "r" }] }),
        "resources/templates/list": () => ({
          resourceTemplates: [{ uriTemplate: `u${version}://{x}`, name: "u" }],
        }),
      },
    );
    const { client } = await rig(scripted);
    const everything = async (): Promise<unknown[]> => [
      ...(await client.list("tools/list", "tools")).map(({ name }) => name),
      ...(await client.list("prompts/list", "prompts")).map(({ name }) => name),
      ...(await client.list("resources/list", "resources")).map(({ uri }) => uri),
      ...(await client.list("resources/templates/list", "resourceTemplates")).map(
        ({ uriTemplate }) => uriTemplate,
      ),
    ];
    await vi.waitFor(async () =>
      expect(await everything()).toEqual(["t2", "p2", "r://2", "u2://{x}"]),
    );
    version = 3;
    for (const kind of ["tools", "prompts", "resources"]) {
      await scripted.notify(`notifications/${kind}/list_changed`);
    }
    await vi.waitFor(async () =>
      expect(await everything()).toEqual(["t3", "p3", "r://3", "u3://{x}"]),
    );
  });

  it("keeps what it has when a list cannot be read again", async () => {
    let fail = false;
    const scripted = new ScriptedServer(
      { tools: {} },
      {
        "tools/list": () => {
          if (fail) throw new Refusal({ code: -32000, message: "busy" });
          return { tools: [tool("a")] };
        },
      },
    );
    const { client, logged } = await rig(scripted);
    fail = true;
    await scripted.notify("notifications/tools/list_changed");
    await vi.waitFor(() =>
      expect(logged).toContainEqual(
        expect.objectContaining({ message: "a hosted list cannot be followed" }),
      ),
    );
    expect(await client.list("tools/list", "tools")).toHaveLength(1);
  });

  it("reads a list once more for all changes that come while it reads", async () => {
    let lists = 0;
    const scripted = new ScriptedServer(
      { tools: {} },
      {
        "tools/list": async () => {
          lists++;
          if (lists === 2) {
            for (let count = 0; count < 5; count++) {
              await scripted.notify("notifications/tools/list_changed");
            }
          }
          return { tools: lists === 3 ? [tool("settled")] : [] };
        },
      },
    );
    const { client } = await rig(scripted);
    await scripted.notify("notifications/tools/list_changed");
    await vi.waitFor(async () =>
      expect((await client.request("tools/list")).result).toHaveProperty("tools.0.name", "settled"),
    );
    expect(lists).toBe(3);
  });

  describe("results", () => {
    const calling = (handler: Handler): ScriptedServer =>
      new ScriptedServer(
        { tools: {} },
        { "tools/list": () => ({ tools: [tool("x")] }), "tools/call": handler },
      );

    it("pass whole, without members that MCP does not have", async () => {
      const { client } = await rig(
        calling(() => ({
          content: [{ type: "text", text: "hi", _meta: { deep: true } }],
          structuredContent: { any: ["thing"] },
          isError: false,
          _meta: { own: 1 },
          toolResult: "of an old revision",
        })),
      );
      const { result } = await client.call("x");
      expect(result).toMatchObject({
        content: [{ type: "text", text: "hi", _meta: { deep: true } }],
        structuredContent: { any: ["thing"] },
        isError: false,
        _meta: { own: 1 },
      });
      expect(result).not.toHaveProperty("toolResult");
    });

    it("of a kind that MCP does not have are masked, and logged", async () => {
      const { client, logged } = await rig(calling(() => ({ content: [{ type: "video" }] })));
      expect((await client.call("x")).error).toMatchObject({ code: -32603 });
      expect(JSON.stringify(logged.map(({ err }) => err?.message))).toContain(
        'hosted tool \\"x\\": its result holds content that MCP does not have',
      );
    });

    it("that JSON cannot carry end the call instead of letting it wait", async () => {
      const { client } = await rig(
        calling(() => ({ content: [], structuredContent: { big: 1n } })),
      );
      expect((await client.call("x")).error).toMatchObject({ code: -32603 });
    });

    it("that are malformed errors are internal errors", async () => {
      const { client } = await rig(
        calling(() => {
          throw new Refusal("nonsense");
        }),
      );
      expect((await client.call("x")).error).toMatchObject({
        code: -32603,
        message: "the hosted server sent a malformed error",
      });
    });

    it("that come late, twice or for nobody are ignored", async () => {
      const scripted = calling((_params, { id }) => {
        void scripted.send({ id, result: { content: [{ type: "text", text: "first" }] } });
        void scripted.send({ id, result: { content: [{ type: "text", text: "second" }] } });
        void scripted.send({ id: 999, result: {} });
        return { content: [{ type: "text", text: "third" }] };
      });
      const { client } = await rig(scripted);
      expect(textOf(await client.call("x"))).toBe("first");
    });

    it("are checked as JSON carries them", async () => {
      const outputSchema = {
        type: "object",
        properties: { at: { type: "string" } },
        required: ["at"],
      };
      const scripted = new ScriptedServer(
        { tools: {} },
        {
          "tools/list": () => ({ tools: [tool("x", { outputSchema })] }),
          "tools/call": () => ({ content: [], structuredContent: { at: new Date(0) } }),
        },
      );
      const { client } = await rig(scripted);
      expect((await client.call("x")).result).toMatchObject({
        structuredContent: { at: "1970-01-01T00:00:00.000Z" },
      });
    });

    it("are the caller's own: what either side changes later stays on its side", async () => {
      const shared = { kept: "as sent" };
      const scripted = calling(({ arguments: args }) => {
        args.changed = true;
        setImmediate(() => {
          shared.kept = "changed";
        });
        return { content: [], structuredContent: shared };
      });
      const { client } = await rig(scripted);
      const args = Object.freeze({ given: 1 });
      const { result } = await client.call("x", { args });
      expect(result).toMatchObject({ structuredContent: { kept: "as sent" } });
    });
  });

  it("answers a ping, and refuses what no client can be asked", async () => {
    const scripted = new ScriptedServer({});
    await rig(scripted);
    await scripted.send({ id: "p", method: "ping" });
    await scripted.send({ id: "t", method: "tasks/list" });
    await vi.waitFor(() =>
      expect(scripted.received.filter(({ method }) => method === undefined)).toEqual([
        { jsonrpc: "2.0", id: "p", result: {} },
        { jsonrpc: "2.0", id: "t", error: expect.objectContaining({ code: -32600 }) },
      ]),
    );
  });

  it("refuses within a call what no client can be asked, and what a completion asks", async () => {
    const answers: Loose[] = [];
    const asks = async (id: string, method: string, { params }: Loose): Promise<void> => {
      const related = params._meta.progressToken;
      await scripted.transport?.send(
        { jsonrpc: "2.0", id, method, params: {} },
        { relatedRequestId: related },
      );
      await vi.waitFor(() =>
        expect(scripted.received.some((message) => message.id === id)).toBe(true),
      );
      answers.push(scripted.received.find((message) => message.id === id));
    };
    const scripted: ScriptedServer = new ScriptedServer(
      { tools: {}, prompts: {}, completions: {} },
      {
        "tools/list": () => ({ tools: [tool("x")] }),
        "prompts/list": () => ({ prompts: [{ name: "p", arguments: [{ name: "a" }] }] }),
        "tools/call": async (_params, message) => {
          await asks("in a call", "tasks/get", message);
          return { content: [] };
        },
        "completion/complete": async (_params, message) => {
          await asks("in a completion", "roots/list", message);
          return { completion: { values: ["v"], total: 250, hasMore: true } };
        },
      },
    );
    const { client } = await rig(scripted);
    await client.call("x");
    const { result } = await client.request("completion/complete", {
      ref: { type: "ref/prompt", name: "p" },
      argument: { name: "a", value: "" },
      context: { arguments: { b: "chosen" } },
    });
    expect(result).toMatchObject({ completion: { values: ["v"], total: 250, hasMore: true } });
    expect(answers.map(({ error }) => error.code)).toEqual([-32601, -32601]);
    const completion = scripted.received.find(({ method }) => method === "completion/complete");
    expect(completion.params).toMatchObject({
      ref: { type: "ref/prompt", name: "p" },
      argument: { name: "a", value: "" },
      context: { arguments: { b: "chosen" } },
    });
  });

  it("gives a client the refusal of a subscription", async () => {
    const scripted = new ScriptedServer(
      { resources: { subscribe: true } },
      {
        "resources/list": () => ({ resources: [{ uri: "a://b", name: "ab" }] }),
        "resources/subscribe": () => {
          throw new Refusal({ code: -31_000, message: "not this one" });
        },
      },
    );
    const { client } = await rig(scripted);
    const { error } = await client.request("subscriptions/listen", {
      notifications: { resourceSubscriptions: ["a://b"] },
    });
    expect(error).toMatchObject({ code: -31_000, message: "not this one" });
  });
});
