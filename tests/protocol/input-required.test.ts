import { createProcessKeyRing } from "@backplane/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerAsking } from "./harness/asking-tools.ts";
import { callTool, type Exchange, modern } from "./harness/http.ts";
import { fullCapabilities, type Params, textOf, type WireMessage } from "./harness/messages.ts";
import { type RunningServer, startServer, useServer } from "./harness/servers.ts";

const target = useServer(registerAsking);
const form = { elicitation: { form: {} } };

/** Sends the request again with answers and the state of the last round. */
function retry(
  method: string,
  params: Params,
  last: WireMessage | undefined,
  inputResponses: unknown,
  capabilities: Params = fullCapabilities,
  url: string = target.url,
): Promise<Exchange> {
  const { requestState } = last?.result ?? {};
  return modern(
    url,
    method,
    { ...params, inputResponses, ...(requestState !== undefined && { requestState }) },
    { id: "retry", capabilities },
  );
}

function ask(name: string, args: Params = {}, capabilities: Params = fullCapabilities) {
  return callTool(target.url, name, args, { capabilities });
}

const accept = (content: Params) => ({ action: "accept", content });

describe("an input_required result", () => {
  it("[S26-12, S26-28a, S26-28b, S26-47a] asks for elicitation, sampling and roots, each under its key", async () => {
    const { status, message, messages } = await ask("ask_all");
    expect(status).toBe(200);
    expect(messages).toHaveLength(1);
    expect(message?.result?.resultType).toBe("input_required");
    expect(Object.keys(message?.result?.inputRequests ?? {}).sort()).toEqual([
      "first",
      "roots",
      "second",
    ]);
    expect(message?.result?.inputRequests?.["first"]).toMatchObject({
      method: "elicitation/create",
      params: { message: "First?", requestedSchema: { type: "object" } },
    });
    expect(message?.result?.inputRequests?.["roots"]).toMatchObject({ method: "roots/list" });
    for (const request of Object.values(message?.result?.inputRequests ?? {})) {
      expect(["elicitation/create", "sampling/createMessage", "roots/list"]).toContain(
        request.method,
      );
      expect(request).not.toHaveProperty("id");
    }
  });

  it("[S26-28b] asks the model in the form of sampling/createMessage", async () => {
    const { message } = await ask("ask_model");
    expect(message?.result?.inputRequests).toMatchObject({
      capital: { method: "sampling/createMessage", params: { maxTokens: 10 } },
    });
  });

  it("[S26-28b] never holds one key for two questions", async () => {
    const { message } = await ask("ask_one_key_twice");
    expect(message?.error?.code).toBe(-32603);
  });

  it("[S26-43a] carries no cache hints, also on resources/read", async () => {
    const { message } = await modern(
      target.url,
      "resources/read",
      { uri: "ask://resource" },
      { capabilities: form },
    );
    expect(message?.result?.resultType).toBe("input_required");
    expect(message?.result).not.toHaveProperty("ttlMs");
    expect(message?.result).not.toHaveProperty("cacheScope");
  });

  it("[S26-28a] cannot be swallowed by a handler that catches everything", async () => {
    const first = await ask("ask_and_swallow");
    expect(first.message?.result?.resultType).toBe("input_required");
    const answers = { name: accept({ name: "Ada" }) };
    const params = { name: "ask_and_swallow", arguments: {} };
    const second = await retry("tools/call", params, first.message, answers);
    expect(textOf(second.message)).toBe("told accept");
  });

  it.each([
    ["prompts/get", { name: "ask_prompt" }],
    ["resources/read", { uri: "ask://resource" }],
  ])("[S26-27] is served on %s too", async (method, params) => {
    const first = await modern(target.url, method, params, { capabilities: form });
    expect(first.message?.result?.resultType).toBe("input_required");
    const answers = { name: accept({ name: "Ada" }) };
    const second = await retry(method, params, first.message, answers);
    expect(second.message?.result?.resultType).toBe("complete");
    expect(second.text).toContain("Ada");
  });

  it.each([
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "server/discover",
    "completion/complete",
  ])("[S26-27] never answers %s", async (method) => {
    const params = {
      ref: { type: "ref/prompt", name: "ask_prompt" },
      argument: { name: "x", value: "" },
      inputResponses: { name: accept({ name: "Ada" }) },
      requestState: "junk",
    };
    const { message } = await modern(target.url, method, params, {
      capabilities: fullCapabilities,
    });
    expect(message?.result?.resultType).toBe("complete");
  });
});

