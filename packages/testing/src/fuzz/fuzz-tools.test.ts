import { type Interceptor, ToolExecutionError } from "@backplane/protocol";
import { MCPServer } from "@backplane/server";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type FuzzOptions, formatFuzzReport, fuzzTools } from "../fuzz.ts";
import { MCPTestClient } from "../index.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function serverWith(setup: (server: MCPServer) => void) {
  return () => {
    const server = new MCPServer({ name: "fuzzed", version: "1.0.0", logger: quiet });
    setup(server);
    return server;
  };
}

const fuzz = (setup: (server: MCPServer) => void, options: FuzzOptions = {}) =>
  fuzzTools(serverWith(setup), { seed: 1, runs: 60, ...options });

const count = z.object({ count: z.int().min(0).max(100) });

describe("fuzzTools", () => {
  it("finds nothing wrong with tools that do as they say, in every way to the server", async () => {
    for (const client of [{}, { transport: "http" }, { protocol: "legacy" }] as const) {
      const report = await fuzz(
        (server) => {
          server.tool("double", { input: count, output: z.object({ n: z.number() }) }, (args) => ({
            n: args.count * 2,
          }));
          server.tool("sometimes", { input: count }, (args) => {
            if (args.count % 2 === 0) throw new ToolExecutionError(-1001, "even");
            return "odd";
          });
          server.tool("nothing", {}, () => "nothing");
        },
        { client, runs: 20 },
      );
      expect(formatFuzzReport(report)).toContain("0 findings");
      expect(report).toMatchObject({ ok: true, tools: ["double", "nothing", "sometimes"] });
      expect(report.calls).toBeGreaterThan(80);
    }
  });

  it("finds a tool that fails inside, with the smallest arguments", async () => {
    const { ok, findings } = await fuzz((server) => {
      server.tool("half", { input: count }, (args) => {
        if (args.count >= 10) throw new Error("planted");
        return "fine";
      });
    });
    expect(ok).toBe(false);
    expect(findings).toEqual([
      { tool: "half", kind: "internal", arguments: { count: 10 }, message: "Internal error" },
    ]);
  });

  it("finds a tool whose check is stricter than its schema, and one that hangs", async () => {
    const { findings } = await fuzz(
      (server) => {
        const even = z.object({ n: z.int().refine((n) => n % 2 === 0, "must be even") });
        server.tool("even", { input: even }, () => "even");
        server.tool("hang", { input: count }, ({ count: n }) =>
          n > 50 ? new Promise<string>(() => {}) : "fine",
        );
      },
      { client: { timeoutMs: 150 } },
    );
    expect(findings.map(({ tool, kind }) => [tool, kind])).toEqual([
      ["even", "refused"],
      ["hang", "broken"],
    ]);
    expect(findings[0]?.message).toContain("must be even");
    expect(findings[1]?.message).toContain("timeout");
  });

  it("finds a server that takes what does not fit its own schema", async () => {
    // It answers before the arguments are looked at.
    const careless = () => {
      const made = serverWith((server) => {
        server.tool("add", { input: z.object({ a: z.number(), b: z.number() }) }, () => 3);
      })();
      const careless: Interceptor = {
        name: "careless",
        phase: "cache",
        intercept: (invocation, next) =>
          invocation.method === "tools/call"
            ? Promise.resolve({ content: [{ type: "text", text: "3" }] })
            : next(invocation),
      };
      made.use(careless);
      return made;
    };
    const report = await fuzzTools(careless, { seed: 3, runs: 40 });
    expect(report.findings).toEqual([expect.objectContaining({ tool: "add", kind: "accepted" })]);
    const allowed = await fuzzTools(careless, { seed: 3, runs: 40, allow: ["accepted"] });
    expect(allowed.ok).toBe(true);
  });

  it("does the same for the same seed, and says which it was", async () => {
    const setup = (server: MCPServer) => {
      server.tool("half", { input: count }, (args) => {
        if (args.count >= 10) throw new Error("planted");
        return "fine";
      });
    };
    const first = await fuzzTools(serverWith(setup), { runs: 30 });
    expect(first.seed).toBeGreaterThan(0);
    expect(await fuzzTools(serverWith(setup), { runs: 30, seed: first.seed })).toEqual(first);
  });

  it("leaves destructive tools alone unless named, and says what it could not make", async () => {
    let deleted = 0;
    const setup = (server: MCPServer) => {
      server.tool("erase", { annotations: { destructiveHint: true } }, () => `${++deleted}`);
      const never = { type: "object", properties: { a: false }, required: ["a"] };
      server.tool("never", { input: never as never }, () => "never");
      const rare = { type: "object", properties: { a: { not: {} } }, required: ["a"] };
      server.tool("rare", { input: rare }, () => "rare");
      server.tool("city", { input: z.object({ id: z.string().min(1) }) }, ({ id }) => id);
    };
    const cities = fc.constantFrom({ id: "oslo" }, { id: "bergen" });
    const report = await fuzz(setup, { arguments: { city: cities } });
    expect(deleted).toBe(0);
    expect(report.skipped).toMatchObject({
      erase: expect.stringContaining("destructive"),
      never: expect.stringContaining("nothing fits"),
      rare: expect.stringContaining('"arguments"'),
    });
    expect(report.findings).toEqual([]);
    const named = await fuzz(setup, { tools: ["erase"] });
    expect(named.tools).toEqual(["erase"]);
    expect(deleted).toBeGreaterThan(0);
  });

  it.each([
    [{ runs: 0 }, "runs"],
    [{ seed: 0.5 }, "seed"],
    [{ tools: ["no_such"] }, 'no tool "no_such"'],
    [{ tool: "x" }, "tool"],
  ])("refuses %j", async (options, says) => {
    const server = serverWith((made) => made.tool("a", {}, () => "a"));
    await expect(fuzzTools(server, options as FuzzOptions)).rejects.toThrow(says);
  });

  it("shows no internals: what a finding says is what a client saw", async () => {
    const target = serverWith((server) => {
      server.tool("leak", {}, () => {
        throw new Error("secret of the server");
      });
    });
    const { findings } = await fuzzTools(target, { runs: 5 });
    expect(JSON.stringify(findings)).not.toContain("secret");
    await using client = new MCPTestClient(target);
    await expect(client.call("leak")).rejects.toThrow("Internal error");
  });
});
