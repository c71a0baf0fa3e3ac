import { describe, expect, it } from "vitest";
import { registerAsking } from "./harness/asking-tools.ts";
import { useEverything } from "./harness/everything.ts";
import { fullLegacyCapabilities, openSession } from "./harness/legacy-session.ts";
import { type Params, textOf, type WireMessage } from "./harness/messages.ts";
import { useServer } from "./harness/servers.ts";

const levels = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
] as const;

const everything = useEverything();
const target = useServer((server) => {
  registerAsking(server);
  server.tool("chatty", {}, (_args, context) => {
    for (const level of levels) context.log(level, level);
    return "done";
  });
});

const full = { capabilities: fullLegacyCapabilities };

/** Answers the server's questions on a call's stream until the response comes. */
async function converse(
  url: string,
  tool: string,
  answer: (question: WireMessage) => Params,
  capabilities: Params = fullLegacyCapabilities,
) {
  const session = await openSession(url, { capabilities });
  const stream = await session.openTool(tool, { message: "Please", prompt: "Say hi" });
  const questions: WireMessage[] = [];
  for (;;) {
    const message = await stream.until(
      ({ method, id }) => method === undefined || id !== undefined,
    );
    if (message.method === undefined) return { questions, response: message, stream, session };
    questions.push(message);
    const posted = await session.respond(message.id, answer(message));
    expect(posted).toMatchObject({ status: 202, text: "" });
  }
}

const accept = (content: Params) => ({ action: "accept", content });

describe("requests of the server in a session", () => {
  it("[S25-24a, S25-04] are asked on the stream of the call and answered by another POST", async () => {
    const { questions, response } = await converse(target.url, "ask_name", () =>
      accept({ name: "Ada" }),
    );
    expect(questions).toMatchObject([
      {
        jsonrpc: "2.0",
        method: "elicitation/create",
        params: { message: "Your name?", requestedSchema: { type: "object" } },
      },
    ]);
    expect(textOf(response)).toBe("Hello, Ada");
  });

  it.each(["decline", "cancel"])("[S26-48b] may be met with %s", async (action) => {
    const { response } = await converse(target.url, "ask_name", () => ({ action }));
    expect(textOf(response)).toBe(action);
  });

  it("ask the model and the roots", async () => {
    const model = await converse(target.url, "ask_model", () => ({
      role: "assistant",
      content: { type: "text", text: "Paris" },
      model: "m",
      stopReason: "endTurn",
    }));
    expect(model.questions[0]?.method).toBe("sampling/createMessage");
    expect(textOf(model.response)).toContain("Paris");
    const roots = await converse(target.url, "ask_roots", () => ({
      roots: [{ uri: "file:///a" }],
    }));
    expect(roots.questions[0]?.method).toBe("roots/list");
    expect(textOf(roots.response)).toBe("file:///a");
  });

  it("are independent: several wait at the same time", async () => {
    const session = await openSession(target.url, full);
    const stream = await session.openTool("ask_all");
    const questions: WireMessage[] = [];
    while (questions.length < 3) questions.push(await stream.until(({ id }) => id !== undefined));
    expect(new Set(questions.map(({ id }) => id)).size).toBe(3);
    for (const { id, method } of questions.reverse()) {
      await session.respond(id, method === "roots/list" ? { roots: [] } : accept({ name: "Ada" }));
    }
    const response = await stream.until(({ method }) => method === undefined);
    expect(textOf(response)).toBe("accept accept 0");
  });

  it("[S25-24a] have ids that are not confused with those of the client", async () => {
    const session = await openSession(target.url, full);
    const stream = await session.openTool("ask_name");
    const question = await stream.until(({ method }) => method === "elicitation/create");
    // The client uses the very id of the server's question for a request of its own.
    const own = await session.post({ jsonrpc: "2.0", id: question.id, method: "ping" });
    expect(own.message).toEqual({ jsonrpc: "2.0", id: question.id, result: {} });
    await session.respond(question.id, accept({ name: "Ada" }));
    const response = await stream.until(({ method }) => method === undefined);
    expect(textOf(response)).toBe("Hello, Ada");
  });

  it.each([
    ["of the wrong shape", { anything: true }],
    ["with content that does not conform", accept({ name: 7 })],
    ["without content", { action: "accept" }],
  ])("[S26-31c] are not taken as answered by a result %s", async (_case, result) => {
    const session = await openSession(target.url, full);
    const stream = await session.openTool("ask_name");
    const question = await stream.until(({ method }) => method === "elicitation/create");
    await session.respond(question.id, result);
    const message = await stream.until(
      ({ method, id }) => method === undefined || id !== question.id,
    );
    expect(textOf(message) ?? "").not.toContain("Hello");
    stream.close();
    await session.end();
  });

  it("[S26-48b] may be met with an error, and the call ends with one", async () => {
    const session = await openSession(target.url, full);
    const stream = await session.openTool("ask_name");
    const question = await stream.until(({ method }) => method === "elicitation/create");
    await session.post({
      jsonrpc: "2.0",
      id: question.id,
      error: { code: -1, message: "private reason" },
    });
    const response = await stream.until(({ method }) => method === undefined);
    expect(response.error ?? response.result?.isError).toBeTruthy();
  });

  it("an answer that comes twice, late or unasked does no harm", async () => {
    const { session, questions } = await converse(target.url, "ask_name", () =>
      accept({ name: "Ada" }),
    );
    for (const id of [questions[0]?.id ?? null, 4711, "no such"]) {
      expect((await session.respond(id, accept({ name: "Bob" }))).status).toBeLessThan(500);
    }
    expect((await session.request("ping")).status).toBe(200);
  });
});