describe("a retry", () => {
  const params = { name: "ask_name", arguments: { greeting: "Hi" } };

  it("completes with the answer", async () => {
    const first = await ask("ask_name", { greeting: "Hi" });
    const answers = { name: accept({ name: "Ada" }) };
    const second = await retry("tools/call", params, first.message, answers);
    expect(second.message).toMatchObject({ id: "retry", result: { resultType: "complete" } });
    expect(textOf(second.message)).toBe("Hi, Ada");
  });

  it("carries earlier answers in the state alone", async () => {
    const again = { name: "ask_twice", arguments: {} };
    const first = await ask("ask_twice");
    const second = await retry("tools/call", again, first.message, {
      first: accept({ name: "Ada" }),
    });
    expect(Object.keys(second.message?.result?.inputRequests ?? {})).toEqual(["second"]);
    expect(second.message?.result?.requestState).not.toBe(first.message?.result?.requestState);
    const third = await retry("tools/call", again, second.message, {
      second: accept({ name: "Bob" }),
    });
    expect(textOf(third.message)).toBe("Ada and Bob");
  });

  it("takes the answers of the model and of roots", async () => {
    const model = await ask("ask_model");
    const sampled = await retry("tools/call", { name: "ask_model", arguments: {} }, model.message, {
      capital: { role: "assistant", content: { type: "text", text: "Paris" }, model: "m" },
    });
    expect(textOf(sampled.message)).toContain("Paris");
    const roots = await ask("ask_roots");
    const listed = await retry("tools/call", { name: "ask_roots", arguments: {} }, roots.message, {
      roots: { roots: [{ uri: "file:///a" }, { uri: "file:///b" }] },
    });
    expect(textOf(listed.message)).toBe("file:///a file:///b");
  });

  it.each(["decline", "cancel"])("[S26-48b] takes %s as an ordinary outcome", async (action) => {
    const first = await ask("ask_name");
    const second = await retry("tools/call", { name: "ask_name", arguments: {} }, first.message, {
      name: { action },
    });
    expect(textOf(second.message)).toBe(action);
    expect(second.message?.result?.isError).not.toBe(true);
  });

  it("[S26-31a] is asked again for what is missing", async () => {
    const all = { name: "ask_all", arguments: {} };
    const first = await ask("ask_all");
    const second = await retry("tools/call", all, first.message, {
      first: accept({ name: "Ada" }),
      roots: { roots: [] },
    });
    expect(second.message?.result?.resultType).toBe("input_required");
    expect(Object.keys(second.message?.result?.inputRequests ?? {})).toEqual(["second"]);
    const third = await retry("tools/call", all, second.message, {
      second: accept({ name: "Bob" }),
    });
    expect(textOf(third.message)).toBe("accept accept 0");
  });

  it("[S26-31a] is asked again when it brings no answer at all", async () => {
    const first = await ask("ask_name", { greeting: "Hi" });
    const second = await retry("tools/call", params, first.message, {});
    expect(Object.keys(second.message?.result?.inputRequests ?? {})).toEqual(["name"]);
  });

  it("[S26-31b] may hold answers that nobody asked for", async () => {
    const first = await ask("ask_name", { greeting: "Hi" });
    const second = await retry("tools/call", params, first.message, {
      name: accept({ name: "Ada" }),
      other: { anything: true },
      constructor: { action: "accept" },
    });
    expect(textOf(second.message)).toBe("Hi, Ada");
  });

  it.each([
    ["a number", 42],
    ["null", null],
    ["a list", []],
    ["a text", "yes"],
    ["an answer that is no object", { name: "Ada" }],
    ["an answer that is null", { name: null }],
    ["an answer without action", { name: { content: { name: "Ada" } } }],
    ["an unknown action", { name: { action: "maybe" } }],
    ["content that does not conform", { name: accept({ name: 7 }) }],
    ["content that is too short", { name: accept({ name: "A" }) }],
    ["an accepted form without content", { name: { action: "accept" } }],
  ])("[S26-31c] does not complete with %s", async (_case, answers) => {
    const first = await ask("ask_name", { greeting: "Hi" });
    const { status, message } = await retry("tools/call", params, first.message, answers);
    expect(status).toBeLessThan(500);
    const asked = message?.result?.resultType === "input_required";
    const refused = message?.error?.code === -32602;
    expect(asked || refused, JSON.stringify(message)).toBe(true);
  });
});

