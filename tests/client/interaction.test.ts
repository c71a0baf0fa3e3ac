import type { MCPClient } from "@backplane/client";
import { type ElicitFormParams, MCPError } from "@backplane/protocol";
import { MCPServer } from "@backplane/server";
import {
  MCPTestClient,
  type MCPTestClientOptions,
  type ScriptedAnswers,
  type TestServerContext,
} from "@backplane/testing";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { askFor, formQuestion } from "./harness/answers.ts";
import { clientOf, closing, scripted, type WireEra } from "./harness/clients.ts";
import { legs } from "./harness/real-server.ts";
import { type EventStream, work } from "./harness/scripted-server.ts";

const person = z.object({
  name: z.string().default("John Doe"),
  age: z.int().default(30),
  score: z.number().default(95.5),
  status: z.enum(["active", "inactive"]).default("active"),
  verified: z.boolean().default(true),
  colours: z.array(z.enum(["red", "green", "blue"])).default(["green"]),
});
const SAID = { role: "assistant", model: "m", content: { type: "text", text: "Hello" } } as const;

function asking(context: TestServerContext): MCPServer {
  const server = new MCPServer({ name: "real", version: "1", ...context });
  server.tool("form", {}, async (_args, ctx) =>
    JSON.stringify(await ctx.elicit("who", { message: "Who?", schema: person })),
  );
  server.tool("url", {}, async (_args, ctx) =>
    JSON.stringify(await ctx.elicit("pay", { message: "Pay", url: "https://pay.example/x?y#z" })),
  );
  server.tool("model", {}, async (_args, ctx) => {
    const messages = [{ role: "user", content: { type: "text", text: "Hi" } }] as const;
    return JSON.stringify(await ctx.sample("said", { messages, maxTokens: 10 }));
  });
  server.tool("tools", {}, async (_args, ctx) => {
    const messages = [{ role: "user", content: { type: "text", text: "Hi" } }] as const;
    const tools = [{ name: "t", inputSchema: { type: "object" } }];
    return JSON.stringify(await ctx.sample("used", { messages, maxTokens: 10, tools }));
  });
  server.tool("roots", {}, async (_args, ctx) => JSON.stringify(await ctx.roots("folders")));
  server.tool("together", {}, async (_args, ctx) => {
    const schema = z.object({ n: z.int() });
    const answers = await ctx.elicitAll({
      a: { message: "a", schema },
      b: { message: "b", schema },
      c: { message: "c", schema },
    });
    return JSON.stringify(answers);
  });
  server.tool("rounds", { input: z.object({ times: z.int() }) }, async ({ times }, ctx) => {
    let sum = 0;
    for (let round = 0; round < times; round++) {
      const { content } = await ctx.elicit(`n${round}`, {
        message: String(round),
        schema: z.object({ n: z.int() }),
      });
      sum += content?.n ?? 0;
    }
    return String(sum);
  });
  server.prompt("ask", {}, async (_args, ctx) => JSON.stringify(await ctx.roots("folders")));
  server.resource("ask://x", { name: "ask" }, async (_read, ctx) =>
    JSON.stringify(await ctx.roots("folders")),
  );
  return server;
}

async function outcomeOf(client: MCPClient, tool: string, args = {}): Promise<unknown> {
  return JSON.parse((await client.call(tool, args)) as string);
}

