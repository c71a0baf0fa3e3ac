import type { InputContext, Revision } from "@backplane/protocol";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ALL_CAPABILITIES, InputPeer, quietServer, textOf } from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";
import type { MCPServerOptions } from "./options.ts";

const NAME = { message: "Name?", schema: z.object({ name: z.string().min(2) }) };
const PAGE = { message: "Open", url: "https://example.com/pay" };
const QUESTION = {
  messages: [{ role: "user", content: { type: "text", text: "2 + 2?" } }],
  maxTokens: 9,
} as const;

let logged: object[];
beforeEach(() => {
  logged = [];
});

function serve(
  handler: (ctx: InputContext) => unknown,
  options: Partial<MCPServerOptions> = {},
): MCPServer {
  const server = quietServer(logged, options);
  server.tool("t", {}, (_args, ctx) => handler(ctx) as never);
  return server;
}

async function connect(
  server: MCPServer,
  revision: Revision = "2025-11-25",
  capabilities = ALL_CAPABILITIES,
): Promise<InputPeer> {
  const peer = new InputPeer(server.connectInMemory());
  peer.capabilities = capabilities;
  return peer.initialize(revision);
}

const call = (peer: InputPeer) => peer.request("tools/call", { name: "t", arguments: {} });

describe("a legacy client", () => {
  it("is asked while the handler waits", async () => {
    const server = serve(async (ctx) => {
      const { name, page } = await ctx.elicitAll({ name: NAME, page: PAGE });
      const { content } = await ctx.sample("sum", QUESTION);
      const roots = await ctx.roots("roots");
      const block = Array.isArray(content) ? content[0] : content;
      return `${name.content?.name} ${page.action} ${block.text} ${roots[0]?.uri}`;
    });
    const peer = await connect(server);
    peer.answer = (method, params) => {
      if (method === "roots/list") return { roots: [{ uri: "file:///a" }] };
      if (method === "sampling/createMessage") {
        return { role: "assistant", content: { type: "text", text: "4" }, model: "m" };
      }
      return params["mode"] === "url"
        ? { action: "accept" }
        : { action: "accept", content: { name: "Ada" } };
    };
    expect(textOf(await call(peer))).toBe("Ada accept 4 file:///a");
    expect(peer.asked.map(({ method }) => method)).toEqual([
      "elicitation/create",
      "elicitation/create",
      "sampling/createMessage",
      "roots/list",
    ]);
    expect(peer.asked[0]?.params).toEqual({
      mode: "form",
      message: "Name?",
      requestedSchema: {
        type: "object",
        properties: { name: { type: "string", minLength: 2 } },
        required: ["name"],
      },
    });
  });

  it("gets an elicitationId of its own with every URL", async () => {
    const server = serve(async (ctx) => {
      await Promise.all([ctx.elicit("a", PAGE), ctx.elicit("a", PAGE), ctx.elicit("b", PAGE)]);
      return "done";
    });
    const peer = await connect(server);
    peer.answer = () => ({ action: "accept" });
    await call(peer);
    const ids = peer.asked.map(({ params }) => params?.["elicitationId"]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => typeof id === "string" && id.length > 20)).toBe(true);
  });

  it.each([
    [{ action: "accept", content: { name: "A" } }, "does not fit the form: name"],
    [{ action: "accept", content: [] }, "content is not an object"],
    [{ action: "maybe" }, "not accept, decline or cancel"],
  ])("whose answer %j is unusable fails the ask by name", async (answer, says) => {
    const server = serve((ctx) => ctx.elicit("name", NAME));
    const peer = await connect(server);
    peer.answer = () => answer;
    const { error } = await call(peer);
    expect(error?.code).toBe(-32602);
    expect(error?.message).toContain('"name"');
    expect(error?.message).toContain(says);
  });

  it("may refuse with an error of its own", async () => {
    const server = serve((ctx) =>
      ctx.elicit("name", NAME).catch(({ name, code, message }) => `${name} ${code} ${message}`),
    );
    const peer = await connect(server);
    peer.answer = () => {
      throw Object.assign(new Error("User rejected"), { code: -1 });
    };
    expect(textOf(await call(peer))).toBe("MCPError -1 User rejected");
  });

  it("that declared less is not asked", async () => {
    const server = serve(async (ctx) => {
      const tries = [
        () => ctx.elicit("form", NAME),
        () => ctx.elicit("url", PAGE),
        () => ctx.sample("model", QUESTION),
        () => ctx.sample("tools", { ...QUESTION, tools: [] }),
        () => ctx.sample("context", { ...QUESTION, includeContext: "thisServer" }),
        () => ctx.roots("roots"),
      ];
      return Promise.all(
        tries.map((start) => start().catch(({ data }) => data?.requiredCapabilities ?? "failed")),
      ).then((all) => JSON.stringify(all));
    });
    const form = { elicitation: { form: {} } };
    const url = { elicitation: { url: {} } };
    const peer = await connect(server, "2025-11-25", { elicitation: { url: {} }, sampling: {} });
    peer.answer = (method) =>
      method === "sampling/createMessage"
        ? { role: "assistant", content: { type: "text", text: "4" }, model: "m" }
        : { action: "cancel" };
    const model = { role: "assistant", content: { type: "text", text: "4" }, model: "m" };
    const missing = [{ sampling: { tools: {} } }, { sampling: { context: {} } }, { roots: {} }];
    expect(JSON.parse(textOf(await call(peer)) ?? "")).toEqual([
      form,
      { action: "cancel" },
      model,
      ...missing,
    ]);
    // Older revisions have neither URLs nor, before 2025-06-18, elicitation, whatever a client declares.
    const older = await connect(server, "2025-06-18");
    older.answer = peer.answer;
    expect(JSON.parse(textOf(await call(older)) ?? "").slice(0, 2)).toEqual([
      { action: "cancel" },
      url,
    ]);
    const oldest = await connect(server, "2025-03-26");
    oldest.answer = peer.answer;
    expect(JSON.parse(textOf(await call(oldest)) ?? "").slice(0, 2)).toEqual([form, url]);
  });

  it("of 2025-06-18 gets a form without mode and with the enums it knows", async () => {
    const size = z.union([
      z.literal("s").meta({ title: "Small" }),
      z.literal("l").meta({ title: "Large" }),
    ]);
    const server = serve(async (ctx) => {
      const ask = { message: "Size?", schema: z.object({ size }) };
      return (await ctx.elicit("size", ask)).content?.size;
    });
    const peer = await connect(server, "2025-06-18");
    peer.answer = () => ({ action: "accept", content: { size: "l" } });
    expect(textOf(await call(peer))).toBe("l");
    expect(peer.asked[0]?.params).toEqual({
      message: "Size?",
      requestedSchema: {
        type: "object",
        properties: { size: { type: "string", enum: ["s", "l"], enumNames: ["Small", "Large"] } },
        required: ["size"],
      },
    });
  });

  it("gives two questions with one key an error", async () => {
    const server = serve((ctx) =>
      Promise.all([ctx.elicit("name", NAME), ctx.elicit("name", { ...NAME, message: "Other?" })]),
    );
    const peer = await connect(server);
    peer.answer = () => ({ action: "cancel" });
    expect((await call(peer)).error?.code).toBe(-32603);
    expect(JSON.stringify(logged.map(({ err }: { err?: unknown }) => String(err)))).toContain(
      "two different questions",
    );
  });
});

