import type { MCPClientOptions } from "@backplane/client";
import { describe, expect, it } from "vitest";
import { clientOf, eras, scripted } from "../client/harness/clients.ts";
import type { ReceivedRequest, ScriptedServer } from "../client/harness/scripted-server.ts";
import { expectTyped, type FaultCase, impatient, play } from "./harness/faults.ts";

type Json = Readonly<Record<string, unknown>>;

const form = (properties: Json = {}): Json => ({
  method: "elicitation/create",
  params: { message: "?", requestedSchema: { type: "object", properties } },
});

function inputRequired(request: ReceivedRequest, members: Json): void {
  const result = { resultType: "input_required", ...members };
  request.json({ jsonrpc: "2.0", id: request.message.id, result });
}

const accepting: Partial<MCPClientOptions> = {
  handlers: { elicit: { form: () => ({ action: "accept", content: {} }) } },
};

const asks = (members: (request: ReceivedRequest) => Json): FaultCase["server"] => ({
  script: { "tools/call": (request) => inputRequired(request, members(request)) },
});

const endless: FaultCase[] = [
  {
    name: "asks without end",
    server: asks(() => ({ inputRequests: { again: form() } })),
    client: { ...accepting, maxTotalTimeoutMs: 20_000 },
    expected: { code: "input_refused", retry: "never", says: /maxInputRounds/ },
    after: (server) => expect(server.count("tools/call")).toBe(17),
  },
  {
    name: "wants the request again without end",
    server: asks(() => ({ requestState: "later" })),
    client: { ...accepting, maxTotalTimeoutMs: 20_000, limits: { maxInputRounds: 2 } },
    expected: { code: "input_refused", retry: "never", says: /maxInputRounds/ },
  },
  {
    name: "wants the request again until the deadline",
    server: asks(() => ({ requestState: "later" })),
    client: { ...accepting, maxTotalTimeoutMs: 400, limits: { maxInputRounds: 10_000 } },
    expected: { code: "timeout" },
  },
  {
    name: "asks for everything at once",
    server: asks(() => ({
      inputRequests: Object.fromEntries(
        Array.from({ length: 10_000 }, (_, index) => [`k${index}`, form()]),
      ),
    })),
    client: accepting,
    expected: { code: "invalid_response", retry: "never" },
  },
];

const malformed: FaultCase[] = [
  { name: "asks nothing", server: asks(() => ({})), expected: { code: "invalid_response" } },
  {
    name: "asks with a list",
    server: asks(() => ({ inputRequests: [form()] })),
    client: accepting,
    expected: { code: "invalid_response" },
  },
  {
    name: "asks for a tool",
    server: asks(() => ({ inputRequests: { a: { method: "tools/call", params: {} } } })),
    client: accepting,
    expected: { code: "invalid_response", says: /tools\/call/ },
  },
  {
    name: "asks without a method",
    server: asks(() => ({ inputRequests: { a: {} } })),
    client: accepting,
    expected: { code: "invalid_response" },
  },
  {
    name: "asks with a form that is none",
    server: asks(() => ({
      inputRequests: {
        a: { method: "elicitation/create", params: { message: "?", requestedSchema: "name" } },
      },
    })),
    client: accepting,
    expected: { code: "invalid_response" },
  },
  {
    name: "asks what nobody answers",
    server: asks(() => ({
      inputRequests: {
        a: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } },
      },
    })),
    client: accepting,
    expected: { code: "input_refused", retry: "never", says: /sampl/ },
  },
  {
    name: "asks for a URL that runs code",
    server: asks(() => ({
      inputRequests: {
        a: {
          method: "elicitation/create",
          params: { mode: "url", message: "open", url: "javascript:alert(1)" },
        },
      },
    })),
    client: { handlers: { elicit: { url: () => ({ action: "accept" }) } } },
    expected: { code: "invalid_response", retry: "never" },
  },
  {
    name: "gives a state of megabytes",
    server: asks(() => ({ requestState: "x".repeat(2_000_000) })),
    client: accepting,
    expected: { code: "invalid_response", retry: "never", says: /requestState/ },
  },
  {
    name: "gives a state that is no text",
    server: asks(() => ({ requestState: { a: 1 } })),
    client: accepting,
    expected: { code: "invalid_response" },
  },
];