describe.each(legs)("%s over %s", (era, carrier) => {
  const start = async (answers: ScriptedAnswers, options: MCPTestClientOptions = {}) => {
    const transport = carrier === "http" ? "http" : "memory";
    const tester = new MCPTestClient(asking, { transport, protocol: era, answers, ...options });
    closing({ close: () => tester.disconnect() });
    return (await tester.connect()).client;
  };

  it("fills a form's defaults in, of every kind", async () => {
    const asked: ElicitFormParams[] = [];
    const client = await start({
      elicit: (params, { serverName, method }) => {
        asked.push(params);
        // A legacy server on a shared connection does not say which request it asks for.
        const known = era === "modern" || carrier === "http";
        expect([serverName, method]).toEqual(["real", known ? "tools/call" : undefined]);
        return { action: "accept", content: { age: 31 } };
      },
    });
    expect(await outcomeOf(client, "form")).toEqual({
      action: "accept",
      content: {
        name: "John Doe",
        age: 31,
        score: 95.5,
        status: "active",
        verified: true,
        colours: ["green"],
      },
    });
    expect(asked).toMatchObject([{ mode: "form", message: "Who?" }]);
  });

  it.each(["decline", "cancel"] as const)("takes %s for an answer", async (action) => {
    const client = await start({ elicit: () => ({ action }), elicitUrl: () => ({ action }) });
    expect(await outcomeOf(client, "form")).toEqual({ action });
    expect(await outcomeOf(client, "url")).toEqual({ action });
  });

  it("shows a URL, asks the model, tells the roots", async () => {
    const urls: string[] = [];
    const client = await start({
      elicitUrl: ({ url }) => {
        urls.push(url);
        return { action: "accept" };
      },
      sample: async ({ maxTokens, tools }) => {
        expect(maxTokens).toBe(10);
        if (tools === undefined) return SAID;
        return { ...SAID, content: { type: "tool_use", id: "1", name: "t", input: { x: 1 } } };
      },
      roots: async () => [{ uri: "file:///home/ada", name: "Ada" }],
    });
    expect(await outcomeOf(client, "url")).toEqual({ action: "accept" });
    expect(urls).toEqual(["https://pay.example/x?y#z"]);
    expect(await outcomeOf(client, "model")).toEqual(SAID);
    expect(await outcomeOf(client, "tools")).toMatchObject({ content: { type: "tool_use" } });
    const roots = [{ uri: "file:///home/ada", name: "Ada" }];
    expect(await outcomeOf(client, "roots")).toEqual(roots);
    const text = JSON.stringify(roots);
    const { messages } = await client.getPrompt("ask");
    expect(messages).toMatchObject([{ content: { text } }]);
    const { contents } = await client.readResource("ask://x");
    expect(contents).toMatchObject([{ text }]);
  });

  it("answers what is asked together together", async () => {
    let open = 0;
    let most = 0;
    const client = await start({
      elicit: async ({ message }) => {
        most = Math.max(most, ++open);
        await vi.waitFor(() => expect(most).toBe(3));
        open--;
        return { action: "accept", content: { n: message.charCodeAt(0) } };
      },
    });
    const answers = await outcomeOf(client, "together");
    expect(answers).toMatchObject({ a: { content: { n: 97 } }, c: { content: { n: 99 } } });
  });

  it("goes on for as many rounds as it takes, and no further", async () => {
    const client = await start(
      { elicit: () => ({ action: "accept", content: { n: 7 } }) },
      { limits: { maxInputRounds: 5 } },
    );
    expect(await client.call("rounds", { times: 5 })).toBe("35");
    // A legacy server asks within one request, whose bound is its deadline.
    if (era === "legacy") return;
    await expect(client.call("rounds", { times: 6 })).rejects.toMatchObject({
      code: "input_refused",
    });
  });

  it("does not hold the time that a person takes against the server", async () => {
    const client = await start(
      {
        elicit: async () => {
          await new Promise((resolve) => setTimeout(resolve, 400));
          return { action: "accept", content: {} };
        },
      },
      { timeoutMs: 200, maxTotalTimeoutMs: 300 },
    );
    expect(await outcomeOf(client, "form")).toMatchObject({ action: "accept" });
  });

  it("ends for its caller when the caller wants it to, and for the handler as well", async () => {
    const caller = new AbortController();
    let told: AbortSignal | undefined;
    const client = await start({
      elicit: (_params, { signal }) => {
        told = signal;
        caller.abort();
        return new Promise(() => {});
      },
    });
    await expect(client.callTool("form", {}, { signal: caller.signal })).rejects.toMatchObject({
      code: "aborted",
    });
    await vi.waitFor(() => expect(told?.aborted).toBe(true));
  });

  it("ends with the client, whatever the handler does", async () => {
    let asked = (): void => {};
    const started = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const client = await start({
      roots: () => {
        asked();
        return new Promise(() => {});
      },
    });
    const called = client.callTool("roots");
    const ended = expect(called).rejects.toMatchObject({ code: "closed" });
    await started;
    await client.close();
    await ended;
  });

  it("never says a question to nobody: the server knows what is not declared", async () => {
    const client = await start({});
    await expect(client.callTool("roots")).rejects.toThrow("Missing client capability: roots");
  });

  it("keeps the mistakes of a handler from the server", async () => {
    const client = await start({
      roots: () => {
        throw new Error("secret of this side");
      },
    });
    const failed = client.callTool("roots");
    // A modern request fails here; a legacy server is told that something went wrong, and answers by itself.
    const code = era === "modern" ? "input_refused" : -32603;
    await expect(failed).rejects.toMatchObject({ code });
    const { message } = (await failed.catch((error: unknown) => error)) as Error;
    expect(message.includes("secret")).toBe(era === "modern");
  });

  it("may refuse in the words of the protocol", async () => {
    const client = await start({
      sample: () => {
        throw new MCPError(-1, "User rejected sampling request");
      },
    });
    const code = era === "modern" ? "input_refused" : -1;
    await expect(client.callTool("model")).rejects.toMatchObject({ code });
  });
});

describe("a modern server that asks too much", () => {
  it.each([
    [{ maxInputRequests: 2 }, { inputRequests: { a: 0, b: 0, c: 0 } }, "more than 2 questions"],
    [{ maxRequestStateLength: 3 }, { requestState: "four" }, "more than 3 characters"],
  ])("is refused at the limit that the client set: %j", async (limits, members, says) => {
    const server = await scripted({
      era: "modern",
      script: { "tools/call": (request) => askFor(request, members) },
    });
    const refused = clientOf(server, { limits, handlers: { roots: [] } }).callTool("work");
    await expect(refused).rejects.toMatchObject({ code: "invalid_response" });
    await expect(refused).rejects.toThrow(says);
  });
});

