import { createProcessKeyRing, type InputContext } from "@backplane/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  ALL_CAPABILITIES,
  InputPeer,
  type Members,
  quietServer,
  textOf,
  type WireMessage,
} from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";

const NAME = { message: "Name?", schema: z.object({ name: z.string().min(2) }) };
const AGE = { message: "Age?", schema: z.object({ age: z.number().int().positive() }) };
const accept = (content: Members): Members => ({ action: "accept", content });

let logged: Members[];
let server: MCPServer;
let peer: InputPeer;

beforeEach(() => {
  logged = [];
  server = quietServer(logged);
  peer = new InputPeer(server.connectInMemory());
});
afterEach(() => peer.close());

function tool(handler: (ctx: InputContext) => unknown): void {
  server.tool("t", {}, (_args, ctx) => handler(ctx) as never);
}

function call(more: Members = {}): Promise<WireMessage> {
  return peer.modern("tools/call", { name: "t", arguments: {}, ...more });
}

function retry(last: WireMessage, inputResponses: unknown): Promise<WireMessage> {
  return call({ inputResponses, requestState: last.result?.requestState });
}

function keysOf(message: WireMessage): string[] {
  return Object.keys(message.result?.inputRequests ?? {}).sort();
}

describe("one round", () => {
  it("holds what is asked in one tick, however deep in microtasks", async () => {
    const deep = async (ctx: InputContext) => {
      for (let step = 0; step < 10; step++) await null;
      return ctx.elicit("deep", AGE);
    };
    tool(async (ctx) => {
      const [a, b, c] = await Promise.all([
        ctx.elicit("name", NAME),
        deep(ctx),
        ctx.elicitAll({ x: NAME, y: AGE }),
      ]);
      return [a.action, b.action, c.x.action, c.y.action].join();
    });
    const first = await call();
    expect(keysOf(first)).toEqual(["deep", "name", "x", "y"]);
    const yes = { name: accept({ name: "Ada" }), deep: { action: "cancel" } };
    const second = await retry(first, { ...yes, x: { action: "decline" }, y: accept({ age: 3 }) });
    expect(textOf(second)).toBe("accept,cancel,decline,accept");
  });

  it("runs finally blocks, and asks nothing that a swallowed end leads to", async () => {
    const steps: string[] = [];
    tool(async (ctx) => {
      try {
        const { content } = await ctx.elicit("name", NAME);
        return content?.name;
      } catch {
        steps.push("caught");
        await ctx.once("charge", () => steps.push("charged")).catch(() => {});
        await ctx.elicit("fallback", AGE).catch(() => {});
        return "swallowed";
      } finally {
        steps.push("finally");
      }
    });
    const first = await call();
    expect(keysOf(first)).toEqual(["name"]);
    expect(steps).toEqual(["caught", "finally"]);
    expect(textOf(await retry(first, { name: accept({ name: "Ada" }) }))).toBe("Ada");
  });

  it("is recorded although the handler neither waits nor fails", async () => {
    tool((ctx) => {
      void ctx.elicit("name", NAME);
      return "at once";
    });
    const first = await call();
    expect(keysOf(first)).toEqual(["name"]);
    expect(textOf(await retry(first, { name: { action: "decline" } }))).toBe("at once");
  });

  it("leaves no unhandled rejection behind, however asks are awaited or not", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      tool(async (ctx) => {
        const name = ctx.elicit("name", NAME);
        const age = ctx.elicit("age", AGE);
        return `${(await name).action} ${(await age).action}`;
      });
      const first = await call();
      expect(keysOf(first)).toEqual(["age", "name"]);
      // Both are judged apart, and both are asked again.
      const wrong = { name: accept({}), age: accept({}) };
      expect(keysOf(await retry(first, wrong))).toEqual(["age", "name"]);
      server.removeTool("t");
      tool((ctx) => {
        void ctx.elicit("", NAME);
        void ctx.elicit("name", NAME);
        return "at once";
      });
      expect(textOf(await call({ inputResponses: wrong }))).toBe("at once");
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listener);
    }
  });

  it("holds at most 64 questions", async () => {
    tool((ctx) =>
      Promise.all(Array.from({ length: 65 }, (_, index) => ctx.elicit(`k${index}`, NAME))),
    );
    expect((await call()).error?.code).toBe(-32603);
    expect(String(logged[0]?.["err"])).toContain("at most 64 questions");
  });
});

