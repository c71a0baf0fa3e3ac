import { describe, expect, it } from "vitest";
import { eras } from "../client/harness/clients.ts";
import type { Answer, ReceivedRequest } from "../client/harness/scripted-server.ts";
import { type FaultCase, play } from "./harness/faults.ts";

const onCall = (answer: Answer): FaultCase["server"] => ({ script: { "tools/call": answer } });
const done = { content: [{ type: "text", text: "done" }] };
const answer = (request: ReceivedRequest, more: object) =>
  request.json({ jsonrpc: "2.0", id: request.message.id, ...more });
const invalid = { code: "invalid_response", retry: "never" } as const;

const messages: FaultCase[] = [
  {
    name: "a response to another request",
    server: onCall((request) =>
      request.json({ jsonrpc: "2.0", id: 4711, result: request.complete(done) }),
    ),
    expected: { ...invalid, says: /4711/ },
  },
  {
    name: "the right id as a string",
    server: onCall((request) => {
      const id = String(request.message.id);
      request.json({ jsonrpc: "2.0", id, result: request.complete(done) });
    }),
    expected: { ...invalid, says: /id/ },
  },
  {
    name: "a result without an id",
    server: onCall((request) => request.json({ jsonrpc: "2.0", result: request.complete(done) })),
    expected: invalid,
  },
  {
    name: "an error whose id could not be read",
    server: onCall((request) =>
      request.json({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "Parse error" } }),
    ),
    expected: { code: -32700, says: /Parse error/ },
  },
  {
    name: "neither result nor error",
    server: onCall((request) => answer(request, {})),
    expected: invalid,
  },
  {
    name: "a result that is null",
    server: onCall((request) => answer(request, { result: null })),
    expected: invalid,
  },
  {
    name: "a result that is a list",
    server: onCall((request) => answer(request, { result: [done] })),
    expected: invalid,
  },
  {
    name: "an error with a text for a code",
    server: onCall((request) => answer(request, { error: { code: "E1", message: "no" } })),
    expected: invalid,
  },
  {
    name: "an error that is a text",
    server: onCall((request) => answer(request, { error: "no" })),
    expected: invalid,
  },
  {
    name: "the request, echoed",
    server: onCall((request) => request.json(request.message)),
    expected: invalid,
  },
  {
    name: "a list of nothing",
    server: onCall((request) => request.json([])),
    expected: invalid,
  },
  { name: "a JSON text", server: onCall((request) => request.json("done")), expected: invalid },
  { name: "a JSON null", server: onCall((request) => request.json(null)), expected: invalid },
];

const bodies: FaultCase[] = [
  {
    name: "no JSON",
    server: onCall((request) =>
      request.text("<html>oops", 200, { "content-type": "application/json" }),
    ),
    expected: { ...invalid, says: /not JSON/ },
  },
  {
    name: "half a message",
    server: onCall((request) =>
      request.text('{"jsonrpc":"2.0","id":1,"resu', 200, { "content-type": "application/json" }),
    ),
    expected: invalid,
  },
  {
    name: "an empty body",
    server: onCall((request) => request.text("", 200, { "content-type": "application/json" })),
    expected: { ...invalid, says: /empty/ },
  },
  {
    name: "a page of HTML",
    server: onCall((request) => request.text("<html>", 200, { "content-type": "text/html" })),
    expected: { ...invalid, says: /text\/html/ },
  },
  {
    name: "no content type",
    server: onCall((request) => request.text("{}")),
    expected: invalid,
  },
  {
    name: "202 to a request",
    server: onCall((request) => request.text("", 202)),
    expected: { ...invalid, says: /202/ },
  },
  {
    name: "204 to a request",
    server: onCall((request) => request.response.writeHead(204).end()),
    expected: { ...invalid, says: /204/ },
  },
  {
    name: "a compressed body that nobody asked for",
    server: onCall((request) => {
      const result = request.complete(done);
      request.json({ jsonrpc: "2.0", id: request.message.id, result }, 200, {
        "content-encoding": "gzip",
      });
    }),
    expected: { ...invalid, says: /compressed/ },
  },
  {
    name: "bytes that are no UTF-8",
    server: onCall((request) => {
      request.response.writeHead(200, { "content-type": "application/json" });
      request.response.end(Buffer.from([0x7b, 0xff, 0xfe, 0xc3, 0x28, 0x7d]));
    }),
    expected: invalid,
  },
  {
    name: "a body that is longer than the limit, and says so",
    server: onCall((request) => {
      request.response.writeHead(200, {
        "content-type": "application/json",
        "content-length": 10_000_000_000,
      });
      request.response.write("{");
    }),
    client: { limits: { maxResponseBytes: 100_000 } },
    expected: { code: "response_too_large", retry: "never", says: /maxResponseBytes/ },
  },
  {
    name: "a body without end",
    server: onCall((request) => {
      request.response.writeHead(200, { "content-type": "application/json" });
      const pour = () => {
        while (!request.response.destroyed && request.response.write("[".repeat(65_536)));
        request.response.once("drain", pour);
      };
      pour();
    }),
    client: { limits: { maxResponseBytes: 1_000_000 } },
    expected: { code: "response_too_large", retry: "never", says: /maxResponseBytes/ },
  },
  {
    name: "an answer nested without end",
    server: onCall((request) => {
      const deep = "[".repeat(50_000) + "]".repeat(50_000);
      const head = `{"jsonrpc":"2.0","id":${request.message.id},"result":{"content":`;
      request.text(`${head}${deep}}}`, 200, { "content-type": "application/json" });
    }),
    expected: { code: "response_too_large", retry: "never", says: /maxJsonDepth/ },
  },
];

