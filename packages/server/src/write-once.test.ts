import {
  createMemoryEventBus,
  createMemoryEventLog,
  createMemorySessionStore,
  createProcessKeyRing,
  HEADER_METHOD,
  HEADER_NAME,
  HEADER_PROTOCOL_VERSION,
  type InputContext,
  isModernRevision,
  META_CLIENT_CAPABILITIES,
  META_PROTOCOL_VERSION,
  type Revision,
} from "@backplane/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  POST_HEADERS,
  RawSession,
  requestMessage,
  send,
  type WireMessage,
} from "./http/raw-client.test-support.ts";
import { quietServer } from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";

const PARTY = {
  message: "For whom?",
  schema: z.object({
    name: z.string().min(2),
    size: z.enum(["small", "large"]).default("small"),
  }),
};
const CONFIRM = { message: "Really?", schema: z.object({ ok: z.boolean() }) };

/** What the handler did, over all of its runs. */
let effects: string[];

/** The one handler: it knows nothing of eras. */
async function book(_args: unknown, ctx: InputContext): Promise<string> {
  const { party, when } = await ctx.elicitAll({
    party: PARTY,
    when: {
      message: "When?",
      schema: { type: "object", properties: { date: { type: "string", format: "date" } } },
    },
  });
  if (party.action !== "accept" || when.action !== "accept") return "not booked";
  const hold = await ctx.once("hold", () => {
    effects.push("hold");
    return effects.length;
  });
  const [roots, advice] = await Promise.all([
    ctx.roots("roots"),
    ctx.sample("advice", {
      messages: [{ role: "user", content: { type: "text", text: "Which table?" } }],
      maxTokens: 10,
    }),
  ]);
  let paid = "unpaid";
  if (ctx.client.capabilities.elicitation?.url !== undefined) {
    paid = (await ctx.elicit("pay", { message: "Pay", url: "https://example.com/pay" })).action;
  }
  let sure: string;
  try {
    sure = String((await ctx.elicit("sure", CONFIRM)).content?.ok);
  } catch (error) {
    // Catches everything, the end of a round included, which must not matter.
    sure = String(error);
  }
  const { name, size } = party.content ?? {};
  const text = (advice.content as { text: string }).text;
  return [name, size, when.content?.["date"], hold, roots.length, text, paid, sure].join(" ");
}

type Ask = { readonly method: string; readonly params: { readonly message?: string } };
type Answer = (ask: Ask) => object;

/** What a user, a model and a file system say, whichever way they are asked. */
function answer({ method, params }: Ask): object {
  if (method === "roots/list") return { roots: [{ uri: "file:///a" }, { uri: "file:///b" }] };
  if (method === "sampling/createMessage") {
    return { role: "assistant", model: "m", content: { type: "text", text: "window" } };
  }
  const content: Record<string, object | undefined> = {
    "For whom?": { name: "Ada" },
    "When?": { date: "2026-08-01" },
    "Really?": { ok: true },
  };
  return { action: "accept", content: content[params.message ?? ""] };
}

const servers: MCPServer[] = [];
let urls: readonly string[] = [];

beforeAll(async () => {
  const shared = {
    keyRing: createProcessKeyRing(),
    sessionStore: createMemorySessionStore(),
    eventLog: createMemoryEventLog(),
    eventBus: createMemoryEventBus(),
  };
  urls = await Promise.all(
    [1, 2].map(async () => {
      const server = quietServer([], shared);
      server.tool("book", {}, book);
      server.prompt("book", {}, book);
      server.resource("test://book", {}, (_read, ctx) => book({}, ctx));
      servers.push(server);
      return (await server.start({ port: 0, drainTimeoutMs: 1 })).url as string;
    }),
  );
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));
beforeEach(() => {
  effects = [];
});

interface Outcome {
  readonly message: WireMessage;
  readonly asked: readonly string[];
}