describe("elicitation by URL", () => {
  it("[S25-10a] carries an id", async () => {
    const { questions, response } = await converse(target.url, "ask_url", () => ({
      action: "accept",
    }));
    expect(questions[0]?.params).toMatchObject({
      mode: "url",
      message: "Please log in",
      url: "https://login.example/start",
      elicitationId: expect.stringMatching(/^\S{8,}$/),
    });
    expect(textOf(response)).toBe("accept");
  });

  it("[S25-10a] carries another id each time", async () => {
    const ids = new Set<unknown>();
    for (let n = 0; n < 3; n++) {
      const { questions } = await converse(target.url, "ask_url", () => ({ action: "accept" }));
      ids.add(questions[0]?.params?.["elicitationId"]);
    }
    expect(ids.size).toBe(3);
  });

  it("[S25-10c, S25-02] is not tried with a client that has forms only", async () => {
    const session = await openSession(target.url, { capabilities: { elicitation: {} } });
    const { message, messages } = await session.callTool("ask_url");
    expect(messages).toHaveLength(1);
    expect(message?.error ?? message?.result?.isError).toBeTruthy();
    expect(message?.error?.code).not.toBe(-32042);
  });

  it("[S25-10b] tells nobody else of it", async () => {
    const bystander = await openSession(target.url, full);
    const get = await bystander.get();
    await converse(target.url, "ask_url", () => ({ action: "accept" }));
    target.server.tool("appears", {}, () => "").remove();
    const first = await get.next();
    expect(first?.method).toBe("notifications/tools/list_changed");
    expect(get.messages).toHaveLength(1);
    get.close();
  });
});

describe("logging in a session", () => {
  it.each(levels.map((level, index) => [level, levels.slice(index)] as const))(
    "follows logging/setLevel %s",
    async (level, expected) => {
      const session = await openSession(target.url);
      const set = await session.request("logging/setLevel", { level });
      expect(set.message?.result).toEqual({});
      const { messages } = await session.callTool("chatty");
      expect(messages.slice(0, -1).map(({ params }) => params?.["level"])).toEqual(expected);
    },
  );

  it("is one session's own", async () => {
    const [loud, quiet] = [await openSession(target.url), await openSession(target.url)];
    await loud.request("logging/setLevel", { level: "debug" });
    await quiet.request("logging/setLevel", { level: "emergency" });
    expect((await loud.callTool("chatty")).messages).toHaveLength(levels.length + 1);
    expect((await quiet.callTool("chatty")).messages).toHaveLength(2);
  });

  it.each(["loud", 7, undefined])("refuses the level %j", async (level) => {
    const session = await openSession(target.url);
    const { message } = await session.request("logging/setLevel", { level });
    expect(message?.error?.code).toBe(-32602);
  });
});

describe("apps/everything", () => {
  it("samples, elicits and logs", async () => {
    const sampled = await converse(everything.url, "test_sampling", () => ({
      role: "assistant",
      content: { type: "text", text: "from the model" },
      model: "m",
      stopReason: "endTurn",
    }));
    expect(textOf(sampled.response)).toContain("from the model");
    const elicited = await converse(everything.url, "test_elicitation", () =>
      accept({ username: "ada", email: "ada@example.com" }),
    );
    expect(textOf(elicited.response)).toContain("ada");
    const session = await openSession(everything.url);
    await session.request("logging/setLevel", { level: "debug" });
    const { messages } = await session.callTool("test_tool_with_logging");
    expect(messages.filter(({ method }) => method === "notifications/message")).toHaveLength(3);
  });
});