describe("a modern server that wants a request later", () => {
  it("gets it later, a few times, with its state", async () => {
    const states: unknown[] = [];
    const server = await scripted({
      era: "modern",
      script: {
        "tools/call": (request) => {
          const { params = {}, id } = request.message;
          states.push(params["requestState"]);
          if (states.length > 2) return request.result({ content: [] });
          const result = { resultType: "input_required", requestState: `s${states.length}` };
          request.json({ jsonrpc: "2.0", id, result });
        },
      },
    });
    await clientOf(server).callTool("work");
    expect(states).toEqual([undefined, "s1", "s2"]);
  });
});

describe("a legacy server", () => {
  /** Answers the first call with -32042, and says that the URL is done with when the test lets it. */
  async function gated(era: WireEra, elicitations: unknown) {
    let stream: EventStream | undefined;
    let calls = 0;
    const server = await scripted({
      era,
      session: "s",
      script: {
        GET: (request) => {
          stream = request.stream();
        },
        "tools/call": (request) => {
          if (++calls > 1) return request.result({ content: [] });
          request.error(-32042, "URL elicitation required", { elicitations });
        },
      },
    });
    return {
      server,
      complete: (elicitationId: string) =>
        stream?.notify("notifications/elicitation/complete", { elicitationId }),
      calls: () => calls,
    };
  }
  const required = [
    { mode: "url", message: "Connect", url: "https://a.example/connect", elicitationId: "e1" },
  ];

  it("that wants a URL opened first has its request again once that is done", async () => {
    const { server, complete, calls } = await gated("legacy", required);
    const opened: string[] = [];
    const client = clientOf(server, {
      handlers: {
        elicit: {
          url: ({ url, elicitationId }) => {
            opened.push(`${elicitationId} ${url}`);
            return { action: "accept" };
          },
        },
      },
    });
    const called = client.callTool("work");
    await vi.waitFor(() => expect(opened).toEqual(["e1 https://a.example/connect"]));
    complete("another");
    await client.ping();
    expect(calls()).toBe(1);
    complete("e1");
    await called;
    expect(calls()).toBe(2);
  });

  it("is not asked twice when nobody opens it, and its error is the caller's", async () => {
    const { server, calls } = await gated("legacy", required);
    const client = clientOf(server, {
      handlers: { elicit: { url: () => ({ action: "decline" }) } },
    });
    await expect(client.callTool("work")).rejects.toMatchObject({
      code: -32042,
      data: { elicitations: required },
    });
    expect(calls()).toBe(1);
  });

  it("of the modern era must not speak so: the code means nothing", async () => {
    const { server, calls } = await gated("modern", required);
    let asked = 0;
    const url = () => {
      asked++;
      return { action: "accept" } as const;
    };
    const client = clientOf(server, { handlers: { elicit: { url } } });
    await expect(client.callTool("work")).rejects.toMatchObject({ code: -32042 });
    expect([asked, calls()]).toEqual([0, 1]);
  });

  it("is told of roots that change", async () => {
    const server = await scripted({
      era: "legacy",
      tools: [work],
      script: { "notifications/roots/list_changed": (request) => request.text("", 202) },
    });
    const client = clientOf(server, { handlers: { roots: () => [] } });
    // Without a connection there is nobody to be told.
    await client.rootsChanged();
    await client.connect();
    await client.rootsChanged();
    expect(server.count("notifications/roots/list_changed")).toBe(1);
    expect(server.received[0]?.message.params?.["capabilities"]).toEqual({
      roots: { listChanged: true },
    });
  });

  it("asks over the stream of the request that it serves, and gets one answer", async () => {
    const answers: unknown[] = [];
    let finish = (): void => {};
    const server = await scripted({
      era: "legacy",
      script: {
        "tools/call": (request) => {
          const stream = request.stream();
          const question = formQuestion({ name: { type: "string", default: "Ada" } });
          stream.message({ jsonrpc: "2.0", id: "q1", ...question });
          stream.message({ jsonrpc: "2.0", id: "q1", ...question });
          finish = () => {
            stream.message({ jsonrpc: "2.0", id: request.message.id, result: { content: [] } });
            stream.end();
          };
        },
        response: (request) => {
          answers.push(request.message);
          request.text("", 202);
          finish();
        },
      },
    });
    const client = clientOf(server, {
      handlers: { elicit: { form: () => ({ action: "accept" }) } },
    });
    await client.callTool("work");
    expect(answers).toEqual([
      { jsonrpc: "2.0", id: "q1", result: { action: "accept", content: { name: "Ada" } } },
    ]);
  });
});
