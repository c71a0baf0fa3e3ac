import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { everythingMain } from "./harness/everything.ts";
import {
  fullCapabilities,
  legacyRequest,
  type ModernOptions,
  metaCapabilities,
  metaLogLevel,
  metaSubscriptionId,
  metaVersion,
  modernRequest,
  notification,
  type Params,
  textOf,
} from "./harness/messages.ts";
import { type StdioPeer, spawnStdio } from "./harness/stdio.ts";

const fixture = join(import.meta.dirname, "fixtures/stdio-server.mjs");
const peers: StdioPeer[] = [];

function start(script: string = fixture, args: readonly string[] = []): StdioPeer {
  const peer = spawnStdio(script, args);
  peers.push(peer);
  return peer;
}

afterEach(() => {
  for (const peer of peers.splice(0)) peer.kill();
});

function tool(
  name: string,
  id: string | number,
  options: ModernOptions & { params?: Params } = {},
) {
  return modernRequest(
    "tools/call",
    { name, arguments: {}, ...options.params },
    { ...options, id },
  );
}

const initialize = legacyRequest(
  "initialize",
  {
    protocolVersion: "2025-11-25",
    capabilities: { elicitation: {} },
    clientInfo: { name: "tests", version: "1" },
  },
  "init",
);

describe("messages over stdio", () => {
  it("[S26-13a, S26-14a] are one line of UTF-8 each, whatever the text", async () => {
    const peer = start();
    const answer = await peer.request(tool("text", 1));
    expect(textOf(answer)).toBe("first line\nsecond line\r\n\u2028✓ grüße \u0000 🚀");
    expect(peer.lines).toHaveLength(1);
  });

  it("[S26-13a] are read as UTF-8, even when a character comes in two pieces", async () => {
    const peer = start();
    const bytes = Buffer.from(
      `${JSON.stringify(modernRequest("tools/list", {}, { id: "✓🚀" }))}\n`,
    );
    const split = bytes.indexOf(0x9f) + 1;
    peer.write(bytes.subarray(0, split));
    await new Promise((resolve) => setTimeout(resolve, 20));
    peer.write(bytes.subarray(split));
    expect((await peer.response("✓🚀")).result).toBeDefined();
  });

  it("[S26-14a] alone reach stdout: what handlers print goes to stderr", async () => {
    const peer = start();
    expect(textOf(await peer.request(tool("print", 1)))).toBe("printed");
    await peer.request(tool("text", 2));
    expect(peer.messages.map(({ id }) => id)).toEqual([1, 2]);
    await peer.close();
    expect(peer.unfinishedLine).toBe("");
    expect(peer.stderr).toContain("console.log from a handler");
    expect(peer.stderr).toContain("stdout.write from a handler");
  });

  it("[S26-14a] alone reach stdout of apps/everything", async () => {
    const peer = start(everythingMain, ["--stdio"]);
    const discovered = await peer.request(modernRequest("server/discover"));
    expect(discovered.result?.resultType).toBe("complete");
    const { result } = await peer.request(modernRequest("tools/list", {}, { id: 2 }));
    expect(result?.tools?.length).toBeGreaterThan(10);
    for (const message of peer.messages) expect(message.jsonrpc).toBe("2.0");
    expect(await peer.close()).toBe(0);
  });

  it("[S26-14b] end with stdin, and what was asked before is answered", async () => {
    const peer = start();
    peer.send(tool("text", 1));
    expect(await peer.close()).toBe(0);
    expect(peer.messages.map(({ id }) => id)).toEqual([1]);
  });

  it("[S26-14b] end with stdin while a request hangs and a subscription is open", async () => {
    const peer = start();
    peer.send(
      modernRequest(
        "subscriptions/listen",
        { notifications: { toolsListChanged: true } },
        { id: "l" },
      ),
      tool("hang", "h", { meta: { progressToken: 1 } }),
    );
    await peer.until(({ method }) => method === "notifications/progress");
    expect(await peer.close()).toBe(0);
  });

  it.each([
    ["no JSON", "{", -32700],
    ["a number", "42", -32600],
    ["a null id", '{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600],
    ["no method", '{"jsonrpc":"2.0","id":1}', -32600],
  ])(
    "[S26-02b, S26-01c] are refused with %s, without a null id, and the server goes on",
    async (_case, line, code) => {
      const peer = start();
      peer.write(`${line}\n`);
      const refused = await peer.until(({ error }) => error !== undefined);
      expect(refused.error?.code).toBe(code);
      expect(refused.id).not.toBeNull();
      expect((await peer.request(tool("text", 2))).result).toBeDefined();
    },
  );

  it("are refused beyond the size limit, and the server goes on", async () => {
    const peer = start();
    peer.write(`{"jsonrpc":"2.0","id":1,"method":"${"x".repeat(5 * 1024 * 1024)}"}\n`);
    const refused = await peer.until(({ error }) => error !== undefined);
    expect(refused.error?.code).toBe(-32600);
    expect((await peer.request(tool("text", 2))).result).toBeDefined();
  });

  it("may be separated by empty lines and end with CRLF", async () => {
    const peer = start();
    peer.write(`\n\r\n${JSON.stringify(tool("text", 1))}\r\n\n`);
    expect((await peer.response(1)).result).toBeDefined();
    expect(peer.lines).toHaveLength(1);
  });
});

describe("modern requests over stdio", () => {
  it.each([
    ["no version", { [metaVersion]: undefined }, -32602],
    ["no capabilities", { [metaCapabilities]: undefined }, -32602],
    ["an unknown version", { [metaVersion]: "v999" }, -32022],
  ])("[S26-04, S26-09] are refused with %s", async (_case, meta, code) => {
    const peer = start();
    await peer.request(tool("text", 1));
    const refused = await peer.request(modernRequest("tools/list", {}, { id: 2, meta }));
    expect(refused.error?.code).toBe(code);
  });

  it.each(["initialize", "ping", "logging/setLevel", "resources/subscribe", "unknown/method"])(
    "[S26-20c] have no method %s",
    async (method) => {
      const peer = start();
      const refused = await peer.request(modernRequest(method));
      expect(refused.error?.code).toBe(-32601);
    },
  );

  it("[S26-03a] inherit nothing from the request before", async () => {
    const peer = start();
    const asked = await peer.request(tool("ask_name", 1, { capabilities: fullCapabilities }));
    expect(asked.result?.resultType).toBe("input_required");
    const refused = await peer.request(tool("ask_name", 2));
    expect(refused.error?.code).toBe(-32021);
    const loud = await peer.request(tool("chatty", 3, { meta: { [metaLogLevel]: "debug" } }));
    expect(loud.result).toBeDefined();
    const before = peer.lines.length;
    await peer.request(tool("chatty", 4));
    expect(peer.lines.length - before).toBe(1);
  });

  it("[S26-12] are never met by a request of the server", async () => {
    const peer = start();
    const first = await peer.request(tool("ask_name", 1, { capabilities: fullCapabilities }));
    const { requestState } = first.result ?? {};
    const inputResponses = { name: { action: "accept", content: { name: "Ada" } } };
    const second = await peer.request(
      tool("ask_name", 2, {
        capabilities: fullCapabilities,
        params: { requestState, inputResponses },
      }),
    );
    expect(textOf(second)).toBe("accept Ada");
    for (const message of peer.messages) {
      expect(message.method !== undefined && message.id !== undefined).toBe(false);
    }
  });

  it("run at the same time, each with its own progress", async () => {
    const peer = start();
    const ids = ["a", "b", "c"];
    peer.send(...ids.map((id) => tool("steps", id, { meta: { progressToken: id } })));
    for (const id of ids) await peer.until((message) => message.id === id).catch(() => undefined);
    const { messages } = peer;
    for (const id of ids) {
      const mine = messages.filter((message) => message.params?.["progressToken"] === id);
      expect(mine.map(({ params }) => params?.["progress"])).toEqual([1, 2, 3]);
      const end = messages.findIndex((message) => message.id === id);
      expect(messages.slice(end).some((message) => message.params?.["progressToken"] === id)).toBe(
        false,
      );
    }
  });
});

describe("cancellation over stdio", () => {
  const cancel = (requestId: unknown) => notification("notifications/cancelled", { requestId });
  const hang = (id: string | number) => tool("hang", id, { meta: { progressToken: String(id) } });

  it("[S26-35b, S26-35c, S26-34b] stops the handler, and the request is not answered", async () => {
    const peer = start();
    peer.send(hang("h"));
    await peer.until(({ method }) => method === "notifications/progress");
    peer.send(cancel("h"));
    for (let n = 0; ; n++) {
      if (textOf(await peer.request(tool("aborted", n))) === "1") break;
    }
    const after = peer.messages.filter(
      ({ id, params }) => id === "h" || params?.["progressToken"] === "h",
    );
    expect(after).toHaveLength(1);
    expect(after[0]?.method).toBe("notifications/progress");
  });

  it("[S26-35a] twice, of the unknown, of the finished and malformed does no harm", async () => {
    const peer = start();
    peer.send(hang(1));
    await peer.until(({ method }) => method === "notifications/progress");
    peer.send(cancel(1), cancel(1), cancel("1"), cancel("no such"), cancel(null), cancel({}));
    peer.send(notification("notifications/cancelled"));
    expect((await peer.request(tool("text", 2))).result).toBeDefined();
    peer.send(cancel(2));
    expect((await peer.request(tool("text", 3))).result).toBeDefined();
    expect(peer.messages.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it("[S26-35c] of one request leaves the others alone, also by JSON type of the id", async () => {
    const peer = start();
    peer.send(hang(1), hang("1"));
    await peer.until(({ params }) => params?.["progressToken"] === "1");
    peer.send(cancel("1"));
    for (let n = 10; ; n++) {
      if (textOf(await peer.request(tool("aborted", n))) === "1") break;
    }
    peer.send(cancel(1));
    for (let n = 1000; ; n++) {
      if (textOf(await peer.request(tool("aborted", n))) === "2") break;
    }
  });

  it("[S26-33b] is never sent by the server but for a subscription that it ends", async () => {
    const peer = start();
    const filter = { notifications: { toolsListChanged: true } };
    peer.send(modernRequest("subscriptions/listen", filter, { id: "sub" }), hang("h"));
    await peer.until(({ method }) => method === "notifications/progress");
    peer.send(cancel("h"));
    peer.send(tool("stop", "s"));
    const cancelled = await peer.until(({ method }) => method === "notifications/cancelled");
    expect(cancelled.params?.["requestId"]).toBe("sub");
    const ended = await peer.response("sub");
    expect(ended.result).toMatchObject({
      resultType: "complete",
      _meta: { [metaSubscriptionId]: "sub" },
    });
    await peer.close();
    expect(peer.messages.filter(({ method }) => method === "notifications/cancelled")).toHaveLength(
      1,
    );
  });
});

describe("subscriptions over stdio", () => {
  const listen = (id: string | number, filter: Params) =>
    modernRequest("subscriptions/listen", { notifications: filter }, { id });

  it("[S26-08, S26-32b] are acknowledged first and tagged, each with its own id", async () => {
    const peer = start();
    peer.send(listen("one", { toolsListChanged: true }), listen(2, { toolsListChanged: true }));
    for (const id of ["one", 2]) {
      const first = await peer.until(({ params }) => params?._meta?.[metaSubscriptionId] === id);
      expect(first.method).toBe("notifications/subscriptions/acknowledged");
    }
    await peer.request(tool("change", 3));
    const seen = new Set<unknown>();
    while (seen.size < 2) {
      const changed = await peer.until(
        ({ method }) => method === "notifications/tools/list_changed",
      );
      seen.add(changed.params?._meta?.[metaSubscriptionId]);
    }
    expect([...seen].sort()).toEqual([2, "one"]);
  });

  it("[S26-32a] end with a cancellation, without an answer", async () => {
    const peer = start();
    peer.send(
      listen("ends", { toolsListChanged: true }),
      listen("stays", { toolsListChanged: true }),
    );
    await peer.until(({ params }) => params?._meta?.[metaSubscriptionId] === "stays");
    peer.send(notification("notifications/cancelled", { requestId: "ends" }));
    await peer.request(tool("change", 3));
    await peer.until(({ method }) => method === "notifications/tools/list_changed");
    await peer.request(tool("change", 4));
    const tags = peer.messages
      .filter(({ method }) => method === "notifications/tools/list_changed")
      .map(({ params }) => params?._meta?.[metaSubscriptionId]);
    expect(new Set(tags)).toEqual(new Set(["stays"]));
    expect(peer.messages.some(({ id }) => id === "ends")).toBe(false);
  });
});

describe("both eras over one stdio process", () => {
  it("[S25-01b] a legacy client initializes and is served", async () => {
    const peer = start();
    const initialized = await peer.request(initialize);
    expect(initialized.result?.["protocolVersion"]).toBe("2025-11-25");
    peer.send(notification("notifications/initialized"));
    const listed = await peer.request(legacyRequest("tools/list", {}, 1));
    expect(listed.result?.tools?.length).toBeGreaterThan(0);
    expect(listed.result).not.toHaveProperty("resultType");
  });

  it("a legacy client is asked with a request, and answers", async () => {
    const peer = start();
    await peer.request(initialize);
    peer.send(notification("notifications/initialized"));
    peer.send(legacyRequest("tools/call", { name: "ask_name", arguments: {} }, 1));
    const question = await peer.until(({ method }) => method === "elicitation/create");
    peer.send({
      jsonrpc: "2.0",
      id: question.id,
      result: { action: "accept", content: { name: "Ada" } },
    });
    expect(textOf(await peer.response(1))).toBe("accept Ada");
  });

  it("server/discover does not settle the era", async () => {
    const peer = start();
    const discovered = await peer.request(modernRequest("server/discover"));
    expect(discovered.result?.resultType).toBe("complete");
    const initialized = await peer.request(initialize);
    expect(initialized.result?.["protocolVersion"]).toBe("2025-11-25");
  });

  it("initialize after modern traffic is refused with the versions", async () => {
    const peer = start();
    await peer.request(modernRequest("tools/list"));
    const refused = await peer.request(initialize);
    expect(refused.error?.code).toBe(-32022);
    expect(refused.error?.data?.["supported"]).toContain("2026-07-28");
  });

  it("[S25-01a] a legacy request before initialize is refused, ping is not", async () => {
    const peer = start();
    const refused = await peer.request(legacyRequest("tools/list", {}, 1));
    expect(refused.error).toBeDefined();
    expect((await peer.request(legacyRequest("ping", undefined, 2))).result).toEqual({});
  });
});
