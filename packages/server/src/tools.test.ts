import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ERAS, RawClient } from "./client.test-support.ts";
import { MCPError, MCPServer, MCPTool, ToolExecutionError } from "./index.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function serverWith(register: (server: MCPServer) => void, options = {}): MCPServer {
  const server = new MCPServer({ name: "t", version: "1", logger: silent, ...options });
  register(server);
  return server;
}

describe.each(ERAS)("what a handler returns, %s", (era) => {
  async function returned(value: unknown, output?: z.ZodType): Promise<Record<string, unknown>> {
    const server = serverWith((s) => {
      s.tool("t", { output }, () => value as never);
    });
    const { _meta, resultType, ...result } = await (await RawClient.connect(server, era)).call("t");
    return result;
  }

  it("is text when it is a string", async () => {
    expect(await returned("hi")).toEqual({ content: [{ type: "text", text: "hi" }] });
  });

  it("is structured and repeated as JSON text when it is a plain object", async () => {
    expect(await returned({ a: 1 })).toEqual({
      content: [{ type: "text", text: '{"a":1}' }],
      structuredContent: { a: 1 },
    });
  });

  it("is structured as it is in the modern era, and wrapped for legacy clients, when it is no object", async () => {
    expect((await returned(5)).structuredContent).toEqual(era === "modern" ? 5 : { result: 5 });
    expect((await returned([1, 2])).structuredContent).toEqual(
      era === "modern" ? [1, 2] : { result: [1, 2] },
    );
  });

  it("is content when it is one block or an array of blocks", async () => {
    const block = { type: "image", data: "aGk=", mimeType: "image/png" };
    expect(await returned(block)).toEqual({ content: [block] });
    expect(await returned([block])).toEqual({ content: [block] });
  });

  it("is a full result when it has the members of one", async () => {
    const full = { content: [{ type: "text", text: "x" }], isError: true };
    expect(await returned(full)).toEqual(full);
  });

  it("is a value when it only looks like a result", async () => {
    const value = { content: [{ type: "text", text: "x" }], author: "me" };
    expect((await returned(value)).structuredContent).toEqual(value);
  });

  it("is empty when it is undefined", async () => {
    expect(await returned(undefined)).toEqual({ content: [] });
  });

  it("is what the output schema makes of it", async () => {
    const output = z.object({ a: z.number() });
    const result = await returned({ a: 1, secret: "stripped" }, output);
    expect(result).toEqual({
      content: [{ type: "text", text: '{"a":1}' }],
      structuredContent: { a: 1 },
    });
  });

  it("keeps a wrapped output schema and its value together in the legacy era", async () => {
    const server = serverWith((s) => {
      s.tool("t", { output: z.array(z.string()) }, () => ["a"]);
    });
    const client = await RawClient.connect(server, era);
    const { tools } = (await client.result("tools/list")) as {
      tools: { outputSchema: { type: string } }[];
    };
    expect(tools[0]?.outputSchema.type).toBe(era === "modern" ? "array" : "object");
    expect((await client.call("t")).structuredContent).toEqual(
      era === "modern" ? ["a"] : { result: ["a"] },
    );
  });

  it("is masked when its output schema or JSON refuses it", async () => {
    const logged: unknown[] = [];
    const logger = { ...silent, error: (fields: unknown) => logged.push(fields) };
    const server = serverWith(
      (s) => {
        s.tool("wrong", { output: z.object({ a: z.number() }) }, () => ({ a: "x" }) as never);
        s.tool("odd", {}, () => () => 1);
      },
      { logger },
    );
    const client = await RawClient.connect(server, era);
    for (const name of ["wrong", "odd"]) {
      const { error } = await client.request("tools/call", { name });
      expect(error).toMatchObject({ code: -32603, message: "Internal error" });
    }
    expect(logged).toHaveLength(2);
  });
});

describe.each(ERAS)("how a handler fails, %s", (era) => {
  it("tells a ToolExecutionError as a result with its typed part", async () => {
    const server = serverWith((s) => {
      s.tool("t", {}, () => {
        throw new ToolExecutionError(-2001, "down", { retryAfterMs: 60_000, data: { a: 1 } });
      });
    });
    const result = await (await RawClient.connect(server, era)).call("t");
    expect(result).toMatchObject({
      isError: true,
      content: [{ type: "text", text: "down" }],
      _meta: { "dev.backplane/error": { code: -2001, retryAfterMs: 60_000, data: { a: 1 } } },
    });
  });

  it("tells an MCPError as a JSON-RPC error", async () => {
    const server = serverWith((s) => {
      s.tool("t", {}, async () => {
        throw new MCPError(-1001, "no such place", { data: { field: "x" } });
      });
    });
    const client = await RawClient.connect(server, era);
    const { error } = await client.request("tools/call", { name: "t" });
    expect(error).toEqual({ code: -1001, message: "no such place", data: { field: "x" } });
  });

  it("masks everything else and logs it once under the id that the client sees", async () => {
    const logged: Record<string, unknown>[] = [];
    const logger = { ...silent, error: (fields: Record<string, unknown>) => logged.push(fields) };
    const server = serverWith(
      (s) => {
        s.tool("t", {}, () => {
          throw new Error("password=hunter2");
        });
      },
      { logger },
    );
    const client = await RawClient.connect(server, era);
    const { error } = await client.request("tools/call", { name: "t" });
    expect(JSON.stringify(error)).not.toContain("hunter2");
    expect(logged).toHaveLength(1);
    expect(error?.data).toEqual({ correlationId: logged[0]?.correlationId });
    expect(logged[0]).toMatchObject({ err: { message: "password=hunter2" } });
  });
});

