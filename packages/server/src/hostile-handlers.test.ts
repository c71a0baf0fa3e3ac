import { type Authorizer, type Logger, MCPError } from "@backplane/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ERAS, type EraName, RawClient } from "./client.test-support.ts";
import { POST_HEADERS, send } from "./http/raw-client.test-support.ts";
import { MCPServer } from "./mcp-server.ts";
import { createStderrLogger } from "./stderr-logger.ts";

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Rejections that nobody handled: each would end a process that is not a test. */
const escaped: unknown[] = [];
const onEscaped = (error: unknown): void => void escaped.push(error);

beforeEach(() => {
  escaped.length = 0;
  process.on("unhandledRejection", onEscaped);
});

afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", onEscaped);
  vi.restoreAllMocks();
  expect(escaped).toEqual([]);
});

function circular(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}

function causedByItself(): Error {
  const error = new Error("boom");
  error.cause = error;
  return error;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** As a query builder: resolves, but `then` returns nothing. */
function thenable(value: unknown): PromiseLike<unknown> {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is
  return { then: (resolve: (value: unknown) => void) => void resolve(value) } as never;
}

class Unencodable {
  readonly content = [];
  toJSON(): undefined {
    return undefined;
  }
}

function server(logger: Logger): MCPServer {
  return new MCPServer({ name: "hostile", version: "1", logger });
}

describe.each(ERAS)("an error that cannot be sent (%s)", (era: EraName) => {
  it.each([
    ["data with a bigint", () => new MCPError(5, "x", { data: { n: 1n } })],
    ["circular data", () => new MCPError(5, "x", { data: circular() })],
    ["a circular object", circular],
    ["an error that is its own cause", causedByItself],
    ["a revoked proxy", revoked],
    ["nothing", () => undefined],
  ])("is masked, at once or later: %s", async (_name, make) => {
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const hostile = server(createStderrLogger());
    hostile.tool("now", {}, () => {
      throw make();
    });
    hostile.tool("later", {}, () => Promise.reject(make()));
    hostile.resource("app://later", {}, () => Promise.reject(make()));
    const client = await RawClient.connect(hostile, era);
    for (const name of ["now", "later"]) {
      const { error } = await client.request("tools/call", { name });
      expect(error).toMatchObject({ code: -32603, message: "Internal error" });
    }
    const { error } = await client.request("resources/read", { uri: "app://later" });
    expect(error?.code).toBe(-32603);
    await client.close();
  });

  it("is answered even if the logger fails on it", async () => {
    const fails = (): never => {
      throw new Error("no log today");
    };
    const hostile = server({ ...SILENT, error: fails });
    hostile.tool("later", {}, () => Promise.reject(new Error("boom")));
    const client = await RawClient.connect(hostile, era);
    const { error } = await client.request("tools/call", { name: "later" });
    expect(error?.code).toBe(-32603);
    await client.close();
  });

  it("is a result that JSON leaves out, too", async () => {
    const hostile = server(SILENT);
    hostile.tool("nothing", {}, () => new Unencodable() as never);
    hostile.use({
      name: "forgetful",
      phase: "handler",
      intercept: async (invocation, next) =>
        invocation.method === "prompts/list" ? (undefined as never) : next(invocation),
    });
    hostile.prompt("p", {}, () => "p");
    const client = await RawClient.connect(hostile, era);
    const { error } = await client.request("tools/call", { name: "nothing" });
    expect(error?.code).toBe(-32603);
    expect((await client.request("prompts/list")).error?.code).toBe(-32603);
    await client.close();
  });

  it("does not come of a thenable that returns nothing", async () => {
    const hostile = server(SILENT);
    hostile.tool("text", {}, () => thenable("found"));
    hostile.tool("circular", {}, () => thenable(circular()));
    const client = await RawClient.connect(hostile, era);
    expect(await client.call("text")).toMatchObject({ content: [{ text: "found" }] });
    const { error } = await client.request("tools/call", { name: "circular" });
    expect(error?.code).toBe(-32603);
    await client.close();
  });
});

describe("over HTTP", () => {
  it("headers of a policy that HTTP cannot carry end in a masked error", async () => {
    const failure = { status: 403, headers: { "WWW-Authenticate": "a\r\nX: b" }, message: "no" };
    const policy: Authorizer = {
      perPrincipal: false,
      decide: () => ({ effect: "challenge", failure: failure as never }),
    };
    const hostile = new MCPServer({ name: "h", version: "1", logger: SILENT, policy });
    const complete = async (): Promise<string[]> => [];
    hostile.resource("app://{x}", { complete: { x: complete } }, () => "x");
    const { url } = await hostile.start({ port: 0 });
    const ref = { type: "ref/resource", uri: "app://{x}" };
    const params = { ref, argument: { name: "x", value: "" } };
    const response = await modern(String(url), "completion/complete", params);
    expect(response.headers.x).toBeUndefined();
    expect((await response.json()).error?.code).toBe(-32603);
    await hostile.stop();
  });
});

describe("the logger of a server without one", () => {
  it("masks credentials in what a handler threw", async () => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const hostile = server(createStderrLogger());
    hostile.tool("leak", { input: z.object({}) }, () => {
      throw new Error("GET https://me:hunter2@db.example failed\nBearer abcdef123456");
    });
    const client = await RawClient.connect(hostile, "modern");
    await client.request("tools/call", { name: "leak" });
    const lines = write.mock.calls.map(([text]) => String(text));
    const logged = lines.filter((line) => line.includes("db.example"));
    expect(logged).toHaveLength(1);
    expect(logged[0]).not.toMatch(/hunter2|abcdef123456/);
    expect(logged[0]?.trimEnd()).not.toContain("\n");
    await client.close();
  });
});

function modern(url: string, method: string, params: object): ReturnType<typeof send> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return send(
    url,
    "POST",
    { ...POST_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": method },
    { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } },
  );
}