describe("once, in place", () => {
  it("shares one run and gives the JSON form of its value", async () => {
    let runs = 0;
    const server = serve(async (ctx) => {
      const fn = () => ({ run: ++runs, at: new Date(0) as unknown as string });
      const [one, two] = await Promise.all([ctx.once("k", fn), ctx.once("k", fn)]);
      return JSON.stringify([one, two, await ctx.once("k", fn)]);
    });
    const value = { run: 1, at: "1970-01-01T00:00:00.000Z" };
    const peer = await connect(server);
    expect(textOf(await call(peer))).toBe(JSON.stringify([value, value, value]));
  });
});

describe("waiting for an answer", () => {
  const slowly = (delayMs: number) => () =>
    new Promise((resolve) => setTimeout(() => resolve({ action: "decline" }), delayMs));

  it("stands outside of the deadlines, also when several wait", async () => {
    const server = serve(
      async (ctx) => {
        const all = await Promise.all([ctx.elicit("a", NAME), ctx.elicit("b", NAME)]);
        return all.map(({ action }) => action).join();
      },
      { deadlines: { idleMs: 300, totalMs: 300 } },
    );
    const peer = await connect(server);
    let delayMs = 200;
    // One answers at once, the other after the deadlines would have run out.
    peer.answer = () => {
      delayMs += 400;
      return slowly(delayMs)();
    };
    expect(textOf(await call(peer))).toBe("decline,decline");
  });

  it("does not outlast deadlines.inputMs, which the error names", async () => {
    const server = serve((ctx) => ctx.elicit("name", NAME), { deadlines: { inputMs: 50 } });
    const peer = await connect(server);
    const { error } = await call(peer);
    expect(error).toMatchObject({ code: -1504, data: { deadline: "input", limitMs: 50 } });
    expect(error?.message).toContain("deadlines.inputMs");
    expect(peer.notifications.map(({ method }) => method)).toContain("notifications/cancelled");
  });

  it("leaves the deadlines to run on afterwards", async () => {
    const server = serve(
      async (ctx) => {
        await ctx.elicit("name", NAME);
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      },
      { deadlines: { idleMs: 100, totalMs: 60_000 } },
    );
    const peer = await connect(server);
    peer.answer = slowly(10);
    expect((await call(peer)).error).toMatchObject({ code: -1504, data: { deadline: "idle" } });
  });

  it("ends with a call that did not wait for it: the client hears that first", async () => {
    const rejected: string[] = [];
    let askLate: () => Promise<unknown> = () => Promise.resolve();
    const server = serve((ctx) => {
      ctx.elicit("name", NAME).catch((error) => rejected.push(error.name));
      ctx.sample("sum", QUESTION).catch((error) => rejected.push(error.name));
      askLate = () => ctx.elicit("late", NAME);
      return "done";
    });
    const peer = await connect(server);
    expect(textOf(await call(peer))).toBe("done");
    expect(peer.notifications.map(({ method }) => method)).toEqual([
      "notifications/cancelled",
      "notifications/cancelled",
    ]);
    await vi.waitFor(() => expect(rejected).toEqual(["AbortError", "AbortError"]));
    await expect(askLate()).rejects.toMatchObject({ name: "AbortError" });
    expect(peer.asked).toHaveLength(2);
  });

  it("ends when the client cancels the call", async () => {
    let seen: unknown;
    const ended = new Promise<void>((resolve) => {
      const server = serve(async (ctx) => {
        await ctx.elicit("name", NAME).catch((error) => {
          seen = error.name;
        });
        const late = await ctx.elicit("late", NAME).catch((error) => error.name);
        seen = [seen, late];
        resolve();
      });
      void connect(server).then((peer) => {
        const { id } = peer.start("tools/call", { name: "t", arguments: {} });
        peer.answer = () => {
          peer.notify("notifications/cancelled", { requestId: id });
          return new Promise(() => {});
        };
      });
    });
    await ended;
    expect(seen).toEqual(["AbortError", "AbortError"]);
  });
});
