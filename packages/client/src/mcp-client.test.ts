import { AsyncLocalStorage } from "node:async_hooks";
import { type Tool, ToolExecutionError } from "@backplane/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createEraCache } from "./era-cache.ts";
import { MCPClient } from "./mcp-client.ts";
import type { ClientInterceptor, MCPClientOptions } from "./options.ts";
import { recordLog, until } from "./recorders.test-support.ts";
import { type Answer, fail, ScriptedMCP, stream, succeed } from "./scripted-mcp.test-support.ts";

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function rig(
  answers: Readonly<Record<string, Answer>>,
  options: Partial<MCPClientOptions> & { readonly era?: "modern" | "legacy" } = {},
) {
  const { era = "modern", ...given } = options;
  const server = await ScriptedMCP.open(answers, era);
  const log = recordLog();
  const client = new MCPClient({
    url: server.url,
    logger: log,
    eraCache: createEraCache(),
    retry: { initialDelayMs: 1, maxDelayMs: 2_000 },
    ...given,
  });
  open.push(
    () => server.close(),
    () => client.close(),
  );
  return { server, client, log };
}

const TEXT = { resultType: "complete", content: [{ type: "text", text: "hello" }] };
const listed = (...tools: Partial<Tool>[]): Answer => {
  const all = tools.map((tool) => ({ inputSchema: { type: "object" }, ...tool }));
  return () => ({ resultType: "complete", tools: all, ttlMs: 0, cacheScope: "private" });
};

describe("call", () => {
  it.each([
    ["structured content", { content: [], structuredContent: { sum: 5 } }, { sum: 5 }],
    ["one text", TEXT, "hello"],
    [
      "several texts",
      {
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      "a\nb",
    ],
    [
      "content of other kinds",
      { content: [{ type: "image", data: "AA==", mimeType: "image/png" }] },
      [{ type: "image", data: "AA==", mimeType: "image/png" }],
    ],
    ["nothing", { content: [] }, []],
  ])("gives %s as the tool's value", async (_what, result, value) => {
    const { client } = await rig({ "tools/call": () => result, "tools/list": listed() });
    expect(await client.call("t", { a: 1 })).toEqual(value);
  });

  it("throws what the tool threw, with its code, data and retryAfterMs", async () => {
    const result = {
      content: [{ type: "text", text: "External service unavailable" }],
      isError: true,
      _meta: { "dev.backplane/error": { code: -2001, retryAfterMs: 60_000, data: { host: "x" } } },
    };
    const { client } = await rig({ "tools/call": () => result });
    const error = await client.call("t").catch((thrown: unknown) => thrown);
    expect(ToolExecutionError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      code: -2001,
      message: "External service unavailable",
      retryAfterMs: 60_000,
      data: { host: "x" },
    });
    expect((await client.callTool("t")).isError).toBe(true);
  });

  it("makes an error of an isError result without a code", async () => {
    const { client } = await rig({ "tools/call": () => ({ content: [], isError: true }) });
    await expect(client.call("t")).rejects.toMatchObject({
      name: "ToolExecutionError",
      code: -1,
      message: 'tool "t" failed',
    });
  });

  it("parses the value by option output, whose type the promise has", async () => {
    const { client } = await rig({
      "tools/call": ({ params }) => ({ content: [], structuredContent: params.arguments }),
      "tools/list": listed(),
    });
    const output = z.object({ at: z.string().transform((text) => text.length) });
    const { at } = await client.call("t", { at: "four" }, { output });
    expect(at satisfies number).toBe(4);
    await expect(client.call("t", { at: 4 }, { output })).rejects.toMatchObject({
      code: "invalid_output",
      message: expect.stringContaining("at"),
    });
  });
});

