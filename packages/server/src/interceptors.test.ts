import type { Authorizer, Interceptor } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { ERAS, RawClient } from "./client.test-support.ts";
import { MCPServer } from "./index.ts";

function tracing(name: string, phase: Interceptor["phase"], trace: string[]): Interceptor {
  return {
    name,
    phase,
    async intercept(invocation, next) {
      trace.push(`${name} ${invocation.method} ${invocation.target ?? "-"}`);
      const result = await next(invocation);
      trace.push(`/${name}`);
      return result;
    },
  };
}

describe.each(ERAS)("interceptors, %s", (era) => {
  it("wrap every method by phase, whatever the order of use", async () => {
    const trace: string[] = [];
    const server = new MCPServer({ name: "t", version: "1" });
    server.tool("echo", {}, () => {
      trace.push("handler");
      return "";
    });
    server.use(tracing("inner", "handler", trace));
    server.use(tracing("cache", "cache", trace), tracing("outer", "observe", trace));
    const client = await RawClient.connect(server, era);
    await client.call("echo");
    expect(trace).toEqual([
      "outer tools/call echo",
      "cache tools/call echo",
      "inner tools/call echo",
      "handler",
      "/inner",
      "/cache",
      "/outer",
    ]);
    trace.length = 0;
    await client.result("tools/list");
    expect(trace[0]).toBe("outer tools/list -");
  });

  it("change what they pass on and what they give back", async () => {
    const server = new MCPServer({ name: "t", version: "1" });
    server.tool("echo", {}, (args) => JSON.stringify(args));
    server.use({
      name: "rewrite",
      phase: "handler",
      async intercept(invocation, next) {
        const params = { ...invocation.params, arguments: { rewritten: true } };
        const result = await next({ ...invocation, params });
        return { ...result, isError: true };
      },
    });
    const result = await (await RawClient.connect(server, era)).call("echo", { a: 1 });
    expect(result).toMatchObject({
      isError: true,
      content: [{ type: "text", text: '{"rewritten":true}' }],
    });
  });

  it("change one list result without changing the next", async () => {
    const server = new MCPServer({ name: "t", version: "1" });
    server.tool("a", {}, () => "");
    let hide = true;
    server.use({
      name: "hide",
      phase: "handler",
      intercept: async (invocation, next) =>
        hide && invocation.method === "tools/list" ? { tools: [] } : next(invocation),
    });
    const client = await RawClient.connect(server, era);
    expect((await client.result("tools/list")).tools).toEqual([]);
    hide = false;
    expect((await client.result("tools/list")).tools).toHaveLength(1);
  });

  it("never run for what the policy refuses: a hidden tool is as unknown as one that is not there", async () => {
    const policy: Authorizer = {
      perPrincipal: true,
      decide: (_principal, { tags }) => ({ effect: tags.includes("secret") ? "hide" : "allow" }),
    };
    const trace: string[] = [];
    const server = new MCPServer({ name: "t", version: "1", policy });
    server.tool("open", {}, () => "");
    server.tool("hidden", { tags: ["secret"] }, () => "");
    server.use(tracing("cache", "cache", trace));
    const client = await RawClient.connect(server, era);
    const { tools, cacheScope } = (await client.result("tools/list")) as {
      tools: { name: string }[];
      cacheScope?: string;
    };
    expect(tools.map(({ name }) => name)).toEqual(["open"]);
    expect(cacheScope).toBe(era === "modern" ? "private" : undefined);
    trace.length = 0;
    const hidden = await client.request("tools/call", { name: "hidden" });
    const absent = await client.request("tools/call", { name: "absent" });
    expect(hidden.error?.message.replace("hidden", "X")).toBe(
      absent.error?.message.replace("absent", "X"),
    );
    expect(hidden.error?.code).toBe(absent.error?.code);
    expect(trace).toEqual([]);
  });

  it("are refused when they name no phase", () => {
    const server = new MCPServer({ name: "t", version: "1" });
    const wrong = { name: "w", phase: "whenever", intercept: async () => ({}) } as never;
    expect(() => server.use(wrong)).toThrow(/interceptor "w": phase "whenever"/);
  });
});