describe("requestState", () => {
  const params = { name: "ask_name", arguments: { greeting: "Hi" } };
  const answers = { name: accept({ name: "Ada" }) };

  async function state(): Promise<string> {
    const { message } = await ask("ask_name", { greeting: "Hi" });
    const text = message?.result?.requestState;
    if (text === undefined) throw new Error("no requestState");
    return text;
  }

  function redeem(requestState: unknown, other: Params = params, method = "tools/call") {
    return modern(
      target.url,
      method,
      { ...other, inputResponses: answers, requestState },
      { capabilities: fullCapabilities },
    );
  }

  it("[S26-29a] shows nothing of what it holds", async () => {
    const again = { name: "ask_twice", arguments: {} };
    const first = await ask("ask_twice");
    const second = await retry("tools/call", again, first.message, {
      first: accept({ name: "Confidential" }),
    });
    const sealed = second.message?.result?.requestState ?? "";
    const decoded = Buffer.from(sealed, "base64url").toString("latin1");
    expect(sealed + decoded).not.toContain("Confidential");
    expect(sealed.length).toBeLessThanOrEqual(16 * 1024);
  });

  it("[S26-29a] is refused when any part of it was altered", async () => {
    const good = await state();
    const flip = (index: number) => {
      const character = good[index] === "A" ? "B" : "A";
      return good.slice(0, index) + character + good.slice(index + 1);
    };
    const middle = Math.floor(good.length / 2);
    for (const index of [0, 1, middle, good.length - 3]) {
      expect((await redeem(flip(index))).message?.error?.code).toBe(-32602);
    }
    expect((await redeem(good)).message?.result?.resultType).toBe("complete");
  });

  it.each([
    ["a text of someone else", "eyJhIjoxfQ"],
    ["an empty text", ""],
    ["a long text", "A".repeat(100_000)],
    ["a number", 7],
    ["an object", {}],
    ["null", null],
  ])("[S26-29a] is refused when it is %s", async (_case, forged) => {
    const { status, message } = await redeem(forged);
    expect(status).toBeLessThan(500);
    expect(message?.error?.code).toBe(-32602);
  });

  it("[S26-29a] is refused when another key ring made it", async () => {
    const other = await startServer(registerAsking);
    try {
      const foreign = await callTool(
        other.url,
        "ask_name",
        { greeting: "Hi" },
        {
          capabilities: form,
        },
      );
      const { message } = await redeem(foreign.message?.result?.requestState);
      expect(message?.error?.code).toBe(-32602);
    } finally {
      await other.server.stop();
    }
  });

  it.each([
    ["another tool", { name: "ask_name_again", arguments: { greeting: "Hi" } }, "tools/call"],
    ["other arguments", { name: "ask_name", arguments: { greeting: "Ho" } }, "tools/call"],
    ["another method", { name: "ask_prompt" }, "prompts/get"],
  ])("[S26-29b] is refused on %s", async (_case, other, method) => {
    const { message } = await redeem(await state(), other, method);
    expect(message?.error?.code).toBe(-32602);
  });

  it("[S26-29b] is the same for arguments in another order", async () => {
    const ordered = { name: "ask_all", arguments: { a: 1, b: { c: 2, d: 3 } } };
    const first = await ask("ask_all", ordered.arguments);
    const { message } = await retry(
      "tools/call",
      { name: "ask_all", arguments: { b: { d: 3, c: 2 }, a: 1 } },
      first.message,
      {},
    );
    expect(message?.result?.resultType).toBe("input_required");
  });

  it("[S26-29b] is refused after its lifetime", async () => {
    const short = await startServer(registerAsking, { requestStateTtlMs: 1 });
    try {
      const first = await callTool(short.url, "ask_name", {}, { capabilities: form });
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { message } = await retry(
        "tools/call",
        { name: "ask_name", arguments: {} },
        first.message,
        answers,
        form,
        short.url,
      );
      expect(message?.error?.code).toBe(-32602);
    } finally {
      await short.server.stop();
    }
  });
});

describe("two replicas with one key ring", () => {
  const replicas: RunningServer[] = [];
  beforeAll(async () => {
    const keyRing = createProcessKeyRing();
    for (let n = 0; n < 2; n++) replicas.push(await startServer(registerAsking, { keyRing }));
  });
  afterAll(() => Promise.all(replicas.map(({ server }) => server.stop())));

  it("[S26-30b, S26-03b] serve each other's retries", async () => {
    const [one, two] = replicas as [RunningServer, RunningServer];
    const again = { name: "ask_twice", arguments: {} };
    const first = await callTool(one.url, "ask_twice", {}, { capabilities: form });
    const second = await retry(
      "tools/call",
      again,
      first.message,
      { first: accept({ name: "Ada" }) },
      form,
      two.url,
    );
    const third = await retry(
      "tools/call",
      again,
      second.message,
      { second: accept({ name: "Bob" }) },
      form,
      one.url,
    );
    expect(textOf(third.message)).toBe("Ada and Bob");
  });
});