describe("structured output", () => {
  const outputSchema = { type: "object", properties: { sum: { type: "integer" } } };

  it("is checked against what the tool advertises, which is listed once when it is not known", async () => {
    const { client, server } = await rig({
      "tools/list": listed({ name: "add", outputSchema }),
      "tools/call": ({ params }) => ({
        content: [],
        structuredContent: params.arguments as object,
      }),
    });
    expect((await client.callTool("add", { sum: 5 })).structuredContent).toEqual({ sum: 5 });
    await expect(client.callTool("add", { sum: "5" })).rejects.toMatchObject({
      code: "invalid_output",
      retry: "never",
      message: expect.stringContaining("sum"),
    });
    expect(server.count("tools/list")).toBe(1);
  });

  it("that cannot be looked up says so, and not that the call may be made again", async () => {
    const { client } = await rig(
      {
        "tools/list": (_request, response) => void response.socket?.destroy(),
        "tools/call": () => ({ content: [], structuredContent: { sum: 5 } }),
      },
      { maxRetries: 0 },
    );
    await expect(client.callTool("add")).rejects.toMatchObject({
      code: "connection_lost",
      retry: "never",
      message: expect.stringMatching(/^tool "add" has answered, but the list/),
    });
  });

  it("must be there when a schema is advertised, unless the tool failed", async () => {
    const { client } = await rig({
      "tools/list": listed({ name: "add", outputSchema }),
      "tools/call": (_request, _response, times) =>
        times === 0 ? TEXT : { ...TEXT, isError: true },
    });
    await client.listTools();
    await expect(client.callTool("add")).rejects.toMatchObject({ code: "invalid_output" });
    expect((await client.callTool("add")).isError).toBe(true);
  });

  it("is given as it is when its schema cannot be compiled, which is said once", async () => {
    const { client, log } = await rig({
      "tools/list": listed({ name: "add", outputSchema: { $ref: "https://x.example/schema" } }),
      "tools/call": () => ({ content: [], structuredContent: 1 }),
    });
    for (let time = 0; time < 2; time++) expect(await client.call("add")).toBe(1);
    const said = log.entries.filter(([level]) => level === "warn");
    expect(said).toEqual([
      ["warn", expect.stringContaining("cannot be checked"), expect.anything()],
    ]);
  });

  it("of a server that refuses its list is given unchecked", async () => {
    const { client } = await rig({ "tools/call": () => ({ content: [], structuredContent: 1 }) });
    expect(await client.call("add")).toBe(1);
  });
});

describe("arguments in headers", () => {
  const inputSchema = {
    type: "object",
    properties: { region: { type: "string", "x-mcp-header": "Region" } },
  };

  it("are mirrored for a listed tool, and left out for null and absent", async () => {
    const { client, server } = await rig({
      "tools/list": listed({ name: "deploy", inputSchema }),
      "tools/call": () => TEXT,
    });
    await client.listTools();
    await client.callTool("deploy", { region: "eu" });
    await client.callTool("deploy", { region: "Zürich" });
    await client.callTool("deploy", { region: null });
    const sent = server.of("tools/call").map(({ headers }) => headers["mcp-param-region"]);
    expect(sent).toEqual(["eu", "=?base64?WsO8cmljaA==?=", undefined]);
  });

  it("leave a tool out that breaks the rules, and say so", async () => {
    const bad = { type: "object", properties: { a: { type: "number", "x-mcp-header": "A" } } };
    const { client, log } = await rig({
      "tools/list": listed({ name: "good", inputSchema }, { name: "bad", inputSchema: bad }),
    });
    expect((await client.listTools()).map(({ name }) => name)).toEqual(["good"]);
    expect(log.entries).toContainEqual([
      "warn",
      expect.stringContaining("headers are invalid"),
      expect.objectContaining({ tool: "bad" }),
    ]);
  });

  it("are looked up once more when the server finds them wrong (-32020)", async () => {
    const { client, server } = await rig({
      "tools/list": listed({ name: "deploy", inputSchema }),
      "tools/call": (request, response) =>
        request.headers["mcp-param-region"] === "eu"
          ? TEXT
          : fail(response, request, -32020, "Header mismatch", { status: 400 }),
    });
    expect(await client.call("deploy", { region: "eu" })).toBe("hello");
    await expect(client.call("deploy", { region: "us" })).rejects.toMatchObject({ code: -32020 });
    expect(server.count("tools/call")).toBe(4);
  });
});

