import { MCPError, ToolExecutionError } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { callTool, modern, openModern } from "./harness/http.ts";
import { textOf } from "./harness/messages.ts";
import { startServer, useServer } from "./harness/servers.ts";
import { untilAborted } from "./harness/until-aborted.ts";

const secret = "postgres://admin:hunter2@db.internal:5432";
const reserved = (code: number) => code >= -32768 && code <= -32000;
const defined = new Set([-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022]);

/** Everything a handler can do wrong. */
const failures: Record<string, () => unknown> = {
  throws_error: () => {
    throw new Error(`cannot connect to ${secret}`);
  },
  rejects_with_text: () => Promise.reject(secret),
  rejects_with_nothing: () => Promise.reject(undefined),
  rejects: () => Promise.reject(new TypeError(secret)),
  rejects_with_object: () => Promise.reject({ secret, code: -32603, message: secret }),
  returns_function: () => () => secret,
  returns_symbol: () => Symbol(secret),
  returns_bigint: () => ({ n: 10n, secret }),
  returns_cycle: () => {
    const cycle: Record<string, unknown> = { secret };
    cycle["self"] = cycle;
    return cycle;
  },
  throws_in_json: () => ({
    toJSON() {
      throw new Error(secret);
    },
  }),
};

const target = useServer((server) => {
  for (const [name, handler] of Object.entries(failures)) server.tool(name, {}, handler);
  server.tool("expected", {}, () => {
    throw new ToolExecutionError(-1001, "no such place", {
      data: { known: ["Seattle"] },
      retryAfterMs: 5,
    });
  });
  for (const code of [-1001, 42, -32602]) {
    server.tool(`error_${code}`.replace("-", "m"), {}, () => {
      throw new MCPError(code, "told to the client", { data: { hint: 1 } });
    });
  }
  for (const code of [-32002, -32042, -32050, -32099, -32000, -32019]) {
    server.tool(`error_${code}`.replace("-", "m"), {}, () => {
      throw new MCPError(code, "of another revision or of nobody");
    });
  }
  server.prompt("fails", {}, () => {
    throw new Error(secret);
  });
  server.resource("test://fails", {}, () => {
    throw new Error(secret);
  });
});

describe("unexpected failures", () => {
  it.each(Object.keys(failures))(
    "[S26-40d, S26-01c] of a handler that %s are masked",
    async (name) => {
      const { status, message, text } = await callTool(target.url, name);
      expect(status).toBe(200);
      expect(message?.error?.code).toBe(-32603);
      expect(message?.error?.data?.["correlationId"]).toEqual(expect.any(String));
      expect(text).not.toContain("hunter2");
      expect(text).not.toMatch(/\bat .+:\d+/);
    },
  );

  it.each([
    ["prompts/get", { name: "fails" }],
    ["resources/read", { uri: "test://fails" }],
  ])("[S26-40d] on %s are masked", async (method, params) => {
    const { message, text } = await modern(target.url, method, params);
    expect(message?.error?.code).toBe(-32603);
    expect(text).not.toContain("hunter2");
  });

  it("carry an id under which the log has the whole error, once", async () => {
    const logged: unknown[] = [];
    const collect = (...entry: unknown[]) => logged.push(entry);
    const logger = { debug() {}, info() {}, warn() {}, error: collect };
    const { server, url } = await startServer(
      (server) => server.tool("fails", {}, failures["throws_error"] as () => unknown),
      { logger },
    );
    try {
      const { message } = await callTool(url, "fails");
      const entries = logged.filter((entry) =>
        JSON.stringify(entry).includes(String(message?.error?.data?.["correlationId"])),
      );
      expect(entries).toHaveLength(1);
    } finally {
      await server.stop();
    }
  });
});

describe("expected failures", () => {
  it("[S26-11b] are results that carry their type under a key of our own, well formed and not reserved", async () => {
    const { message } = await callTool(target.url, "expected");
    expect(message?.result?.isError).toBe(true);
    expect(textOf(message)).toBe("no such place");
    const own = Object.keys(message?.result?._meta ?? {}).filter(
      (key) => !key.startsWith("io.modelcontextprotocol/"),
    );
    expect(own).toHaveLength(1);
    const [prefix, name] = String(own[0]).split("/") as [string, string];
    for (const label of prefix.split("."))
      expect(label).toMatch(/^[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/);
    expect(["mcp", "modelcontextprotocol"]).not.toContain(prefix.split(".")[1]);
    expect(name).toMatch(/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/);
    expect(message?.result?._meta?.[String(own[0])]).toMatchObject({
      code: -1001,
      retryAfterMs: 5,
      data: { known: ["Seattle"] },
    });
  });

  it.each([
    ["error_m1001", -1001],
    ["error_42", 42],
    ["error_m32602", -32602],
  ])("told as errors keep their code: %s", async (name, code) => {
    const { message } = await callTool(target.url, name);
    expect(message?.error).toMatchObject({
      code,
      message: "told to the client",
      data: { hint: 1 },
    });
  });
});

describe("codes", () => {
  it.each([
    "error_m32002",
    "error_m32042",
    "error_m32050",
    "error_m32099",
    "error_m32000",
    "error_m32019",
  ])("[S26-06a, S26-06b] of other revisions or of nobody are never sent: %s", async (name) => {
    const { message } = await callTool(target.url, name);
    const code = message?.error?.code ?? 0;
    expect(message?.error).toBeDefined();
    expect(!reserved(code) || defined.has(code), String(code)).toBe(true);
  });

  it("[S26-06b] of the server's own conditions lie outside the reserved range", async () => {
    const { server, url } = await startServer(
      (server) => {
        server.tool("hang", {}, (_args, context) => {
          context.progress(1);
          return untilAborted(context.signal);
        });
        server.tool("late", { deadlines: { idleMs: 20 } }, (_args, context) =>
          untilAborted(context.signal),
        );
      },
      { limits: { maxInFlight: 1 } },
      { drainTimeoutMs: 200 },
    );
    const late = await callTool(url, "late");
    const params = { name: "hang", arguments: {} };
    const running = await openModern(url, "tools/call", params, { meta: { progressToken: 1 } });
    await running.next();
    const overloaded = await callTool(url, "late");
    const stopping = server.stop();
    const aborted = await running.until(({ method }) => method === undefined);
    await stopping;
    expect(overloaded.status).toBe(503);
    expect(overloaded.headers["retry-after"]).toMatch(/^\d+$/);
    expect(overloaded.message?.error?.data?.["retryAfterMs"]).toEqual(expect.any(Number));
    for (const error of [late.message?.error, overloaded.message?.error, aborted.error]) {
      expect(Number.isInteger(error?.code)).toBe(true);
      expect(reserved(error?.code ?? -32000)).toBe(false);
    }
  });
});