describe("keys", () => {
  it("give one answer to the same question asked twice", async () => {
    tool(async (ctx) => {
      const [one, two] = await Promise.all([ctx.elicit("name", NAME), ctx.elicit("name", NAME)]);
      return `${one.content?.name} ${two.content?.name}`;
    });
    const first = await call();
    expect(textOf(await retry(first, { name: accept({ name: "Ada" }) }))).toBe("Ada Ada");
  });

  it.each([
    ["at once", (ctx: InputContext) => [ctx.elicit("name", NAME), ctx.elicit("name", AGE)]],
    ["of different kinds", (ctx: InputContext) => [ctx.elicit("name", NAME), ctx.roots("name")]],
  ])("that two questions have are an error naming the key: %s", async (_case, ask) => {
    tool(async (ctx) => Promise.allSettled(ask(ctx)));
    expect((await call()).error).toMatchObject({ code: -32603 });
    expect(String(logged[0]?.["err"])).toContain('ask "name"');
  });

  it.each(["", "k".repeat(129), 7, undefined])("are refused as %j", async (key) => {
    tool((ctx) => ctx.elicit(key as string, NAME));
    expect((await call()).error?.code).toBe(-32603);
    expect(String(logged[0]?.["err"])).toContain("1 to 128 characters");
  });

  it("may be the names that every object has", async () => {
    tool(async (ctx) => {
      const answers = await Promise.all([
        ctx.elicit("__proto__", NAME),
        ctx.elicit("constructor", NAME),
      ]);
      const memo = await ctx.once("__proto__", () => 1);
      await ctx.elicit("toString", NAME);
      return `${answers.map(({ content }) => content?.name).join()} ${memo}`;
    });
    const first = await call();
    expect(Object.keys(first.result?.inputRequests ?? {})).toHaveLength(2);
    const answers = JSON.parse(
      '{"__proto__":{"action":"accept","content":{"name":"Ada"}},"constructor":{"action":"accept","content":{"name":"Bob"}}}',
    );
    const second = await retry(first, answers);
    expect(keysOf(second)).toEqual(["toString"]);
    const third = await retry(second, { toString: { action: "decline" } });
    expect(textOf(third)).toBe("Ada,Bob 1");
  });
});

