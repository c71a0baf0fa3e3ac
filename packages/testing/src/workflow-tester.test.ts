import { FunctionNode, WorkflowBuilder } from "@backplane/workflow";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type ExpectedOutput, MCPTestClient, WorkflowTester } from "./index.ts";
import { weatherServer } from "./weather-server.test-support.ts";

/** Fetches the weather, and says it. */
function builder(
  fetchWeather = async (_inputs: Record<string, unknown>): Promise<unknown> => {
    throw new Error("the network is not for unit tests");
  },
): WorkflowBuilder {
  return new WorkflowBuilder({ name: "report" })
    .addNode("weather", fetchWeather)
    .addNode("say", ({ weather }) => {
      const { location, temperature } = weather as { location: string; temperature: number };
      return `${location}: ${temperature} °C`;
    })
    .connect({ from: "weather.result", to: "say.weather" })
    .input("location", { to: "weather.location", schema: z.string().min(1) })
    .output("summary", "say.result");
}

const oslo = { location: "Oslo", temperature: 12 };
const tester = new WorkflowTester();
const parameters = { location: "Oslo" };

describe("WorkflowTester", () => {
  it("runs a workflow with doubles, and says what they were called with", async () => {
    const result = await tester.testWorkflow(builder(), {
      parameters,
      mocks: { weather: ({ location }: Record<string, unknown>) => ({ ...oslo, location }) },
      expectedOutputs: { summary: String },
    });
    expect(result.mismatches).toEqual([]);
    expect(result).toMatchObject({
      success: true,
      outputs: { summary: "Oslo: 12 °C" },
      nodes: { weather: { status: "completed" }, say: { status: "completed", attempts: 1 } },
      mockCalls: { weather: [{ location: "Oslo" }] },
      error: undefined,
      run: { status: "completed", workflow: "report" },
    });
  });

  it("runs it with what it really calls", async () => {
    await using client = new MCPTestClient(weatherServer);
    const real = builder(({ location }) =>
      client.call("get_weather", { arguments: { location: String(location) } }),
    );
    const expectedOutputs = { summary: "Oslo: 21 °C" };
    const result = await tester.testWorkflow(real, { parameters, expectedOutputs });
    expect(result.success).toBe(true);
    expect(result.mockCalls).toEqual({});
  });

  it("takes a workflow in every form, and leaves it as it was", async () => {
    const mocks = { weather: oslo };
    const workflow = await builder().build();
    const forms = [
      workflow,
      builder(),
      Promise.resolve(workflow),
      () => workflow,
      async () => builder(),
    ];
    for (const form of forms) {
      expect(await tester.testWorkflow(form, { parameters, mocks })).toMatchObject({
        success: true,
      });
    }
    expect(await tester.testWorkflow(workflow, { parameters })).toMatchObject({ success: false });
  });

  it("tells what failed, and what was skipped for it", async () => {
    const mocks = { weather: new Error("planted") };
    const result = await tester.testWorkflow(builder(), {
      parameters,
      mocks,
      expectedOutputs: { summary: String },
    });
    expect(result.success).toBe(false);
    expect(result.error?.message).toContain("planted");
    expect(result.nodes["say"]?.status).toBe("skipped");
    expect(result.mismatches).toEqual([
      { output: "summary", actual: undefined, message: expect.stringContaining("no such output") },
    ]);
    const refused = await tester.testWorkflow(builder(), { parameters: { location: "" } });
    expect(refused).toMatchObject({ success: false, nodes: {}, run: undefined });
    expect(refused.error?.message).toContain("location");
  });

  it("may have doubles for all its tests, and a node for a double", async () => {
    const node = new FunctionNode({ run: () => oslo });
    const own = new WorkflowTester({ mocks: { weather: node }, run: { concurrency: 1 } });
    const result = await own.testWorkflow(builder(), { parameters });
    expect(result).toMatchObject({ success: true, mockCalls: { weather: [{ location: "Oslo" }] } });
    const other = { weather: { ...oslo, temperature: 30 } };
    expect(await own.testWorkflow(builder(), { parameters, mocks: other })).toMatchObject({
      outputs: { summary: "Oslo: 30 °C" },
    });
  });

  it.each<[string, unknown, ExpectedOutput, boolean]>([
    ["a kind", "text", String, true],
    ["another kind", 5, String, false],
    ["a number", 5, Number, true],
    ["a boolean", false, Boolean, true],
    ["a list", [], Array, true],
    ["a list for an object", [], Object, false],
    ["an object", {}, Object, true],
    ["a schema", { n: 1 }, z.object({ n: z.number() }), true],
    ["a schema that does not fit", { n: "1" }, z.object({ n: z.number() }), false],
    ["an expression", "abc", /b/g, true],
    ["an expression for no text", 5, /5/, false],
    ["a function", 5, (value: number) => value > 4, true],
    ["a function that refuses", 5, async (value: number) => value > 5, false],
    ["a matcher", { a: 1, b: 2 }, expect.objectContaining({ a: 1 }), true],
    ["a matcher that refuses", "a", expect.any(Number), false],
    ["a value", { a: 1, b: [2] }, { b: [2], a: 1 }, true],
    ["another value", { a: 1 }, { a: 2 }, false],
    ["null", null, null, true],
  ])("compares with %s", async (_name, actual, expected, fits) => {
    const workflow = new WorkflowBuilder()
      .addNode("make", () => actual)
      .output("made", "make.result");
    const { success, mismatches } = await tester.testWorkflow(workflow, {
      expectedOutputs: { made: expected },
    });
    expect(success).toBe(fits);
    expect(mismatches.map(({ output }) => output)).toEqual(fits ? [] : ["made"]);
  });

  it.each<[string, () => unknown, string]>([
    ["a mock of nothing", () => tester.testWorkflow(builder(), { mocks: { wether: 1 } }), "wether"],
    ["no workflow", () => tester.testWorkflow({} as never), "must be a Workflow"],
    ["an unknown option", () => tester.testWorkflow(builder(), { mock: {} } as never), "mock"],
    ["an option of its own", () => new WorkflowTester({ parameters } as never), "parameters"],
  ])("refuses %s", async (_name, act, says) => {
    await expect((async () => act())()).rejects.toThrow(says);
  });
});