const results: FaultCase[] = [
  {
    name: "a call's result without content",
    server: onCall((request) => request.result({})),
    expected: { ...invalid, says: /content/ },
  },
  {
    name: "content that is no list",
    server: onCall((request) => request.result({ content: "done" })),
    expected: { ...invalid, says: /content/ },
  },
  {
    name: "a content block without a type",
    server: onCall((request) => request.result({ content: [{ text: "done" }] })),
    expected: { ...invalid, says: /content/ },
  },
  {
    name: "isError that is no boolean",
    server: onCall((request) => request.result({ ...done, isError: "yes" })),
    expected: { ...invalid, says: /isError/ },
  },
  {
    name: "a list of tools that is none",
    server: { script: { "tools/list": (request) => request.result({ tools: { work: {} } }) } },
    act: (client) => client.listTools(),
    expected: { ...invalid, says: /tools/ },
  },
  {
    name: "a tool without a name",
    server: { tools: [{ inputSchema: { type: "object" } }] },
    act: (client) => client.listTools(),
    expected: { ...invalid, says: /tools\[0\]/ },
  },
  {
    name: "a cursor that is no text",
    server: {
      script: { "tools/list": (request) => request.result({ tools: [], nextCursor: 7 }) },
    },
    act: (client) => client.listTools(),
    expected: { ...invalid, says: /nextCursor/ },
  },
  {
    name: "resource contents that are neither text nor blob",
    server: {
      script: {
        "resources/read": (request) => request.result({ contents: [{ uri: "a:b", data: "x" }] }),
      },
    },
    act: (client) => client.readResource("a:b"),
    expected: { ...invalid, says: /contents\[0\]/ },
  },
  {
    name: "a prompt message of a foreign role",
    server: {
      script: {
        "prompts/get": (request) =>
          request.result({ messages: [{ role: "root", content: { type: "text", text: "x" } }] }),
      },
    },
    act: (client) => client.getPrompt("p"),
    expected: { ...invalid, says: /messages\[0\]/ },
  },
  {
    name: "completions that are numbers",
    server: {
      script: {
        "completion/complete": (request) => request.result({ completion: { values: [1, 2] } }),
      },
    },
    act: (client) => client.complete({ type: "ref/prompt", name: "p" }, { name: "a", value: "x" }),
    expected: { ...invalid, says: /completion/ },
  },
];

describe.each(eras)("%s: an answer that is wrong", (era) => {
  it.each([...messages, ...bodies, ...results])("$name", (fault) => play(era, fault));
});

describe("modern: resultType", () => {
  it.each<FaultCase>([
    {
      name: "that nobody knows",
      server: onCall((request) => request.result({ ...done, resultType: "someday" })),
      expected: { ...invalid, says: /someday/ },
    },
    {
      name: "of an extension that was not agreed on",
      server: onCall((request) =>
        request.result({ resultType: "task", taskId: "t1", status: "working" }),
      ),
      expected: { ...invalid, says: /task/ },
    },
    {
      name: "that is no text",
      server: onCall((request) => request.result({ ...done, resultType: 1 })),
      expected: invalid,
    },
    {
      name: "of a list that asks for input",
      server: {
        script: {
          "tools/list": (request) =>
            request.json({
              jsonrpc: "2.0",
              id: request.message.id,
              result: { resultType: "input_required", requestState: "s" },
            }),
        },
      },
      act: (client) => client.listTools(),
      expected: invalid,
    },
  ])("$name", (fault) => play("modern", fault));

  it("that is missing means complete", async () => {
    const server: FaultCase["server"] = onCall((request) => answer(request, { result: done }));
    let text: unknown;
    await play("modern", {
      name: "missing",
      server,
      // What comes after shows that the first call was served.
      act: async (client) => {
        const result = await client.callTool("work");
        text = result.content;
        await client.callTool("work", {}, { signal: AbortSignal.abort() });
      },
      expected: { code: "aborted", retry: "never" },
    });
    expect(text).toEqual(done.content);
  });
});