describe.each(ERAS)("arguments, %s", (era) => {
  const input = z.object({ city: z.string().min(1), days: z.number().int().default(3) });

  it("reach the handler parsed, with defaults", async () => {
    const server = serverWith((s) => {
      s.tool("t", { input }, ({ city, days }) => `${city} ${days}`);
    });
    const { content } = await (await RawClient.connect(server, era)).call("t", { city: "Rome" });
    expect(content).toEqual([{ type: "text", text: "Rome 3" }]);
  });

  it("that are invalid give an isError result that names the path", async () => {
    let ran = false;
    const server = serverWith((s) => {
      s.tool("t", { input }, () => {
        ran = true;
        return "";
      });
    });
    const result = await (await RawClient.connect(server, era)).call("t", { city: 5 });
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toMatch(/city/);
    expect(ran).toBe(false);
  });

  it("of an unknown tool give -32602", async () => {
    const server = serverWith((s) => {
      s.tool("t", {}, () => "");
    });
    const client = await RawClient.connect(server, era);
    expect((await client.request("tools/call", { name: "nope" })).error?.code).toBe(-32602);
    expect((await client.request("tools/call", { name: 5 })).error?.code).toBe(-32602);
    const wrong = await client.request("tools/call", { name: "t", arguments: [1] });
    expect(wrong.error?.code).toBe(-32602);
  });
});

describe("registration", () => {
  it("refuses a name that is taken or malformed, and an empty list of scopes", () => {
    serverWith((s) => {
      s.tool("t", {}, () => "");
      expect(() => s.tool("t", {}, () => "")).toThrow(/"t" is registered already/);
      expect(() => s.tool("a b", {}, () => "")).toThrow(/name must be/);
      expect(() => s.tool("x", { scopes: [] }, () => "")).toThrow(/scopes is an empty list/);
      expect(() => s.tool("y", { deadlines: { idleMs: 0 } }, () => "")).toThrow(/deadlines.idleMs/);
    });
  });

  it("refuses a schema that cannot be shown, naming tool and path", () => {
    serverWith((s) => {
      expect(() => s.tool("t", { input: z.object({ when: z.date() }) }, () => "")).toThrow(
        /tool "t" input.*when/s,
      );
      expect(() => s.tool("t", { input: z.string() as never }, () => "")).toThrow(/tool "t" input/);
    });
  });

  it("takes a class with state of its own", async () => {
    class Counter extends MCPTool<typeof Counter.input> {
      static readonly input = z.object({ by: z.number() });
      override readonly name = "counter";
      override readonly options = { description: "Counts", input: Counter.input };
      #total = 0;
      override execute({ by }: { by: number }): { total: number } {
        this.#total += by;
        return { total: this.#total };
      }
    }
    const server = serverWith((s) => {
      s.addTool(new Counter());
    });
    const client = await RawClient.connect(server, "modern");
    await client.call("counter", { by: 2 });
    expect((await client.call("counter", { by: 3 })).structuredContent).toEqual({ total: 5 });
  });

  it("changes at run time: added, disabled, enabled, removed, and clients are told once per tick", async () => {
    const server = serverWith((s) => {
      s.tool("first", {}, () => "");
    });
    const client = await RawClient.connect(server, "legacy");
    await client.result("ping");
    const names = async (): Promise<unknown> =>
      ((await client.result("tools/list")).tools as { name: string }[]).map(({ name }) => name);

    const handle = server.addTool({ name: "second", handler: () => "two" });
    server.addTool({ name: "third", handler: () => "three" });
    expect(await names()).toEqual(["first", "second", "third"]);
    handle.disable();
    expect(await names()).toEqual(["first", "third"]);
    expect((await client.request("tools/call", { name: "second" })).error?.code).toBe(-32602);
    handle.enable();
    expect(await names()).toEqual(["first", "second", "third"]);
    handle.remove();
    expect(server.removeTool("third")).toBe(true);
    expect(server.removeTool("third")).toBe(false);
    expect(await names()).toEqual(["first"]);

    await expect
      .poll(() => client.notifications.map(({ method }) => method))
      .toContain("notifications/tools/list_changed");
    const told = client.notifications.length;
    server.addTool({ name: "a", handler: () => "" });
    server.addTool({ name: "b", handler: () => "" });
    await expect.poll(() => client.notifications.length).toBe(told + 1);
  });
});