describe("capabilities of the client", () => {
  it.each([
    ["ask_name", {}, { elicitation: {} }],
    ["ask_name", { elicitation: { url: {} } }, { elicitation: { form: {} } }],
    ["ask_url", { elicitation: { form: {} } }, { elicitation: { url: {} } }],
    ["ask_url", { elicitation: {} }, { elicitation: { url: {} } }],
    ["ask_model", { elicitation: {} }, { sampling: {} }],
    ["ask_roots", { elicitation: {} }, { roots: {} }],
    ["ask_model_with_tools", { sampling: {} }, { sampling: { tools: {} } }],
  ])("[S26-05, S26-30a, S26-47c, S26-51a] %s is not asked of %j", async (name, has, required) => {
    const { status, message } = await ask(name, {}, has);
    expect(status).toBe(400);
    expect(message?.error?.code).toBe(-32021);
    expect(message?.error?.data?.["requiredCapabilities"]).toMatchObject(required);
  });

  it.each([
    ["ask_name", { elicitation: {} }],
    ["ask_name", { elicitation: { form: {} } }],
    ["ask_url", { elicitation: { url: {} } }],
    ["ask_model", { sampling: {} }],
    ["ask_model_with_tools", { sampling: { tools: {} } }],
    ["ask_roots", { roots: {} }],
  ])("[S26-30a] %s is asked of %j", async (name, has) => {
    const { message } = await ask(name, {}, has);
    expect(message?.result?.resultType).toBe("input_required");
  });

  it("[S26-30a, S26-03a] count for the retry itself, not for an earlier round", async () => {
    const first = await ask("ask_twice", {}, form);
    const { status, message } = await retry(
      "tools/call",
      { name: "ask_twice", arguments: {} },
      first.message,
      { first: accept({ name: "Ada" }) },
      {},
    );
    expect(status).toBe(400);
    expect(message?.error?.code).toBe(-32021);
  });

  it("[S26-47a] ask by URL with a message and a valid URL, without a legacy id", async () => {
    const { message } = await ask("ask_url");
    const request = message?.result?.inputRequests?.["login"];
    expect(request).toMatchObject({
      method: "elicitation/create",
      params: { mode: "url", message: "Please log in" },
    });
    expect(URL.canParse(String(request?.params?.["url"]))).toBe(true);
    expect(request?.params).not.toHaveProperty("elicitationId");
  });

  it.each([
    ["no URL", "not a url"],
    ["a path", "/login"],
    ["a script", "javascript:alert(1)"],
    ["a file", "file:///etc/passwd"],
    ["plain HTTP to a remote host", "http://login.example/start"],
    ["credentials", "https://user:secret@login.example/start"],
  ])("[S26-47a, S26-49a] are never asked to open what is %s", async (_case, url) => {
    const { message, text } = await ask("ask_any_url", { url });
    expect(message?.error?.code).toBe(-32603);
    expect(text).not.toContain("secret");
  });

  it.each(["https://login.example/start", "http://127.0.0.1:8080/start"])(
    "[S26-47a] are asked to open %s",
    async (url) => {
      const { message } = await ask("ask_any_url", { url });
      expect(message?.result?.inputRequests?.["login"]).toMatchObject({ params: { url } });
    },
  );
});

describe("tool use in the messages to a model", () => {
  const user = (content: unknown) => ({ role: "user", content });
  const assistant = (content: unknown) => ({ role: "assistant", content });
  const text = { type: "text", text: "hello" };
  const use = (id: string) => ({ type: "tool_use", id, name: "lookup", input: {} });
  const result = (toolUseId: string) => ({ type: "tool_result", toolUseId, content: [] });

  it("[S26-51b] is asked with its results, alone, in the next message", async () => {
    const messages = [
      user(text),
      assistant([use("a"), use("b")]),
      user([result("b"), result("a")]),
    ];
    const { message } = await ask("ask_model_with_history", { messages });
    expect(message?.result?.inputRequests?.["next"]).toMatchObject({ params: { messages } });
  });

  it.each([
    ["without an answer", [user(text), assistant(use("a"))]],
    ["with a text for an answer", [user(text), assistant(use("a")), user(text)]],
    ["with a result missing", [user(text), assistant([use("a"), use("b")]), user(result("a"))]],
    ["with the result of another", [user(text), assistant(use("a")), user(result("b"))]],
    ["with a text beside its result", [user(text), assistant(use("a")), user([result("a"), text])]],
    ["with a result of nothing", [user(text), assistant(text), user(result("a"))]],
  ])("[S26-51b] is not asked %s", async (_case, messages) => {
    const { message } = await ask("ask_model_with_history", { messages });
    expect(message?.error?.code).toBe(-32603);
  });
});