/** A modern client: asks come as results, and each retry goes to the other server. */
async function modernly(
  revision: Revision,
  capabilities: object,
  method: string,
  params: Record<string, unknown>,
  reply: Answer,
): Promise<Outcome> {
  const asked: string[] = [];
  let more: object = {};
  for (let round = 0; ; round++) {
    const _meta = { [META_PROTOCOL_VERSION]: revision, [META_CLIENT_CAPABILITIES]: capabilities };
    const headers = {
      ...POST_HEADERS,
      [HEADER_PROTOCOL_VERSION]: revision,
      [HEADER_METHOD]: method,
      [HEADER_NAME]: String(params["name"] ?? params["uri"]),
    };
    const body = requestMessage(round, method, { ...params, ...more, _meta });
    const message = await (await send(urls[round % 2] ?? "", "POST", headers, body)).json();
    if (message.result?.resultType !== "input_required") return { message, asked };
    const asks = Object.entries<Ask>(message.result.inputRequests);
    asked.push(...asks.map(([key]) => key));
    more = {
      requestState: message.result.requestState,
      inputResponses: Object.fromEntries(asks.map(([key, ask]) => [key, reply(ask)])),
    };
  }
}

/** A legacy client: asks come as requests on the stream, and each answer goes to the other server. */
async function legacily(
  revision: Revision,
  capabilities: object,
  method: string,
  params: Record<string, unknown>,
  reply: Answer,
): Promise<Outcome> {
  const [here = "", there = ""] = urls;
  const session = await RawSession.open(here, { revision, capabilities });
  const response = await session.open(here, method, params);
  const asked: string[] = [];
  for (;;) {
    if (!response.isStream) return { message: await response.json(), asked };
    const event = await response.nextEvent();
    if (event?.data === undefined || event.data === "") continue;
    const message = JSON.parse(event.data) as WireMessage;
    if (message.method === undefined) return { message, asked };
    asked.push((message.params?.message as string | undefined) ?? message.method);
    expect(await session.answer(there, message.id, reply(message as Ask))).toBe(202);
  }
}

const MODEL_AND_ROOTS = { sampling: {}, roots: {} };

describe.each<[Revision, object, string]>([
  ["2026-07-28", { elicitation: { form: {}, url: {} }, ...MODEL_AND_ROOTS }, "accept"],
  ["2026-07-28", { elicitation: {}, ...MODEL_AND_ROOTS }, "unpaid"],
  ["2025-11-25", { elicitation: { form: {}, url: {} }, ...MODEL_AND_ROOTS }, "accept"],
  ["2025-06-18", { elicitation: {}, ...MODEL_AND_ROOTS }, "unpaid"],
])("one handler, asked by a client of %s with %j", (revision, capabilities, paid) => {
  const run = (method: string, params: Record<string, unknown>, reply: Answer = answer) =>
    (isModernRevision(revision) ? modernly : legacily)(
      revision,
      capabilities,
      method,
      params,
      reply,
    );
  const booked = `Ada small 2026-08-01 1 2 window ${paid} true`;

  it("gives one result, and does once what it does once", async () => {
    const { message, asked } = await run("tools/call", { name: "book", arguments: {} });
    expect(message.result?.content).toEqual([{ type: "text", text: booked }]);
    expect(asked).toHaveLength(paid === "unpaid" ? 5 : 6);
    expect(effects).toEqual(["hold"]);
  });

  it("asks in prompts and resources alike", async () => {
    const prompt = await run("prompts/get", { name: "book" });
    expect(prompt.message.result?.messages[0].content.text).toBe(booked);
    effects = [];
    const resource = await run("resources/read", { uri: "test://book" });
    expect(resource.message.result?.contents[0].text).toBe(booked);
  });

  it.each(["decline", "cancel"])("takes %s for an answer", async (action) => {
    const { message } = await run("tools/call", { name: "book", arguments: {} }, () => ({
      action,
    }));
    expect(message.result?.content).toEqual([{ type: "text", text: "not booked" }]);
    expect(effects).toEqual([]);
  });

  it("is not asked what it did not declare", async () => {
    const { elicitation } = capabilities as { elicitation: object };
    const run = isModernRevision(revision) ? modernly : legacily;
    const params = { name: "book", arguments: {} };
    const { message, asked } = await run(revision, { elicitation }, "tools/call", params, answer);
    expect(asked).toHaveLength(2);
    expect(message.error).toMatchObject({
      // -32021 has no meaning to a legacy client.
      code: isModernRevision(revision) ? -32021 : -32600,
      data: { requiredCapabilities: { roots: {} } },
    });
  });
});