describe("lists", () => {
  it("are read page by page; an empty string is a cursor like any other", async () => {
    const cursors = ["", "b", undefined];
    const { client, server } = await rig({
      "tools/list": (_request, _response, times) => ({
        tools: [{ name: `tool${times}`, inputSchema: {} }],
        nextCursor: cursors[times],
      }),
    });
    expect((await client.listTools()).map(({ name }) => name)).toEqual(["tool0", "tool1", "tool2"]);
    expect(server.of("tools/list").map(({ params }) => params.cursor)).toEqual([
      undefined,
      "",
      "b",
    ]);
  });

  it.each([
    ["repeats a cursor", () => "a", "the same cursor twice"],
    ["never ends", (times: number) => `c${times}`, "more than 5 pages (limits.maxPages)"],
  ])("end when the server %s", async (_what, nextCursor, message) => {
    const { client } = await rig(
      {
        "prompts/list": (_request, _response, times) => ({
          prompts: [],
          nextCursor: nextCursor(times),
        }),
      },
      { limits: { maxPages: 5 } },
    );
    await expect(client.listPrompts()).rejects.toMatchObject({
      code: "pagination_loop",
      message: expect.stringContaining(message),
    });
  });
});

describe("deadlines", () => {
  it("idle: progress starts the clock anew, silence ends the request and tells the server", async () => {
    const reports: number[] = [];
    const { client, server } = await rig({
      "tools/call": (request, response, times) => {
        const send = stream(response);
        if (times > 0) return undefined;
        let progress = 0;
        const timer = setInterval(() => {
          if (++progress > 6) {
            clearInterval(timer);
            send({ id: request.id, result: TEXT });
            response.end();
          } else {
            const params = { progressToken: request.id, progress };
            send({ method: "notifications/progress", params });
          }
        }, 100);
        return undefined;
      },
    });
    const options = {
      timeoutMs: 400,
      onProgress: ({ progress }: { progress: number }) => void reports.push(progress),
    };
    expect(await client.call("slow", {}, options)).toBe("hello");
    expect(reports).toEqual([1, 2, 3, 4, 5, 6]);
    await expect(client.call("slow", {}, options)).rejects.toMatchObject({
      code: "timeout",
      details: { deadline: "idle", limitMs: 400 },
    });
    await until(() => expect(server.cut).toHaveLength(1));
  });

  it("total: holds whatever is reported", async () => {
    const { client } = await rig({
      "tools/call": (request, response) => {
        const send = stream(response);
        let progress = 0;
        const timer = setInterval(
          () =>
            send({
              method: "notifications/progress",
              params: { progressToken: request.id, progress: ++progress },
            }),
          50,
        );
        response.on("close", () => clearInterval(timer));
        return undefined;
      },
    });
    const call = client.call("slow", {}, { maxTotalTimeoutMs: 300, onProgress: () => {} });
    await expect(call).rejects.toMatchObject({ code: "timeout", details: { deadline: "total" } });
  });

  it("a wait for a retry that does not fit leaves the error as it is", async () => {
    const { client } = await rig({
      "tools/list": (request, response) =>
        fail(response, request, -1503, "draining", { data: { retryAfterMs: 60_000 } }),
    });
    const list = client.listTools({ maxTotalTimeoutMs: 1_000 });
    await expect(list).rejects.toMatchObject({ code: -1503, retryAfterMs: 60_000 });
  });
});

describe("cancellation", () => {
  const hang: Answer = () => undefined;

  it("modern: the stream is closed", async () => {
    const { client, server } = await rig({ "tools/call": hang });
    const controller = new AbortController();
    const call = client.callTool("slow", {}, { signal: controller.signal });
    await until(() => expect(server.count("tools/call")).toBe(1));
    controller.abort(new Error("enough"));
    await expect(call).rejects.toMatchObject({
      code: "aborted",
      cause: expect.objectContaining({ message: "enough" }),
    });
    await until(() => expect(server.cut).toHaveLength(1));
    expect(server.count("notifications/cancelled")).toBe(0);
  });

  it("legacy: the server is told", async () => {
    const { client, server } = await rig({ "tools/call": hang }, { era: "legacy" });
    const controller = new AbortController();
    const call = client.callTool("slow", {}, { signal: controller.signal });
    await until(() => expect(server.count("tools/call")).toBe(1));
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "aborted" });
    await until(() => expect(server.count("notifications/cancelled")).toBe(1));
    const [asked] = server.of("tools/call");
    expect(server.of("notifications/cancelled")[0]?.params.requestId).toBe(asked?.id);
  });

  it("before the request: nothing is sent", async () => {
    const { client, server } = await rig({ "tools/call": hang });
    const call = client.callTool("slow", {}, { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ code: "aborted" });
    expect(server.requests).toEqual([]);
  });

  it("leaves no listener on a signal that outlives its requests", async () => {
    const { client } = await rig({ "tools/call": () => TEXT });
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    await Promise.all(Array.from({ length: 20 }, () => client.callTool("t", {}, { signal })));
    expect(listeners).toBe(0);
  });
});

