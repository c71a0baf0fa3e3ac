import { type JsonObject, type JsonRpcRequest, MCPError } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MCPClientError } from "./errors.ts";
import { checkInputHandlers } from "./input/check-handlers.ts";
import type { InputHandlers, InputRequestContext } from "./input-handlers.ts";
import { createInputResponder } from "./input-responses.ts";
import type { Link } from "./link.ts";
import { recordLog, until } from "./recorders.test-support.ts";

const NEVER = new AbortController().signal;
const FORM = {
  mode: "form",
  message: "Who?",
  requestedSchema: {
    type: "object",
    properties: { name: { type: "string", default: "John" }, age: { type: "integer" } },
  },
};
const URL_ASK = { mode: "url", message: "Pay", url: "https://pay.example/x", elicitationId: "e1" };
const SAMPLE = {
  messages: [{ role: "user", content: { type: "text", text: "Hi" } }],
  maxTokens: 10,
};
const SAID = { role: "assistant", model: "m", content: { type: "text", text: "Hello" } } as const;

function rig(handlers: InputHandlers, closing?: AbortSignal) {
  const clock = createFakeClock();
  const log = recordLog();
  const responder = createInputResponder(handlers, {
    serverName: () => "server",
    logger: log,
    clock,
    random: () => 0,
    limits: { maxInputRequests: 64, maxRequestStateLength: 65_536 },
    ...(closing !== undefined && { closing }),
  });
  const round = (inputRequests: unknown, more: object = {}, signal = NEVER) =>
    responder.answerRound(
      "tools/call",
      { resultType: "input_required", inputRequests, ...more } as JsonObject,
      1,
      signal,
    );
  const request = (method: string, params?: object, signal = NEVER) =>
    responder.answerServerRequest(
      { jsonrpc: "2.0", id: 1, method, params } as JsonRpcRequest,
      "tools/call",
      signal,
    );
  return { responder, clock, log, round, request };
}

const accept = (content?: Record<string, unknown>) => async () => ({
  action: "accept" as const,
  ...(content !== undefined && { content }),
});

describe("capabilities", () => {
  it.each<[InputHandlers, object]>([
    [{}, {}],
    [{ elicit: {} }, {}],
    [{ elicit: { form: accept() } }, { elicitation: { form: {} } }],
    [{ elicit: { url: accept() } }, { elicitation: { url: {} } }],
    [{ sample: async () => SAID }, { sampling: {} }],
    [{ sample: async () => SAID, sampleTools: true }, { sampling: { tools: {} } }],
    [{ roots: [] }, { roots: {} }],
    [{ roots: () => [] }, { roots: { listChanged: true } }],
  ])("4b.23: are those of the handlers", (handlers, declared) => {
    expect(rig(handlers).responder.capabilities).toEqual(declared);
  });

  it.each([
    [{ elicitate: {} }, "elicitate"],
    [{ elicit: { forms: accept() } }, "forms"],
    [{ elicit: { form: {} } }, "handlers.elicit.form"],
    [{ sample: "yes" }, "handlers.sample"],
    [{ sampleTools: true }, "handlers.sampleTools"],
    [{ sample: () => SAID, sampleTools: 1 }, "handlers.sampleTools"],
    [{ roots: [{ uri: "https://a.example" }] }, "handlers.roots"],
    [{ roots: [{ uri: "file:///a/../b" }] }, "handlers.roots"],
    [{ roots: [{ uri: "file:///a/%2E./b" }] }, "handlers.roots"],
    [{ roots: "file:///a" }, "handlers.roots"],
  ])("need handlers that are some: %j", (handlers, named) => {
    const check = () => checkInputHandlers("MCPClient", handlers as never);
    expect(check).toThrow(TypeError);
    expect(check).toThrow(named);
  });
});

