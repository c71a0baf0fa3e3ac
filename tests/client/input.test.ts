import type { InputHandlers } from "@backplane/client";
import { describe, expect, it } from "vitest";
import { askFor, done, formQuestion, metaKey, metaOf, requestsOf } from "./harness/answers.ts";
import { startCanary } from "./harness/canary.ts";
import { clientOf, scripted } from "./harness/clients.ts";
import type { ReceivedRequest, ScriptedServer } from "./harness/scripted-server.ts";

type Json = Readonly<Record<string, unknown>>;

const agrees: InputHandlers = {
  elicit: { form: () => ({ action: "accept", content: { name: "Ada" } }) },
};

/** Asks once, then is done. */
function askingOnce(
  members: Json,
  script: Readonly<Record<string, (r: ReceivedRequest) => void>> = {},
) {
  return scripted({
    era: "modern",
    script: {
      "tools/call": (request) => {
        if (request.message.params?.["inputResponses"] !== undefined) request.result(done);
        else if (request.message.params?.["requestState"] !== undefined) request.result(done);
        else askFor(request, members);
      },
      ...script,
    },
  });
}

const paramsOf = ({ message }: ReceivedRequest) => message.params ?? {};
const calls = (server: ScriptedServer) => requestsOf(server, "tools/call");

describe("a request that needs input", () => {
  it("[C26-16a] is sent again with an answer to every question", async () => {
    const server = await askingOnce({
      inputRequests: {
        user: formQuestion(),
        model: {
          method: "sampling/createMessage",
          params: { messages: [], maxTokens: 5 },
        },
        folders: { method: "roots/list" },
      },
    });
    const client = clientOf(server, {
      handlers: {
        ...agrees,
        sample: async () => ({
          role: "assistant",
          model: "m",
          content: { type: "text", text: "hi" },
        }),
        roots: [{ uri: "file:///home" }],
      },
    });
    await client.callTool("work", { a: 1 });
    const [, again] = calls(server);
    expect(again && paramsOf(again)).toMatchObject({
      name: "work",
      arguments: { a: 1 },
      inputResponses: {
        user: { action: "accept", content: { name: "Ada" } },
        model: { role: "assistant", model: "m" },
        folders: { roots: [{ uri: "file:///home" }] },
      },
    });
  });

  it("[C26-16b] brings requestState back as it came", async () => {
    const requestState = '{"a": 1}\n"\u2028 \\ü';
    const server = await askingOnce({ inputRequests: { user: formQuestion() }, requestState });
    await clientOf(server, { handlers: agrees }).callTool("work");
    expect(calls(server).map((call) => paramsOf(call)["requestState"])).toEqual([
      undefined,
      requestState,
    ]);
  });

  it("[C26-16c] has no requestState when none came", async () => {
    const server = await askingOnce({ inputRequests: { user: formQuestion() } });
    await clientOf(server, { handlers: agrees }).callTool("work");
    const [, again] = calls(server);
    expect(again && paramsOf(again)).not.toHaveProperty("requestState");
  });

  it("carries the answers of the last round only", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "tools/call": (request) => {
          const round = request.server.count("tools/call");
          if (round === 3) request.result(done);
          else {
            askFor(request, {
              inputRequests: { [`q${round}`]: formQuestion() },
              requestState: `s${round}`,
            });
          }
        },
      },
    });
    await clientOf(server, { handlers: agrees }).callTool("work");
    expect(
      calls(server).map((call) => [
        Object.keys((paramsOf(call)["inputResponses"] ?? {}) as Json),
        paramsOf(call)["requestState"],
      ]),
    ).toEqual([
      [[], undefined],
      [["q1"], "s1"],
      [["q2"], "s2"],
    ]);
  });

  it("[C26-16d] has a new id when it is sent again", async () => {
    const server = await askingOnce({ inputRequests: { user: formQuestion() } });
    await clientOf(server, { handlers: agrees }).callTool("work");
    const [first, again] = calls(server);
    expect(again?.message.id).not.toBe(first?.message.id);
  });

  it("[C26-16e] shares neither answers nor state with other requests", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "tools/call": (request) => {
          const { name, inputResponses } = paramsOf(request);
          if (name === "asks" && inputResponses === undefined) {
            askFor(request, { inputRequests: { user: formQuestion() }, requestState: "s" });
          } else request.result(done);
        },
      },
    });
    const client = clientOf(server, {
      handlers: {
        elicit: {
          form: async () => {
            await client.callTool("other");
            await client.listTools();
            return { action: "decline" };
          },
        },
      },
    });
    await client.callTool("asks");
    await client.callTool("asks");
    const carrying = server.received.filter(
      (request) => "inputResponses" in paramsOf(request) || "requestState" in paramsOf(request),
    );
    expect(carrying.map((request) => paramsOf(request)["name"])).toEqual(["asks", "asks"]);
    expect(server.count("tools/call")).toBe(6);
  });

  it("may be a prompt or a resource", async () => {
    const answerOr = (result: Json) => (request: ReceivedRequest) => {
      if (paramsOf(request)["inputResponses"]) request.result(result);
      else askFor(request, { inputRequests: { user: formQuestion() } });
    };
    const server = await scripted({
      era: "modern",
      script: {
        "prompts/get": answerOr({ messages: [] }),
        "resources/read": answerOr({ contents: [{ uri: "a:b", text: "x" }] }),
      },
    });
    const client = clientOf(server, { handlers: agrees });
    expect((await client.getPrompt("p")).messages).toEqual([]);
    expect((await client.readResource("a:b")).contents).toHaveLength(1);
  });
});