describe("retries", () => {
  const dies: Answer = (_request, response, times) => {
    if (times > 0) return TEXT;
    response.socket?.destroy();
    return undefined;
  };

  it("repeat what only reads, and calls that may be repeated", async () => {
    const { client, server } = await rig({
      "tools/list": (request, response, times) =>
        times > 0
          ? { tools: [{ name: "read", inputSchema: {}, annotations: { readOnlyHint: true } }] }
          : dies(request, response, times),
      "tools/call": dies,
    });
    await client.listTools();
    expect(await client.call("read")).toBe("hello");
    expect(server.count("tools/list")).toBe(2);
    expect(server.count("tools/call")).toBe(2);
  });

  it("never repeat a call that may have been worked on, unless the caller says so", async () => {
    const { client, server } = await rig({ "tools/call": dies });
    await expect(client.call("write")).rejects.toMatchObject({
      code: "connection_lost",
      retry: "if-idempotent",
    });
    expect(server.count("tools/call")).toBe(1);
    const second = await rig({ "tools/call": dies });
    expect(await second.client.call("write", {}, { idempotent: true })).toBe("hello");
  });

  it("do not believe the annotations of a server that is not trusted", async () => {
    const { client } = await rig(
      {
        "tools/list": listed({ name: "read", annotations: { readOnlyHint: true } }),
        "tools/call": dies,
      },
      { trustAnnotations: false },
    );
    await client.listTools();
    await expect(client.call("read")).rejects.toMatchObject({ code: "connection_lost" });
  });

  it("repeat any call that the server refused before working on it", async () => {
    const { client, server } = await rig({
      "tools/call": (request, response, times) =>
        times > 0
          ? TEXT
          : fail(response, request, -1503, "overloaded", {
              status: 503,
              headers: { "retry-after": "0" },
            }),
    });
    expect(await client.call("write")).toBe("hello");
    expect(server.count("tools/call")).toBe(2);
  });

  it("end with maxRetries", async () => {
    const { client, server } = await rig(
      { "prompts/list": (_request, response) => void response.socket?.destroy() as undefined },
      { maxRetries: 2, circuitBreaker: false },
    );
    await expect(client.listPrompts()).rejects.toMatchObject({ code: "connection_lost" });
    expect(server.count("prompts/list")).toBe(3);
  });
});

describe("sessions", () => {
  it("a session that the server lost is opened anew, and the request is sent again", async () => {
    const { client, server } = await rig(
      {
        "tools/call": (request, response) =>
          request.headers["mcp-session-id"] === "session-1"
            ? fail(response, request, -32001, "Session not found", { status: 404 })
            : TEXT,
      },
      { era: "legacy" },
    );
    expect(await client.call("t")).toBe("hello");
    expect(server.count("initialize")).toBe(2);
    expect(client.era).toBe("legacy");
  });

  it("is ended with DELETE when the client closes", async () => {
    const { client, server } = await rig({ ping: () => ({}) }, { era: "legacy" });
    await client.ping();
    await client.close();
    expect(server.of("DELETE")[0]?.headers["mcp-session-id"]).toBe("session-1");
    await expect(client.ping()).rejects.toMatchObject({ code: "closed" });
  });

  it("carries the version and the session on every request after initialize", async () => {
    const { client, server } = await rig({ ping: () => ({}) }, { era: "legacy" });
    await client.ping();
    const [, initialize, initialized, ping] = server.requests;
    expect(initialize?.headers).not.toHaveProperty("mcp-session-id");
    for (const request of [initialized, ping]) {
      expect(request?.headers).toMatchObject({
        "mcp-session-id": "session-1",
        "mcp-protocol-version": "2025-11-25",
      });
    }
  });
});