describe("modern: a server that", () => {
  it.each([...endless, ...malformed])("$name", (fault) => play("modern", fault));

  it.each([
    ["quotes", '"}],"x":1,{"\\'],
    ["line ends", "a\r\nb\n\u2028\u2029"],
    ["what is no Unicode", "\ud800 alone"],
    ["control characters", "\u0000\u0001\u001b[31m"],
    ["JSON", '{"__proto__":{"polluted":true},"jsonrpc":"2.0"}'],
    ["all that is allowed", "x".repeat(65_536)],
    ["nothing", ""],
  ])("gives a state of %s gets it back as it was", async (_name, requestState) => {
    const got: unknown[] = [];
    const server = await scripted({
      era: "modern",
      script: {
        "tools/call": (request) => {
          if (request.server.count("tools/call") === 1) inputRequired(request, { requestState });
          else {
            got.push(request.message.params?.["requestState"]);
            request.result({ content: [] });
          }
        },
      },
    });
    await clientOf(server).callTool("work");
    expect(got).toEqual([requestState]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("legacy: a server that asks", () => {
  /** Asks for something on the stream of a call, and ends the call with what it was told. */
  function asking(method: string, params: Json): FaultCase["server"] {
    return {
      session: "s1",
      script: {
        "tools/call": (request) => {
          const stream = request.stream();
          stream.message({ jsonrpc: "2.0", id: "q1", method, params });
          answers.set(request.server, (answer) => {
            const text = JSON.stringify(answer);
            stream.message({
              jsonrpc: "2.0",
              id: request.message.id,
              result: { content: [{ type: "text", text }] },
            });
            stream.end();
          });
        },
        response: (request) => {
          request.text("", 202);
          answers.get(request.server)?.(request.message);
        },
      },
    };
  }

  const answers = new Map<ScriptedServer, (answer: unknown) => void>();

  it.each([
    ["what nobody answers", "sampling/createMessage", { messages: [], maxTokens: 1 }, -32601],
    ["for what does not exist", "tools/call", { name: "x" }, -32601],
    [
      "with a form that is none",
      "elicitation/create",
      { message: "?", requestedSchema: 1 },
      -32602,
    ],
    [
      "in a mode without a handler",
      "elicitation/create",
      { mode: "url", message: "?", url: "https://x.test/", elicitationId: "e" },
      -32602,
    ],
  ])("%s is told so", async (_name, method, params, code) => {
    const server = await scripted({ era: "legacy", ...asking(method, params) });
    const result = await clientOf(server, accepting).callTool("work");
    const [block] = result.content as readonly { text: string }[];
    expect(JSON.parse(block?.text ?? "")).toMatchObject({ id: "q1", error: { code } });
  });

  it("without end is answered until the deadline of the call", async () => {
    await play("legacy", {
      name: "asks without end",
      server: {
        session: "s1",
        script: {
          "tools/call": (request) => {
            const stream = request.stream();
            stream.endlessly((count) => {
              stream.message({ jsonrpc: "2.0", id: `q${count}`, ...form() });
            }, 10);
          },
        },
      },
      client: accepting,
      expected: { code: "timeout" },
    });
  });
});

describe.each(eras)("%s: a list", (era) => {
  const pages = (cursor: (request: ReceivedRequest) => unknown): FaultCase["server"] => ({
    script: {
      "tools/list": (request) => request.result({ tools: [], nextCursor: cursor(request) }),
    },
  });

  it.each<FaultCase>([
    {
      name: "whose cursor stays the same",
      server: pages(() => "again"),
      act: (client) => client.listTools(),
      expected: { code: "pagination_loop", retry: "never", says: /cursor/ },
      after: (server) => expect(server.count("tools/list")).toBe(2),
    },
    {
      name: "whose cursor is empty for ever",
      server: pages(() => ""),
      act: (client) => client.listTools(),
      expected: { code: "pagination_loop", retry: "never" },
    },
    {
      name: "whose cursors go in a circle",
      server: pages(({ server }) => `c${server.count("tools/list") % 3}`),
      act: (client) => client.listTools(),
      expected: { code: "pagination_loop", retry: "never" },
    },
    {
      name: "without a last page",
      server: pages(({ server }) => `c${server.count("tools/list")}`),
      client: { limits: { maxPages: 20 } },
      act: (client) => client.listTools(),
      expected: { code: "pagination_loop", retry: "never", says: /maxPages/ },
      after: (server) => expect(server.count("tools/list")).toBe(20),
    },
  ])("$name", (fault) => play(era, fault));

  it("whose first page is empty goes on", async () => {
    const server = await scripted({
      era,
      script: {
        "tools/list": (request) => {
          const cursor = request.message.params?.["cursor"];
          if (cursor === undefined) request.result({ tools: [], nextCursor: "" });
          else request.result({ tools: [{ name: "last", inputSchema: { type: "object" } }] });
        },
      },
    });
    const tools = await clientOf(server, impatient).listTools();
    expect(tools.map(({ name }) => name)).toEqual(["last"]);
    await expectTyped(
      clientOf(server, impatient).callTool("work", {}, { signal: AbortSignal.abort() }),
      {
        code: "aborted",
      },
    );
  });
});