describe("answers", () => {
  it("are parsed by the schema: defaults and transforms", async () => {
    const schema = z.object({
      name: z.string().transform((name) => name.toUpperCase()),
      size: z.enum(["s", "l"]).default("s"),
    });
    tool(async (ctx) => {
      const { content } = await ctx.elicit("order", { message: "?", schema });
      await ctx.elicit("sure", { message: "Sure?", schema: { type: "object", properties: {} } });
      return `${content?.name} ${content?.size}`;
    });
    const first = await call();
    const second = await retry(first, { order: accept({ name: "ada" }) });
    expect(keysOf(second)).toEqual(["sure"]);
    // The state keeps what the client said, so that it is parsed once per run and never twice over.
    expect(textOf(await retry(second, { sure: accept({}) }))).toBe("ADA s");
  });

  it("that do not fit are asked again, beside what is still open", async () => {
    tool(async (ctx) => {
      const { name, age } = await ctx.elicitAll({ name: NAME, age: AGE });
      return `${name.content?.name} ${age.content?.age}`;
    });
    const first = await call();
    const second = await retry(first, { name: accept({ name: "A" }), age: accept({ age: 3 }) });
    expect(keysOf(second)).toEqual(["name"]);
    expect(textOf(await retry(second, { name: accept({ name: "Ada" }) }))).toBe("Ada 3");
  });

  it("to a question that has changed are asked again", async () => {
    let message = "Delete a.txt?";
    const schema = { type: "object", properties: { ok: { type: "boolean" } } };
    tool(async (ctx) => (await ctx.elicit("ok", { message, schema })).action);
    const first = await call();
    message = "Delete b.txt?";
    const second = await retry(first, { ok: accept({ ok: true }) });
    expect(second.result?.inputRequests?.["ok"]?.params["message"]).toBe("Delete b.txt?");
    expect(textOf(await retry(second, { ok: accept({ ok: true }) }))).toBe("accept");
  });

  it("that were accepted are asked again when a later run asks something else", async () => {
    let message = "Name?";
    tool(async (ctx) => {
      const { content } = await ctx.elicit("name", { ...NAME, message });
      const { action } = await ctx.elicit("age", AGE);
      return `${content?.name} ${action}`;
    });
    const second = await retry(await call(), { name: accept({ name: "Ada" }) });
    expect(keysOf(second)).toEqual(["age"]);
    message = "Full name?";
    const third = await retry(second, { age: accept({ age: 3 }) });
    expect(keysOf(third)).toEqual(["name"]);
    const fourth = await retry(third, { name: accept({ name: "Ada Lovelace" }) });
    // The age was answered in between, to the same question as now.
    expect(textOf(fourth)).toBe("Ada Lovelace accept");
  });

  it("cannot replace one that was accepted", async () => {
    tool(async (ctx) => {
      const { content } = await ctx.elicit("name", NAME);
      await ctx.elicit("age", AGE);
      return content?.name;
    });
    const second = await retry(await call(), { name: accept({ name: "Ada" }) });
    const third = await retry(second, {
      age: accept({ age: 3 }),
      name: accept({ name: "Mallory" }),
    });
    expect(textOf(third)).toBe("Ada");
  });

  it("count without their state, if they fit what is asked", async () => {
    tool(async (ctx) => (await ctx.elicit("name", NAME)).content?.name);
    expect(textOf(await call({ inputResponses: { name: accept({ name: "Ada" }) } }))).toBe("Ada");
    expect(keysOf(await call({ inputResponses: { name: accept({ name: "A" }) } }))).toEqual([
      "name",
    ]);
  });

  it.each([
    ["a list", { inputResponses: [] }],
    ["null", { inputResponses: null }],
    [
      "more than a round can hold",
      {
        inputResponses: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [index, {}])),
      },
    ],
    ["beside a state that is no text", { inputResponses: {}, requestState: 1 }],
    ["beside a state that is null", { inputResponses: {}, requestState: null }],
  ])("are refused as %s", async (_case, more) => {
    tool(() => "not reached");
    expect((await call(more)).error?.code).toBe(-32602);
  });

  it("end after 16 rounds", async () => {
    let runs = 0;
    tool(async (ctx) => {
      await ctx.elicit("name", { ...NAME, message: `Name, run ${runs++}?` });
    });
    const { message, rounds } = await peer.untilDone(
      "tools/call",
      { name: "t", arguments: {} },
      () => ({ name: accept({ name: "Ada" }) }),
    );
    expect(rounds).toBe(16);
    expect(message.error).toMatchObject({ code: -32602 });
    expect(message.error?.message).toContain("16 times");
  });

  it("that do not fit into a state are an error that says so", async () => {
    tool(async (ctx) => {
      await ctx.elicit("name", NAME);
      await ctx.elicit("age", AGE);
    });
    const second = await retry(await call(), { name: accept({ name: "x".repeat(20_000) }) });
    expect(second.error?.message).toContain("requestState holds at most");
  });
});