describe("log messages", () => {
  it.each(["modern", "legacy"] as const)(
    "%s: reach the request that asked for them",
    async (era) => {
      const entries: unknown[] = [];
      const { client, server } = await rig(
        {
          "logging/setLevel": () => ({}),
          "tools/call": (request, response) => {
            const send = stream(response);
            for (const level of ["debug", "warning"]) {
              send({
                method: "notifications/message",
                params: { level, data: level, logger: "l" },
              });
            }
            send({ id: request.id, result: TEXT });
            response.end();
            return undefined;
          },
        },
        { era },
      );
      await client.callTool(
        "t",
        {},
        { onLog: (entry) => void entries.push(entry), logLevel: "info" },
      );
      expect(entries).toEqual([{ level: "warning", data: "warning", logger: "l" }]);
      if (era === "legacy")
        expect(server.of("logging/setLevel")[0]?.params).toEqual({ level: "info" });
      else {
        const meta = server.of("tools/call")[0]?.params._meta;
        expect(meta).toMatchObject({ "io.modelcontextprotocol/logLevel": "info" });
      }
    },
  );
});

describe("calls that wait for the same connection", () => {
  it("are each sent in the async context of their own caller", async () => {
    const tenant = new AsyncLocalStorage<string>();
    const { client, server } = await rig(
      { "tools/call": () => TEXT },
      {
        auth: {
          headers: async () => ({ authorization: `Bearer ${tenant.getStore()}` }),
          onChallenge: async () => "fail",
        },
      },
    );
    await Promise.all(["a", "b", "c"].map((name) => tenant.run(name, () => client.callTool(name))));
    for (const { params, headers } of server.of("tools/call")) {
      expect(headers.authorization).toBe(`Bearer ${params.name}`);
    }
    expect(server.count("tools/call")).toBe(3);
  });
});

describe("interceptors", () => {
  it("see every request, and may add to its _meta", async () => {
    const { client, server } = await rig({ "tools/call": () => TEXT });
    const seen: unknown[] = [];
    const tracing: ClientInterceptor = {
      name: "tracing",
      phase: "observe",
      async intercept(invocation, next) {
        const { method, target, context } = invocation;
        seen.push([method, target, context.server]);
        const options = { ...context.options, meta: { traceparent: "00-a-b-01" } };
        return next({ ...invocation, context: { ...context, options } });
      },
    };
    client.use(tracing);
    await client.callTool("t");
    expect(seen).toEqual([["tools/call", "t", server.url]]);
    expect(server.of("tools/call")[0]?.params._meta).toMatchObject({ traceparent: "00-a-b-01" });
  });

  it("that let one request through at a time do not hold up the look at the tool's schema", async () => {
    const outputSchema = { type: "object", properties: { sum: { type: "integer" } } };
    const { client } = await rig({
      "tools/list": listed({ name: "add", outputSchema }),
      "tools/call": ({ params }) => ({
        content: [],
        structuredContent: params.arguments as object,
      }),
    });
    let last: Promise<unknown> = Promise.resolve();
    client.use({
      name: "one at a time",
      phase: "limit",
      intercept: (invocation, next) => {
        const mine = last.then(() => next(invocation));
        last = mine.catch(() => {});
        return mine;
      },
    });
    const calls = [1, "2"].map((sum) => client.callTool("add", { sum }));
    await expect(calls[0]).resolves.toMatchObject({ structuredContent: { sum: 1 } });
    await expect(calls[1]).rejects.toMatchObject({ code: "invalid_output" });
  });
});

