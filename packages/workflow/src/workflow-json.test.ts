import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { WorkflowBuildError } from "./errors.ts";
import { ConditionalNode } from "./nodes/conditional.ts";
import { FunctionNode } from "./nodes/function.ts";
import { MapNode } from "./nodes/map.ts";
import { SubWorkflowNode } from "./nodes/sub-workflow.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";
import { workflowFromJSON } from "./workflow-from-json.ts";

const nodeTypes = {
  Add: () => new FunctionNode({ type: "Add", run: ({ a, b }) => a + b }),
  Decide: (config: object) =>
    new ConditionalNode({
      ...config,
      type: "Decide",
      choose: ({ x }) => (x > 3 ? "big" : "small"),
    }),
  MapNode: (config: object) => new MapNode({ ...config, each: ({ item }) => item * 2 }),
};

function builder(): WorkflowBuilder {
  const inner = new WorkflowBuilder({ name: "inner" })
    .addNode("add", nodeTypes.Add())
    .input("n", { to: ["add.a", "add.b"] })
    .output("sum", "add.result");
  return new WorkflowBuilder({
    name: "all",
    description: "Everything",
    concurrency: 2,
    nodeTimeoutMs: Infinity,
  })
    .addNode("add", nodeTypes.Add(), {
      inputs: { b: 1 },
      timeoutMs: Number.POSITIVE_INFINITY,
      retry: { maxRetries: 2 },
      idempotent: true,
      onError: { fallback: { result: 0 } },
    })
    .addNode("decide", nodeTypes.Decide({ branches: ["big", "small"] }))
    .addNode("map", nodeTypes.MapNode({ concurrency: 3 }), {
      inputs: { items: [1, 2] },
      after: ["add"],
      onError: "continue",
    })
    .addNode("sub", new SubWorkflowNode({ workflow: inner }))
    .input("a", { to: "add.a", schema: z.number(), description: "A number", default: 3 })
    .connect({ from: "add.result", to: "decide.x" })
    .connect({ from: ["decide", "big", "x"], to: "sub.n", optional: false })
    .output("sum", "sub.sum")
    .output("doubled", "map.result");
}

