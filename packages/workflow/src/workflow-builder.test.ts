import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type BuildProblem, WorkflowBuildError } from "./errors.ts";
import { FunctionNode } from "./nodes/function.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";

const typed = <Shape extends z.ZodRawShape>(shape: Shape, output?: z.ZodType) =>
  new FunctionNode({ input: z.object(shape), ...(output && { output }), run: (inputs) => inputs });

async function problems(builder: WorkflowBuilder): Promise<readonly BuildProblem[]> {
  const error = await builder.build().then(
    () => expect.unreachable("it should not build"),
    (thrown: unknown) => thrown,
  );
  if (!WorkflowBuildError.isInstance(error)) throw error;
  return error.problems;
}

const codes = async (builder: WorkflowBuilder): Promise<string[]> =>
  (await problems(builder)).map(({ code }) => code);

describe("a build", () => {
  it("names every structural fault at once", async () => {
    const Weather = z.object({ temperature: z.number(), condition: z.string() });
    const builder = new WorkflowBuilder({ name: "broken" })
      .addNode("weather", typed({ city: z.string() }, Weather))
      .addNode("report", typed({ text: z.string(), level: z.number() }))
      .addNode("weather", () => 1)
      .addNode("bad id", () => 1)
      .addNode("no", "thing" as never)
      .addNode("a", ({ x }) => x, { colour: "red" } as never)
      .addNode("b", ({ x }) => x, { timeoutMs: -1 })
      .addNode("c", ({ x }) => x, { retry: { maxRetries: 1 } })
      .connect({ from: "a.result", to: "b.x" })
      .connect({ from: "b.result", to: "c.x" })
      .connect({ from: "c.result", to: "a.x" })
      .connect({ from: "nobody.result", to: "b.y" })
      .connect({ from: "weather.result.temperature", to: "report.text" })
      .connect({ from: "weather.result.humidity", to: "report.level" })
      .connect({ from: "weather.result.temperature", to: "report.level" })
      .connect({ from: "weather.other", to: "a.y" })
      .connect({ from: "weather.result", to: "report.colour" })
      .connect({ from: "weather", to: "a.z" })
      .output("x", "weather.result.wind");
    const found = await problems(builder);
    expect(found.map(({ code }) => code).sort()).toEqual([
      "cycle",
      "duplicate_id",
      "input_bound_twice",
      "invalid_config",
      "invalid_endpoint",
      "invalid_id",
      "retry_without_effect",
      "schema_mismatch",
      "schema_mismatch",
      "schema_mismatch",
      "unbound_input",
      "unknown_config",
      "unknown_node",
      "unknown_port",
      "unknown_port",
      "unknown_type",
    ]);
    const text = found.map(({ message }) => message).join("\n");
    expect(text).toContain("a → b → c → a");
    expect(text).toContain(
      'there is no "humidity" in weather.result; it has temperature, condition',
    );
    expect(text).toContain("number does not fit string");
    expect(text).toContain('"weather.city" is required and nothing is bound to it');
    expect(text).toContain('unknown option "colour"');
    await expect(builder.run()).rejects.toThrow(/workflow "broken" has 16 faults/);
  });

  it("of nothing is refused", async () => {
    expect(await codes(new WorkflowBuilder())).toEqual(["empty"]);
  });

  it("happens when needed, once, and anew after a change", async () => {
    const builder = new WorkflowBuilder().addNode("a", () => 1);
    const first = await builder.build();
    expect(await builder.build()).toBe(first);
    builder.addNode("b", () => 2);
    expect((await builder.build()).nodes.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(first.nodes).toHaveLength(1);
  });

  it.each<[string, unknown, unknown, string | undefined]>([
    ["a number for a text", z.number(), z.string(), "number does not fit string"],
    ["a whole number for a number", z.int(), z.number(), undefined],
    ["a text that may be absent", z.string().nullable(), z.string(), undefined],
    ["null for a text", z.null(), z.string(), "null does not fit string"],
    ["other words", z.enum(["a"]), z.enum(["b", "c"]), 'none of "a" is one of "b", "c"'],
    ["some of the words", z.enum(["a", "b"]), z.enum(["b"]), undefined],
    ["a list of texts", z.array(z.string()).min(1), z.array(z.number()), "its items: string"],
    ["a list that may be empty", z.array(z.string()), z.array(z.number()), undefined],
    [
      "a part too few",
      z.strictObject({ a: z.string() }),
      z.object({ b: z.string() }),
      '"b" is required',
    ],
    ["a wrong part", z.object({ a: z.string() }), z.object({ a: z.number() }), '"a": string'],
    ["one of several", z.union([z.string(), z.number()]), z.number(), undefined],
    [
      "none of several",
      z.union([z.string(), z.boolean()]),
      z.number(),
      "string, boolean does not fit number",
    ],
    ["anything", z.unknown(), z.number(), undefined],
  ])("compares types: %s", async (_what, from, to, fault) => {
    const builder = new WorkflowBuilder()
      .addNode("a", new FunctionNode({ output: from as z.ZodType, run: () => undefined }))
      .addNode("b", typed({ x: to as z.ZodType }))
      .connect({ from: "a.result", to: "b.x" });
    if (fault === undefined) await builder.build();
    else expect((await problems(builder))[0]?.message).toContain(fault);
  });
});

describe("arguments in the order of the guide", () => {
  const guide = () =>
    new WorkflowBuilder({
      nodeTypes: { Weather: () => new FunctionNode({ run: () => ({ temperature: 33 }) }) },
    });

  it("work", async () => {
    const result = await guide()
      .addNode("Weather", "weather", {})
      .addNode("FunctionNode", "process", { run: ({ data }: never) => data, timeoutMs: 1_000 })
      .addConnection("weather", "process", "result.temperature", "data")
      .run();
    expect(result.outputs).toEqual({ process: { result: 33 } });
  });

  it.each<[string, (builder: WorkflowBuilder) => WorkflowBuilder, string]>([
    [
      "addNode(id, type)",
      (b) => b.addNode("weather", "Weather", {}),
      'write addNode("Weather", "weather", …)',
    ],
    [
      "addNode(node, id)",
      (b) => b.addNode((() => 1) as never, "weather" as never),
      'write addNode("weather", node, …)',
    ],
    [
      "addConnection(from, output, to, input)",
      (b) => b.addConnection("a", "result", "b", "x"),
      'write addConnection("a", "b", "result", "x")',
    ],
    [
      "addConnection(output, input, from, to)",
      (b) => b.addConnection("result", "x", "a", "b"),
      'write addConnection("a", "b", "result", "x")',
    ],
    [
      "connect({ from: input, to: output })",
      (b) => b.connect({ from: "c.x", to: "a.result" }),
      'write connect({ from: "a.result", to: "c.x" })',
    ],
  ])("are missed with %s, and the error says what was meant", async (_what, add, text) => {
    const builder = add(
      guide()
        .addNode("a", () => 1)
        .addNode("b", ({ x }) => x)
        .addNode("c", typed({ x: z.unknown() })),
    );
    const [problem] = await problems(builder);
    expect(problem?.code).toBe("swapped_arguments");
    expect(problem?.message).toContain(text);
  });

  it("name an unknown type, and the factory's own refusal", async () => {
    const builder = guide()
      .addNode("Wether", "a")
      .addNode("FunctionNode", "b", { code: "return 1" });
    const found = await problems(builder);
    expect(found.map(({ code }) => code)).toEqual(["unknown_type", "unknown_config"]);
    expect(found[0]?.message).toMatch(/known: MCPToolNode.*FunctionNode, Weather/);
    expect(found[1]?.message).toContain('unknown option "code"');
  });
});

describe("options", () => {
  it("are refused by name", () => {
    expect(() => new WorkflowBuilder({ nme: "x" } as never)).toThrow(/unknown option "nme"/);
    expect(() => new WorkflowBuilder({ concurrency: 0 })).toThrow(/"concurrency"/);
    expect(() => new WorkflowBuilder({ nodeTimeoutMs: 3e9 })).toThrow(/"nodeTimeoutMs"/);
    expect(() => new WorkflowBuilder({ name: "" })).toThrow(/"name"/);
    expect(() => new WorkflowBuilder({ nodeTypes: { A: 1 as never } })).toThrow(/nodeTypes.A/);
    expect(() => new FunctionNode({} as never)).toThrow(/"run"/);
  });

  it("of a run too", async () => {
    const workflow = await new WorkflowBuilder().addNode("a", () => 1).build();
    await expect(workflow.run({}, { sgnal: 1 } as never)).rejects.toThrow(/unknown option "sgnal"/);
    await expect(workflow.run({}, { runId: "../x" })).rejects.toThrow(/"runId"/);
    await expect(workflow.run({}, { signal: {} as never })).rejects.toThrow(/"signal"/);
    await expect(workflow.run(1 as never)).rejects.toThrow(/parameters must be an object/);
  });

  it("nodes are replaced by doubles that keep the place", async () => {
    const workflow = await new WorkflowBuilder()
      .addNode("a", () => Promise.reject(new Error("away")))
      .addNode("b", ({ x }) => x + 1)
      .connect({ from: "a.result", to: "b.x" })
      .build();
    const doubled = workflow.withNodes({ a: () => 41 });
    expect((await doubled.run()).outputs).toEqual({ b: { result: 42 } });
    expect((await workflow.settle()).status).toBe("failed");
    expect(() => workflow.withNodes({ z: () => 1 })).toThrow(/no node "z".*nodes: a, b/);
  });
});