describe("results that lie", () => {
  it.each<[string, object]>([
    ["content is no array", { content: "x" }],
    ["content[0] has no type", { content: [{}] }],
    ["isError is no boolean", { content: [], isError: "yes" }],
    ["resultType", { content: [], resultType: "task" }],
  ])("tools/call: %s", async (problem, result) => {
    const { client } = await rig({ "tools/call": () => result });
    await expect(client.callTool("t")).rejects.toMatchObject({
      code: "invalid_response",
      retry: "never",
      message: expect.stringContaining(problem),
    });
  });

  it("a missing resultType counts as complete", async () => {
    const { client } = await rig({
      "tools/call": (request, response) =>
        void succeed(response, request, { content: [] }) as undefined,
    });
    expect(await client.callTool("t")).toEqual({ content: [] });
  });
});

describe("options", () => {
  it.each<[object, string]>([
    [{}, 'exactly one of the options "url", "stdio" and "transport" is needed; given: none'],
    [{ url: "http://a", stdio: { command: "x" } }, "given: url, stdio"],
    [{ url: "ftp://a" }, 'option "url" must be http or https'],
    [{ url: "http://u:p@a" }, "must not carry credentials"],
    [{ url: "nonsense" }, 'option "url" is no absolute URL'],
    [{ url: "http://a", timeout: 3 }, 'unknown option "timeout"'],
    [{ url: "http://a", timeoutMs: 0 }, 'option "timeoutMs" must be a whole number'],
    [{ url: "http://a", protocol: "2020-01-01" }, 'option "protocol"'],
    [{ url: "http://a", auth: "Bearer x" }, 'option "auth" is no bearer token'],
    [{ url: "http://a", headers: { "Mcp-Name": "x" } }, "is set by the protocol"],
    [{ url: "http://a", headers: { a: "b\r\nc: d" } }, 'option "headers": "a" is no valid header'],
    [{ url: "http://a", limits: { maxPage: 1 } }, 'unknown option "limits.maxPage"'],
    [{ url: "http://a", handlers: { ask: 1 } }, 'unknown option "ask"'],
    [{ stdio: { command: "x" }, auth: "t" }, 'options "auth" and "headers" are for HTTP'],
    [{ url: "http://a", maxSockets: 0 }, 'option "maxSockets"'],
  ])("%o are refused", (options, message) => {
    expect(() => new MCPClient(options as MCPClientOptions)).toThrow(message);
  });

  it("a header of a request may not replace one of the protocol's", async () => {
    const { client } = await rig({ "tools/call": () => TEXT });
    const call = client.callTool("t", {}, { headers: { "MCP-Protocol-Version": "x" } });
    await expect(call).rejects.toThrow("is set by the protocol");
  });

  it("a bearer token and headers go with every request", async () => {
    const { client, server } = await rig(
      { "tools/call": () => TEXT },
      { auth: "secret-token", headers: { "X-API-Key": "key123" } },
    );
    await client.callTool("t");
    for (const { headers } of server.requests) {
      expect(headers).toMatchObject({
        authorization: "Bearer secret-token",
        "x-api-key": "key123",
      });
    }
  });
});

describe("questions of a legacy server", () => {
  it("are heard on the GET stream, which is open before the first request", async () => {
    let ask: ((message: object) => void) | undefined;
    const { client, server } = await rig(
      {
        GET: (_request, response) => {
          ask = stream(response);
          return undefined;
        },
        "tools/call": () => {
          const params = { message: "Who?", requestedSchema: { type: "object", properties: {} } };
          ask?.({ id: "q1", method: "elicitation/create", params });
          return TEXT;
        },
      },
      {
        era: "legacy",
        handlers: { elicit: { form: () => ({ action: "decline" }) } },
      },
    );
    expect(await client.call("t")).toBe("hello");
    await until(() =>
      expect(server.answers).toContainEqual({ id: "q1", result: { action: "decline" } }),
    );
  });
});