describe("a workflow", () => {
  it("goes through JSON and does the same", async () => {
    const before = await builder().build();
    const text = JSON.stringify(before);
    const after = await workflowFromJSON(JSON.parse(text), { nodeTypes }).build();
    expect(JSON.stringify(after)).toBe(text);
    for (const parameters of [{}, { a: 1 }]) {
      expect((await after.run(parameters)).outputs).toEqual((await before.run(parameters)).outputs);
    }
    expect((await after.run()).outputs).toEqual({ sum: 8, doubled: [2, 4] });
    expect(after.inputs[0]).toMatchObject({ name: "a", schema: { type: "number" }, default: 3 });
    await expect(after.run({ a: "x" })).rejects.toThrow(/"a": /);
  });

  it("that JSON cannot hold says where", async () => {
    const config = (inputs: object) =>
      new WorkflowBuilder().addNode("a", () => 1, { inputs: { ...inputs } });
    for (const [value, text] of [
      [{ x: new Date() }, '"x" is an instance of Date'],
      [{ x: { y: 1n } }, '"x.y" is a bigint'],
      [{ x: [Number.NaN] }, '"x.0" is NaN'],
    ] as const) {
      const workflow = await config(value).build();
      expect(() => workflow.toJSON()).toThrow(`node "a": "inputs": ${text}`);
    }
    const fallback = await new WorkflowBuilder()
      .addNode("a", () => 1, { onError: { fallback: () => ({ result: 1 }) } })
      .build();
    expect(() => fallback.toJSON()).toThrow(/node "a": a fallback that is a function/);
  });

  it("whose types the registry does not know says so with everything else", async () => {
    const json = (await builder().build()).toJSON();
    const error = await workflowFromJSON(json)
      .build()
      .catch((thrown: unknown) => thrown);
    expect(WorkflowBuildError.isInstance(error)).toBe(true);
    const codes = (error as WorkflowBuildError).problems.map(({ code }) => code);
    expect(codes.filter((code) => code === "unknown_type")).toHaveLength(2);
    expect((error as Error).message).toContain('MapNode: option "each"');
    expect((error as Error).message).toContain(
      'in "inner": node "add": there is no node type "Add"',
    );
  });

  it.each<[unknown, string]>([
    [null, "an object is needed"],
    [[], "an object is needed"],
    [{ version: 2, name: "x" }, "version 2 is unknown"],
    [{ version: 1 }, '"name"'],
    [{ version: 1, name: "x", nodes: {} }, '"nodes" must be a list'],
    [{ version: 1, name: "x", nodes: [1] }, "nodes[0] must be an object"],
    [{ version: 1, name: "x", nodes: [{ id: 1, type: "A" }] }, 'nodes[0] needs "id" and "type"'],
    [{ version: 1, name: "x", nodes: [{ id: "a", type: "A", run: "rm" }] }, 'unknown option "run"'],
    [{ version: 1, name: "x", inputs: [{ name: "a" }] }, 'inputs[0]: "to" must be a list'],
    [{ version: 1, name: "x", outputs: [{}] }, 'outputs[0] needs a "name"'],
    [{ version: 1, name: "x", limits: { concurrency: 0 } }, '"concurrency"'],
    [{ version: 1, name: "x", code: "1" }, 'unknown option "code"'],
  ])("is not %j", (json, text) => {
    expect(() => workflowFromJSON(json)).toThrow(text);
  });

  it("of any JSON is a builder or a TypeError, and a build ends with a workflow or all faults", async () => {
    const node = fc.record(
      {
        id: fc.oneof(fc.constantFrom("a", "b", "__proto__", "constructor", "a.b"), fc.string()),
        type: fc.constantFrom("Add", "Decide", "MapNode", "SubWorkflowNode", "toString"),
        config: fc.oneof(fc.constant({}), fc.dictionary(fc.string(), fc.jsonValue())),
        inputs: fc.dictionary(fc.constantFrom("a", "b", "__proto__"), fc.jsonValue()),
        after: fc.array(fc.constantFrom("a", "b", "c", "a.result", "")),
        timeoutMs: fc.oneof(fc.constant(null), fc.integer()),
        onError: fc.oneof(fc.constant("continue"), fc.jsonValue()),
      },
      { requiredKeys: ["id", "type"] },
    );
    const end = fc.oneof(
      fc.constantFrom("a.result", "b.result", "a.a", "b.x", "a", "", ".", "a..b", "__proto__.x"),
      fc.array(fc.oneof(fc.string(), fc.integer())),
      fc.jsonValue(),
    );
    const workflow = fc.record(
      {
        version: fc.constant(1),
        name: fc.string({ minLength: 1 }),
        nodes: fc.array(node, { maxLength: 4 }),
        connections: fc.array(fc.record({ from: end, to: end }), { maxLength: 4 }),
        inputs: fc.array(
          fc.record({ name: fc.string(), to: fc.array(fc.constantFrom("a.a", "b.x", "q")) }),
        ),
        outputs: fc.array(fc.record({ name: fc.string(), from: end })),
      },
      { requiredKeys: ["version", "name"] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(workflow, fc.jsonValue()), async (json) => {
        let made: WorkflowBuilder;
        try {
          made = workflowFromJSON(json, { nodeTypes });
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        const built = await made.build().catch((error: unknown) => error);
        if (!WorkflowBuildError.isInstance(built)) {
          const again = (built as Awaited<ReturnType<WorkflowBuilder["build"]>>).toJSON();
          await workflowFromJSON(again, { nodeTypes }).build();
        } else expect(built.problems.length).toBeGreaterThan(0);
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

describe("a flow chart", () => {
  it("shows nodes, connections, parameters and outputs, and no text of theirs means anything", async () => {
    const workflow = await new WorkflowBuilder()
      .addNode("end", new ConditionalNode({ choose: () => true }))
      .addNode("b", new FunctionNode({ type: 'x"]; click', run: () => 1 }), { after: ["end"] })
      .input("city", { to: "end.city" })
      .connect({ from: "end.true.city", to: "b.x", optional: true })
      .output("out", "b.result")
      .build();
    expect(workflow.toMermaid()).toBe(`flowchart TD
  n0{"end<br/>ConditionalNode"}
  n1["b<br/>x#34;#93;#59; click"]
  in0(["city"])
  out0(["out"])
  in0 -->|"city"| n0
  n0 -.->|"true.city → x"| n1
  n0 -.-> n1
  n1 -->|"result"| out0
`);
  });
});