describe("once", () => {
  it("runs a side effect once over all rounds, and shares one run", async () => {
    let charges = 0;
    tool(async (ctx) => {
      await ctx.elicit("name", NAME);
      const charge = async () => ({ charge: ++charges, at: new Date(0) as unknown as string });
      const [one, two] = await Promise.all([ctx.once("c", charge), ctx.once("c", charge)]);
      await ctx.elicit("age", AGE);
      return JSON.stringify([one, two, await ctx.once("nothing", () => undefined as never)]);
    });
    const second = await retry(await call(), { name: accept({ name: "Ada" }) });
    const third = await retry(second, { age: accept({ age: 3 }) });
    const value = { charge: 1, at: "1970-01-01T00:00:00.000Z" };
    expect(textOf(third)).toBe(JSON.stringify([value, value, null]));
    expect(charges).toBe(1);
  });

  it("is finished before the round that it runs beside ends", async () => {
    let charges = 0;
    tool(async (ctx) => {
      const charge = async () => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        return ++charges;
      };
      const [{ action }, charged] = await Promise.all([
        ctx.elicit("name", NAME),
        ctx.once("charge", charge),
      ]);
      return `${action} ${charged}`;
    });
    const first = await call();
    expect(charges).toBe(1);
    expect(textOf(await retry(first, { name: { action: "decline" } }))).toBe("decline 1");
    expect(charges).toBe(1);
  });

  it("forgets a failure, and a memo of what JSON cannot hold is an error", async () => {
    let attempts = 0;
    tool(async (ctx) => {
      const flaky = () => {
        if (++attempts === 1) throw new Error("busy");
        return attempts;
      };
      await ctx.once("flaky", flaky).catch(() => {});
      const value = await ctx.once("flaky", flaky);
      const odd = await ctx.once("odd", () => Symbol("x") as never).catch((error) => error.message);
      return `${value} ${odd}`;
    });
    expect(textOf(await call())).toBe('2 once "odd": a symbol cannot be remembered as JSON');
  });

  it("may ask inside", async () => {
    tool(async (ctx) => ctx.once("q", async () => (await ctx.elicit("name", NAME)).action));
    expect(textOf(await retry(await call(), { name: { action: "cancel" } }))).toBe("cancel");
  });
});

describe("the state", () => {
  it("passes between servers that share a key ring, and to no other principal", async () => {
    const keyRing = createProcessKeyRing();
    const handler = async (_args: unknown, ctx: InputContext) =>
      (await ctx.elicit("name", NAME)).action;
    const servers = [1, 2].map(() => {
      const one = quietServer(logged, { keyRing });
      one.tool("t", {}, handler as never);
      return one;
    });
    const principal = (id: string) => ({ id, scopes: [], roles: [] });
    const connect = (index: number, id: string) =>
      new InputPeer(servers[index]?.connectInMemory({ principal: principal(id) }) as never);
    const params = { name: "t", arguments: {} };
    const first = await connect(0, "ada").modern("tools/call", params);
    const again = {
      ...params,
      requestState: first.result?.requestState,
      inputResponses: { name: { action: "decline" } },
    };
    expect(textOf(await connect(1, "ada").modern("tools/call", again))).toBe("decline");
    const foreign = await connect(1, "bob").modern("tools/call", again);
    expect(foreign.error?.code).toBe(-32602);
  });

  it("is opened although the run asks nothing more", async () => {
    tool(() => "done");
    expect((await call({ requestState: "forged", inputResponses: {} })).error?.code).toBe(-32602);
  });
});

describe("asking", () => {
  it("is for tools, prompts and resources", async () => {
    server.prompt("p", {}, async (_args, ctx) => (await ctx.elicit("name", NAME)).action);
    server.resource("test://r", { name: "r" }, async (_read, ctx) => {
      return (await ctx.elicit("name", NAME)).action;
    });
    for (const [method, params] of [
      ["prompts/get", { name: "p" }],
      ["resources/read", { uri: "test://r" }],
    ] as const) {
      const { message, rounds } = await peer.untilDone(method, params, () => ({
        name: { action: "decline" },
      }));
      expect(rounds).toBe(1);
      expect(JSON.stringify(message.result)).toContain("decline");
    }
  });

  it("needs the capability before anything else, which a handler may catch", async () => {
    peer.capabilities = { ...ALL_CAPABILITIES, sampling: undefined as never };
    tool(async (ctx) => {
      const params = { messages: [], maxTokens: 0 };
      const model = await ctx.sample("m", params).catch((error) => error.code);
      return `${model} ${(await ctx.elicit("name", NAME)).action}`;
    });
    const first = await call();
    expect(keysOf(first)).toEqual(["name"]);
    expect(textOf(await retry(first, { name: { action: "decline" } }))).toBe("-32021 decline");
  });

  it("is refused in every other request", async () => {
    server.tool("t", {}, () => "done");
    server.use({
      name: "asks",
      phase: "handler",
      intercept: async (invocation, next) => {
        const context = invocation.context as InputContext;
        if (invocation.method === "tools/list") await context.elicit("name", NAME);
        return next(invocation);
      },
    });
    expect((await peer.modern("tools/list", {})).error?.code).toBe(-32603);
    expect(String(logged[0]?.["err"])).toContain("tools/list: only tools/call");
  });
});