describe("what one request does to others", () => {
  it("a lost session ends with its last request: what is under way is not cut", async () => {
    let release: (() => void) | undefined;
    const { client, server } = await rig(
      {
        "tools/call": (request, response) => {
          if (request.params.name === "slow") {
            release = () => succeed(response, request, TEXT);
            return undefined;
          }
          return request.headers["mcp-session-id"] === "session-1"
            ? fail(response, request, -32001, "Session not found", { status: 404 })
            : TEXT;
        },
      },
      { era: "legacy" },
    );
    const slow = client.call("slow");
    await until(() => expect(server.count("tools/call")).toBe(1));
    expect(await client.call("quick")).toBe("hello");
    release?.();
    expect(await slow).toBe("hello");
    await until(() => {
      const ended = server.of("DELETE").map(({ headers }) => headers["mcp-session-id"]);
      expect(ended).toEqual(["session-1"]);
    });
  });

  it("close ends a request that waits for its retry", async () => {
    const { client, server } = await rig(
      {
        "prompts/list": (request, response) =>
          fail(response, request, -1503, "draining", { data: { retryAfterMs: 60_000 } }),
      },
      { retry: { maxDelayMs: 120_000 } },
    );
    const ended = expect(client.listPrompts()).rejects.toMatchObject({
      code: "closed",
      message: "the client was closed",
    });
    await until(() => expect(server.count("prompts/list")).toBe(1));
    // By the time that this is answered, so is the list.
    await client.ping();
    await client.close();
    await ended;
  });
});

describe("the whole of a list", () => {
  it("shares one maxTotalTimeoutMs", async () => {
    const { client } = await rig({
      "prompts/list": (request, response, times) => {
        const result = { prompts: [], nextCursor: `c${times}` };
        setTimeout(() => succeed(response, request, result), 50);
        return undefined;
      },
    });
    const list = client.listPrompts({ maxTotalTimeoutMs: 300 });
    await expect(list).rejects.toMatchObject({ code: "timeout", details: { deadline: "total" } });
  });

  it("has a bound of its items", async () => {
    const prompts = [{ name: "a" }, { name: "b" }, { name: "c" }];
    const { client } = await rig(
      { "prompts/list": (_request, _response, times) => ({ prompts, nextCursor: `c${times}` }) },
      { limits: { maxItems: 10 } },
    );
    await expect(client.listPrompts()).rejects.toMatchObject({
      code: "pagination_loop",
      message: expect.stringContaining("limits.maxItems"),
    });
  });
});

describe("options of a request", () => {
  it.each([
    [{ timeoutMs: Number.NaN }, 'option "timeoutMs" must be a number above 0, not NaN'],
    [{ maxTotalTimeoutMs: -1 }, 'option "maxTotalTimeoutMs" must be a number above 0, not -1'],
    [{ meta: { progressToken: 1 } }, "progressToken"],
  ])("%o is refused", async (options, message) => {
    const { client } = await rig({ "tools/call": () => TEXT });
    await expect(client.callTool("t", {}, options)).rejects.toThrow(message);
  });

  it("log messages that nobody asked for go to the client's onLog", async () => {
    const entries: unknown[] = [];
    const { client } = await rig(
      {
        "tools/call": (request, response) => {
          const send = stream(response);
          send({ method: "notifications/message", params: { level: "info", data: "said" } });
          send({ id: request.id, result: TEXT });
          response.end();
          return undefined;
        },
      },
      { era: "legacy", onLog: (entry) => void entries.push(entry) },
    );
    await client.callTool("t");
    expect(entries).toEqual([{ level: "info", data: "said", logger: undefined }]);
  });

  it("headers and arguments that an interceptor changes are what is sent", async () => {
    const inputSchema = {
      type: "object",
      properties: { region: { type: "string", "x-mcp-header": "Region" } },
    };
    const { client, server } = await rig({
      "tools/list": listed({ name: "deploy", inputSchema }),
      "tools/call": () => TEXT,
    });
    await client.listTools();
    client.use({
      name: "move",
      phase: "handler",
      intercept(invocation, next) {
        const params = { ...invocation.params, arguments: { region: "us" } };
        const options = { ...invocation.context.options, headers: { "X-Moved": "yes" } };
        return next({ ...invocation, params, context: { ...invocation.context, options } });
      },
    });
    await client.callTool("deploy", { region: "eu" });
    const [sent] = server.of("tools/call");
    expect(sent?.params.arguments).toEqual({ region: "us" });
    expect(sent?.headers).toMatchObject({ "mcp-param-region": "us", "x-moved": "yes" });
  });
});