describe("what can be asked", () => {
  const declared: [string, InputHandlers, Json][] = [
    ["nothing", {}, {}],
    ["a form", agrees, { elicitation: { form: {} } }],
    ["a URL", { elicit: { url: () => ({ action: "decline" }) } }, { elicitation: { url: {} } }],
    ["roots", { roots: [] }, { roots: {} }],
    [
      "a model",
      { sample: () => ({ role: "assistant", model: "m", content: { type: "text", text: "" } }) },
      { sampling: {} },
    ],
  ];

  it.each(declared)(
    "[C26-23a, C26-23b] is declared with each request: %s",
    async (_name, handlers, capabilities) => {
      const server = await scripted({ era: "modern" });
      const client = clientOf(server, { handlers });
      await client.callTool("work");
      await client.listTools();
      const sent = server.received.map(
        (request) => metaOf(request)[`${metaKey}clientCapabilities`],
      );
      expect(sent.length).toBeGreaterThanOrEqual(3);
      for (const each of sent) expect(each).toEqual(capabilities);
    },
  );

  it("[C26-24b] is a form when it says no mode", async () => {
    const server = await askingOnce({
      inputRequests: { a: formQuestion({ name: { type: "string" } }) },
    });
    const asked: unknown[] = [];
    await clientOf(server, {
      handlers: {
        elicit: {
          form: (params) => {
            asked.push(params.requestedSchema);
            return { action: "cancel" };
          },
          url: () => {
            asked.push("url");
            return { action: "cancel" };
          },
        },
      },
    }).callTool("work");
    expect(asked).toEqual([{ type: "object", properties: { name: { type: "string" } } }]);
  });

  it("fills a form's defaults in, and refuses what does not fit it", async () => {
    const properties = {
      name: { type: "string", default: "Ada" },
      age: { type: "integer", minimum: 0 },
    };
    const server = await askingOnce({ inputRequests: { a: formQuestion(properties) } });
    await clientOf(server, {
      handlers: { elicit: { form: () => ({ action: "accept", content: { age: 7 } }) } },
    }).callTool("work");
    const [, again] = calls(server);
    expect(again && paramsOf(again)["inputResponses"]).toEqual({
      a: { action: "accept", content: { name: "Ada", age: 7 } },
    });
    const wrong = clientOf(server, {
      handlers: { elicit: { form: () => ({ action: "accept", content: { age: "old" } }) } },
    });
    await expect(wrong.callTool("work")).rejects.toMatchObject({ code: "input_refused" });
  });
});

describe("a URL that a server wants opened", () => {
  const question = (url: string) => ({
    inputRequests: {
      page: { method: "elicitation/create", params: { mode: "url", message: "open", url } },
    },
  });

  it("[C26-25a, C26-29b] is handed on whole, and not opened here", async () => {
    const canary = await startCanary();
    const url = `${canary.url}/confirm?state=1&x=%2F#part`;
    const server = await askingOnce(question(url));
    const seen: unknown[] = [];
    await clientOf(server, {
      handlers: {
        elicit: {
          url: (params) => {
            seen.push(params.url);
            return { action: "accept" };
          },
        },
      },
    }).callTool("work");
    expect(seen).toEqual([url]);
    expect(canary.visits).toEqual([]);
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "vbscript:x",
    "ftp://example.com/",
    "http://example.com/plain",
    "https://user:secret@example.com/",
    "not a url",
    "",
  ])("[C26-29a] is refused when it is %s", async (url) => {
    const server = await askingOnce(question(url));
    const seen: unknown[] = [];
    const client = clientOf(server, {
      handlers: {
        elicit: {
          url: (params) => {
            seen.push(params.url);
            return { action: "accept" };
          },
        },
      },
    });
    await expect(client.callTool("work")).rejects.toMatchObject({ code: "invalid_response" });
    expect(seen).toEqual([]);
  });
});

describe("[C26-27b] roots", () => {
  it.each([
    "https://example.com/",
    "file://host/../etc",
    "file:///home/ada/../../etc",
    "file:///home/%2e%2e/etc",
    "/home/ada",
  ])("that are %s are refused", async (uri) => {
    const server = await askingOnce({ inputRequests: { folders: { method: "roots/list" } } });
    expect(() => clientOf(server, { handlers: { roots: [{ uri }] } })).toThrow(TypeError);
    const client = clientOf(server, { handlers: { roots: () => [{ uri }] } });
    await expect(client.callTool("work")).rejects.toMatchObject({ code: "input_refused" });
  });
});
