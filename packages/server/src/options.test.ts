import { createMemorySessionStore } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { MCPServer, type MCPServerOptions, type StartOptions } from "./index.ts";

const base = { name: "t", version: "1" };

describe("options of MCPServer", () => {
  it.each<[string, object, RegExp]>([
    ["an unknown option", { ...base, cacheTtl: 5 }, /unknown option "cacheTtl"; known: name/],
    ["no name", { version: "1" }, /"name" must be a non-empty string/],
    ["an unknown limit", { ...base, limits: { maxBody: 1 } }, /"limits.maxBody"; known: max/],
    ["a limit of 0", { ...base, limits: { maxBodyBytes: 0 } }, /"limits.maxBodyBytes" must be/],
    ["a fractional deadline", { ...base, deadlines: { idleMs: 0.5 } }, /"deadlines.idleMs"/],
    ["a path without slash", { ...base, path: "mcp" }, /"path" must begin with "\/"/],
    ["an origin with a path", { ...base, allowedOrigins: ["https://a.b/c"] }, /"allowedOrigins"/],
    ["an unknown legacy mode", { ...base, legacy: "yes" }, /"legacy" must be/],
    [
      "legacySse without sessions",
      { ...base, legacy: false, legacySse: true },
      /"legacySse" needs/,
    ],
    ["a negative ttl", { ...base, cacheHints: { "tools/list": { ttlMs: -1 } } }, /"cacheHints"/],
    ["hints for what has none", { ...base, cacheHints: { "tools/lst": {} } }, /"tools\/lst"; it/],
    ["a host with a port", { ...base, allowedHosts: ["a.example:80"] }, /"allowedHosts" holds/],
    ["a bare IPv6 address", { ...base, allowedHosts: ["::1"] }, /"allowedHosts".*"\[::1\]"/],
    ["an unknown capability", { ...base, declare: ["tool"] }, /"declare" holds "tool"; it takes/],
    ["an authenticator that is none", { ...base, auth: {} }, /"auth".*has no authenticate/],
    ["a store without a method", { ...base, sessionStore: { get() {} } }, /"sessionStore" needs/],
    [
      "a bound that belongs to the given store",
      { ...base, sessionStore: createMemorySessionStore(), limits: { maxSessions: 5 } },
      /"limits.maxSessions".*"sessionStore"; give the bound to that store/,
    ],
    ["a legacySse of text", { ...base, legacySse: "no" }, /"legacySse" must be true or false/],
    ["instructions of no text", { ...base, instructions: 5 }, /"instructions" must be a string/],
    ["a page size of none", { ...base, pageSize: 0 }, /"pageSize" must be/],
  ])("refuse %s, naming it", (_what, options, message) => {
    expect(() => new MCPServer(options as MCPServerOptions)).toThrow(message);
  });
});

describe("options of a registration", () => {
  const none = { tool: (): string => "", prompt: (): string => "", resource: (): string => "" };

  it.each<[string, string, unknown, object, RegExp]>([
    [
      "a misspelt tool option",
      "tool",
      "t",
      { inputs: {} },
      /^tool "t": unknown option "inputs"; known: title/,
    ],
    [
      "a misspelt deadline",
      "tool",
      "t",
      { deadlines: { idle: 5 } },
      /deadlines: unknown option "idle"; known: idleMs/,
    ],
    ["a tool name that is no string", "tool", undefined, {}, /^tool "undefined": the name must be/],
    [
      "a misspelt prompt option",
      "prompt",
      "p",
      { args: {} },
      /^prompt "p": unknown option "args"; known: title/,
    ],
    [
      "a misspelt prompt argument",
      "prompt",
      "p",
      { arguments: { a: { optional: true } } },
      /argument "a": unknown option "optional"/,
    ],
    ["a prompt name that is no string", "prompt", 5, {}, /name must be a string that is not empty/],
    [
      "a misspelt resource option",
      "resource",
      "a:b",
      { mimetype: "x/y" },
      /^resource "a:b": unknown option "mimetype"/,
    ],
    [
      "a cache hint of no lifetime",
      "resource",
      "a:b",
      { cacheHint: { ttlMs: -1 } },
      /cacheHint: ttlMs must be/,
    ],
    ["the size of a template", "resource", "a:{b}", { size: 1 }, /size is for one resource/],
  ])("refuse %s, naming it", (_what, kind, name, options, message) => {
    const server = new MCPServer(base);
    const register = server[kind as keyof typeof none].bind(server) as (
      name: unknown,
      options: object,
      code: () => string,
    ) => void;
    expect(() => register(name, options, none[kind as keyof typeof none])).toThrow(message);
  });

  it("take a tool by its shape, as of another copy of the package", async () => {
    const server = new MCPServer(base);
    const foreign = { name: "t", options: {}, execute: () => "done" };
    expect(server.addTool(foreign).name).toBe("t");
  });
});

describe("a server", () => {
  it("has one handler of each kind, so that a mount may read it per request", () => {
    const server = new MCPServer(base);
    expect(server.handler).toBe(server.handler);
    expect(server.nodeHandler).toBe(server.nodeHandler);
  });

  it("that was stopped cannot be started", async () => {
    const server = new MCPServer(base);
    await server.stop();
    await expect(server.start({ port: 0 })).rejects.toThrow(/has been stopped; make a new one/);
  });
});

describe("options of start", () => {
  it.each<[string, object, RegExp]>([
    ["an unknown option", { prot: 1 }, /unknown option "prot"; known: transport, port/],
    ["an unknown transport", { transport: "websocket" }, /"transport" must be "http" or "stdio"/],
    ["a port that is no number", { port: "80" }, /"port" must be a whole number/],
    ["a port with stdio", { transport: "stdio", port: 1 }, /"port" does not exist with/],
    [
      "more time for the headers than for the request",
      { headersTimeoutMs: 40_000, port: 0 },
      /"headersTimeoutMs" \(40000\) must not be longer than "requestTimeoutMs" \(30000\)/,
    ],
    ["a public host without allowedHosts", { host: "0.0.0.0", port: 0 }, /option "allowedHosts"/],
  ])(
    "refuse %s, naming it, and the server can be started again",
    async (_what, options, message) => {
      const server = new MCPServer(base);
      await expect(server.start(options as StartOptions)).rejects.toThrow(message);
      const { url } = await server.start({ port: 0 });
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
      await expect(server.start({ port: 0 })).rejects.toThrow(/started already/);
      await server.stop();
    },
  );
});