describe("a round", () => {
  it("4b.16: answers all kinds with bare results and gives the state back as it came", async () => {
    const state = "\u2028 opaque \ud83d\ude00";
    const asked: string[] = [];
    const { round } = rig({
      elicit: {
        form: ({ message }, { serverName, method }) => {
          asked.push(message, String(serverName), String(method));
          return { action: "accept", content: { age: 3 } };
        },
        url: () => ({ action: "decline" }),
      },
      sample: () => SAID,
      roots: [{ uri: "file:///home" }],
    });
    const { elicitationId: _, ...modernUrl } = URL_ASK;
    const answered = await round(
      {
        a: { method: "elicitation/create", params: FORM },
        b: { method: "elicitation/create", params: modernUrl },
        c: { method: "sampling/createMessage", params: SAMPLE },
        d: { method: "roots/list" },
      },
      { requestState: state },
    );
    expect(answered).toEqual({
      delayMs: 0,
      params: {
        requestState: state,
        inputResponses: {
          a: { action: "accept", content: { name: "John", age: 3 } },
          b: { action: "decline" },
          c: SAID,
          d: { roots: [{ uri: "file:///home" }] },
        },
      },
    });
    expect(asked).toEqual(["Who?", "server", "tools/call"]);
  });

  it("asks everything at once", async () => {
    let open = 0;
    let most = 0;
    const { round } = rig({
      roots: async () => {
        most = Math.max(most, ++open);
        await Promise.resolve();
        open--;
        return [];
      },
    });
    const keys = Array.from({ length: 64 }, (_, index) => [index, { method: "roots/list" }]);
    await round(Object.fromEntries(keys));
    expect(most).toBe(64);
  });

  it("keeps a key named __proto__ a key", async () => {
    const { round } = rig({ roots: [] });
    const requests = JSON.parse('{"__proto__":{"method":"roots/list"}}');
    const { params } = await round(requests);
    expect(JSON.stringify(params)).toBe('{"inputResponses":{"__proto__":{"roots":[]}}}');
  });

  it("without questions waits, longer with each round, and never invents answers", async () => {
    const { responder } = rig({});
    const delays: number[] = [];
    for (let round = 1; round <= 16; round++) {
      const result = { resultType: "input_required", requestState: "s" };
      const { params, delayMs } = await responder.answerRound("tools/call", result, round, NEVER);
      expect(params).toEqual({ requestState: "s" });
      delays.push(delayMs);
    }
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(Math.min(...delays)).toBeGreaterThan(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(10_000);
  });

  it.each([
    ["nothing", { resultType: "input_required" }],
    ["a state that is no string", { requestState: 7 }],
    ["a state without end", { requestState: "s".repeat(65_537) }],
    ["a list of questions", { inputRequests: [] }],
    ["null", { inputRequests: null }],
    ["too many questions", { inputRequests: Object.fromEntries(Array(65).fill(0).entries()) }],
    ["another method", { inputRequests: { a: { method: "tools/call", params: {} } } }],
    ["ping", { inputRequests: { a: { method: "ping" } } }],
    ["a question that is none", { inputRequests: { a: "roots/list" } }],
    ["an inherited method", { inputRequests: { a: {} } }],
  ])("is refused when it asks %s", async (_case, result) => {
    const { responder } = rig({ roots: [] });
    await expect(
      responder.answerRound("tools/call", result as JsonObject, 1, NEVER),
    ).rejects.toMatchObject({ code: "invalid_response", retry: "never" });
  });

  it("is refused where the method may not ask", async () => {
    const { responder } = rig({ roots: [] });
    const asked = responder.answerRound("tools/list", { requestState: "s" }, 1, NEVER);
    await expect(asked).rejects.toMatchObject({ code: "invalid_response" });
  });

  it.each([
    ["elicitation/create", FORM, {}, "handlers.elicit.form"],
    ["elicitation/create", FORM, { elicit: { url: accept() } }, "handlers.elicit.form"],
    ["elicitation/create", URL_ASK, { elicit: { form: accept() } }, "handlers.elicit.url"],
    ["sampling/createMessage", SAMPLE, {}, "handlers.sample"],
    ["sampling/createMessage", { ...SAMPLE, tools: [] }, { sample: () => SAID }, "sampleTools"],
    ["roots/list", undefined, {}, "handlers.roots"],
  ])("names the handler that is missing: %s", async (method, params, handlers, named) => {
    const refused = rig(handlers as InputHandlers).round({ a: { method, params } });
    await expect(refused).rejects.toMatchObject({ code: "input_refused", retry: "never" });
    await expect(refused).rejects.toThrow(named);
  });

  it.each<[string, object]>([
    ["elicitation/create", {}],
    ["elicitation/create", { message: "m" }],
    ["elicitation/create", { ...FORM, requestedSchema: { type: "object", properties: { x: {} } } }],
    ["elicitation/create", { ...URL_ASK, url: "javascript:alert(1)" }],
    ["elicitation/create", { ...URL_ASK, url: "file:///etc/passwd" }],
    ["elicitation/create", { ...URL_ASK, url: "data:text/html,x" }],
    ["elicitation/create", { ...URL_ASK, url: "http://pay.example/x" }],
    ["elicitation/create", { ...URL_ASK, url: "https://bank.example@evil.example/" }],
    ["elicitation/create", { ...URL_ASK, url: "https://evil.example/\u202egpj.exe" }],
    ["elicitation/create", { ...URL_ASK, url: "https://evil.example/\n" }],
    ["elicitation/create", { ...URL_ASK, url: "relative" }],
    ["elicitation/create", { ...URL_ASK, elicitationId: "x".repeat(1025) }],
    ["sampling/createMessage", { ...SAMPLE, maxTokens: 0 }],
    ["sampling/createMessage", { ...SAMPLE, messages: "Hi" }],
    ["sampling/createMessage", { ...SAMPLE, temperature: "hot" }],
    ["sampling/createMessage", { ...SAMPLE, includeContext: "everything" }],
    ["sampling/createMessage", { ...SAMPLE, toolChoice: { mode: "maybe" } }],
    ["sampling/createMessage", { ...SAMPLE, messages: [null] }],
  ])("asks nobody what may not be asked: %s %j", async (method, params) => {
    let asked = 0;
    const count = (): never => {
      asked++;
      throw new Error("asked");
    };
    const { round, request } = rig({
      elicit: { form: count, url: count },
      sample: count,
      sampleTools: true,
    });
    await expect(round({ a: { method, params } })).rejects.toMatchObject({
      code: "invalid_response",
    });
    await expect(request(method, params)).rejects.toMatchObject({ code: -32602 });
    expect(asked).toBe(0);
  });

  it("shows a URL as where it leads", async () => {
    const shown: string[] = [];
    const { round } = rig({
      elicit: {
        url: ({ url }) => {
          shown.push(url);
          return { action: "cancel" };
        },
      },
    });
    const ask = (url: string) =>
      round({ a: { method: "elicitation/create", params: { ...URL_ASK, url } } });
    await ask("HTTPS://bücher.example\\path");
    await ask("https://a.example/x?y=1#z");
    expect(shown).toEqual(["https://xn--bcher-kva.example/path", "https://a.example/x?y=1#z"]);
  });

  it.each<[string, InputHandlers, string, object]>([
    ["throws", { elicit: { form: () => Promise.reject(new Error("no tty")) } }, "no tty", FORM],
    ["says nothing", { elicit: { form: (() => undefined) as never } }, "action", FORM],
    [
      "says something else",
      { elicit: { form: () => ({ action: "yes" }) as never } },
      "action",
      FORM,
    ],
    ["breaks the form", { elicit: { form: accept({ age: "3" }) } }, "age: must be", FORM],
    ["gives no object", { elicit: { form: accept([] as never) } }, "no object", FORM],
    ["gives no model", { sample: () => ({ role: "assistant" }) as never }, "model", SAMPLE],
    [
      "uses a tool that was not offered",
      { sample: () => ({ ...SAID, content: { type: "tool_use", id: "1", name: "t", input: {} } }) },
      "none was offered",
      SAMPLE,
    ],
    [
      "uses no tool that was demanded",
      { sample: () => SAID, sampleTools: true },
      "demands",
      { ...SAMPLE, tools: [{ name: "t" }], toolChoice: { mode: "required" } },
    ],
    [
      "uses a forbidden tool",
      {
        sample: () => ({ ...SAID, content: [{ type: "tool_use", id: "1", name: "t", input: {} }] }),
        sampleTools: true,
      },
      "forbids",
      { ...SAMPLE, tools: [{ name: "t" }], toolChoice: { mode: "none" } },
    ],
    ["gives other roots", { roots: () => [{ uri: "https://a.example" }] }, "file://", {}],
  ])("blames the handler that %s", async (_case, handlers, says, params) => {
    const method =
      handlers.elicit !== undefined
        ? "elicitation/create"
        : handlers.roots !== undefined
          ? "roots/list"
          : "sampling/createMessage";
    const { round, request } = rig(handlers);
    const failed = round({ a: { method, params } });
    await expect(failed).rejects.toMatchObject({
      code: "input_refused",
      details: { handler: expect.stringMatching(/^handlers\./) },
    });
    await expect(failed).rejects.toThrow(says);
    // A legacy server must not see why: the link answers it with an internal error.
    await expect(request(method, params)).rejects.toBeInstanceOf(MCPClientError);
  });

  it("gives up the other questions when one fails", async () => {
    let told: AbortSignal | undefined;
    const { round } = rig({
      elicit: { form: accept({ age: "3" }) },
      roots: ({ signal }) => {
        told = signal;
        return new Promise(() => {});
      },
    });
    await expect(
      round({
        a: { method: "roots/list" },
        b: { method: "elicitation/create", params: FORM },
      }),
    ).rejects.toMatchObject({ code: "input_refused" });
    expect(told?.aborted).toBe(true);
  });

  it.each(["caller", "client"])("ends when the %s goes, deaf handlers included", async (who) => {
    const caller = new AbortController();
    const client = new AbortController();
    const contexts: InputRequestContext[] = [];
    const { round } = rig(
      {
        roots: (context) => {
          contexts.push(context);
          return new Promise(() => {});
        },
      },
      client.signal,
    );
    const waiting = round({ a: { method: "roots/list" } }, {}, caller.signal);
    const ended = expect(waiting).rejects.toMatchObject({
      code: who === "caller" ? "aborted" : "closed",
    });
    await until(() => expect(contexts).toHaveLength(1));
    if (who === "caller") caller.abort("enough");
    else client.abort(new MCPClientError("closed", "the client was closed"));
    await ended;
    expect(contexts[0]?.signal.aborted).toBe(true);
  });

  it("survives any result", async () => {
    const { responder } = rig({
      elicit: { form: accept(), url: accept() },
      sample: () => SAID,
      roots: [],
    });
    const params = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(FORM, URL_ASK, SAMPLE),
      fc.record({ ...mapped(FORM), mode: fc.constantFrom("form", "url", 1, null) }),
      fc.record(mapped(SAMPLE)),
    );
    const question = fc.oneof(
      fc.jsonValue(),
      fc.record({
        method: fc.constantFrom("elicitation/create", "sampling/createMessage", "roots/list", "x"),
        params,
      }),
    );
    const result = fc.record(
      {
        inputRequests: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), question)),
        requestState: fc.oneof(fc.string(), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(result, async (given) => {
        // As it comes off the wire.
        const parsed = JSON.parse(JSON.stringify(given)) as JsonObject;
        try {
          const { params: answers } = await responder.answerRound("tools/call", parsed, 1, NEVER);
          const responses = answers.inputResponses as object | undefined;
          expect(Object.keys(responses ?? {}).sort()).toEqual(
            Object.keys((parsed.inputRequests as object | undefined) ?? {}).sort(),
          );
          expect(answers.requestState).toBe(parsed.requestState);
        } catch (error) {
          expect(MCPClientError.isInstance(error), String(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** A record whose members are the example's or anything. */
function mapped(example: object): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    Object.entries(example).map(([name, member]) => [
      name,
      fc.oneof(fc.constant(member), fc.jsonValue()),
    ]),
  );
}

describe("a legacy server's own request", () => {
  it("4f.22: is answered by the same handlers", async () => {
    const { request } = rig({
      elicit: { form: accept(), url: accept() },
      sample: () => ({ ...SAID, content: [SAID.content] }),
      roots: async () => [{ uri: "file:///a", name: "A" }],
    });
    // Without `mode` it is a form.
    const { mode: _, ...older } = FORM;
    expect(await request("elicitation/create", older)).toEqual({
      action: "accept",
      content: { name: "John" },
    });
    expect(await request("elicitation/create", URL_ASK)).toEqual({ action: "accept" });
    expect(await request("sampling/createMessage", SAMPLE)).toEqual(SAID);
    expect(await request("roots/list")).toEqual({ roots: [{ uri: "file:///a", name: "A" }] });
    expect(await request("ping")).toEqual({});
  });

  it.each<[string, object, InputHandlers, number]>([
    ["tools/list", {}, { roots: [] }, -32601],
    ["toString", {}, { roots: [] }, -32601],
    ["roots/list", {}, {}, -32601],
    ["sampling/createMessage", SAMPLE, {}, -32601],
    ["elicitation/create", FORM, {}, -32601],
    ["elicitation/create", FORM, { elicit: { url: accept() } }, -32602],
    ["elicitation/create", URL_ASK, { elicit: { form: accept() } }, -32602],
    ["elicitation/create", { ...FORM, mode: "voice" }, { elicit: { form: accept() } }, -32602],
    ["sampling/createMessage", { ...SAMPLE, tools: [] }, { sample: () => SAID }, -32602],
  ])("4f.22: is refused with the right code: %s %j", async (method, params, handlers, code) => {
    await expect(rig(handlers).request(method, params)).rejects.toMatchObject({ code });
  });

  it("may be refused by the handler in its own words", async () => {
    const { request, round } = rig({
      sample: () => Promise.reject(new MCPError(-1, "User rejected sampling request")),
    });
    await expect(request("sampling/createMessage", SAMPLE)).rejects.toMatchObject({ code: -1 });
    // A modern round knows no error: the call fails, and says why.
    const failed = round({ a: { method: "sampling/createMessage", params: SAMPLE } });
    await expect(failed).rejects.toMatchObject({ code: "input_refused", cause: { code: -1 } });
  });
});

describe("URLs that are required first", () => {
  const required = (elicitations: unknown) =>
    new MCPError(-32042, "URL elicitation required", { data: { elicitations } });

  it("are done with when the server says so, however soon", async () => {
    const opened: string[] = [];
    const { responder } = rig({
      elicit: {
        url: ({ elicitationId = "" }) => {
          opened.push(elicitationId);
          // Its word may come before the handler has answered.
          if (elicitationId === "e1") responder.elicitationCompleted({ elicitationId });
          return { action: "accept" };
        },
      },
    });
    let worth: boolean | undefined;
    const done = responder
      .openRequiredUrls(
        "tools/call",
        required([URL_ASK, { ...URL_ASK, elicitationId: "e2" }]),
        NEVER,
      )
      .then((value) => {
        worth = value;
      });
    await until(() => expect(opened).toEqual(["e1", "e2"]));
    for (const elicitationId of ["unknown", "e1", 7, null]) {
      responder.elicitationCompleted({ elicitationId } as JsonObject);
    }
    expect(worth).toBeUndefined();
    responder.elicitationCompleted({ elicitationId: "e2" });
    await done;
    expect(worth).toBe(true);
  });

  it("are worth a try after a while without a word", async () => {
    const { responder, clock } = rig({ elicit: { url: accept() } });
    const waiting = responder.openRequiredUrls("tools/call", required([URL_ASK]), NEVER);
    await until(() => expect(clock.pendingTimers).toBe(1));
    clock.advance(120_000);
    expect(await waiting).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each<[string, unknown, InputHandlers]>([
    ["nobody can be asked", [URL_ASK], { elicit: { form: accept() } }],
    ["somebody says no", [URL_ASK], { elicit: { url: () => ({ action: "decline" }) } }],
    ["there are none", [], { elicit: { url: accept() } }],
    ["they are no list", URL_ASK, { elicit: { url: accept() } }],
    ["they are too many", Array(17).fill(URL_ASK), { elicit: { url: accept() } }],
    ["one is bad", [URL_ASK, { ...URL_ASK, url: "file:///x" }], { elicit: { url: accept() } }],
    ["one has no id", [{ ...URL_ASK, elicitationId: undefined }], { elicit: { url: accept() } }],
  ])("are not worth a retry when %s", async (_case, elicitations, handlers) => {
    const { responder, clock } = rig(handlers);
    expect(await responder.openRequiredUrls("m", required(elicitations), NEVER)).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it("are forgotten when the caller goes", async () => {
    const caller = new AbortController();
    const { responder, clock } = rig({ elicit: { url: accept() } });
    const waiting = responder.openRequiredUrls("m", required([URL_ASK]), caller.signal);
    const ended = expect(waiting).rejects.toMatchObject({ code: "aborted" });
    await until(() => expect(clock.pendingTimers).toBe(1));
    caller.abort();
    await ended;
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("roots that change", () => {
  const link = (era: "legacy" | "modern", sent: string[]) =>
    ({ era, notify: async (method: string) => void sent.push(method) }) as unknown as Link;

  it("4f.20: are told to a legacy server only, which a modern one asks for anew", async () => {
    const sent: string[] = [];
    const { responder } = rig({ roots: () => [] });
    await responder.rootsChanged(link("modern", sent));
    expect(sent).toEqual([]);
    await responder.rootsChanged(link("legacy", sent));
    expect(sent).toEqual(["notifications/roots/list_changed"]);
  });

  it("are not told by those that declared none which change", async () => {
    const { responder } = rig({ roots: [] });
    await expect(responder.rootsChanged(link("legacy", []))).rejects.toMatchObject({
      code: "not_supported",
    });
  });
});
