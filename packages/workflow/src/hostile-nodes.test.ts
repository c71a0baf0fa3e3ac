import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryJournal } from "./memory-journal.ts";
import { FunctionNode } from "./nodes/function.ts";
import { MapNode } from "./nodes/map.ts";
import { SubWorkflowNode } from "./nodes/sub-workflow.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";
import type { WorkflowNode } from "./workflow-node.ts";

const never = (): Promise<never> => new Promise(() => {});
const node = (run: WorkflowNode["run"]): WorkflowNode => ({
  type: "Own",
  ports: { outputs: { result: {} } },
  run,
});

const warnings: Error[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning);
process.on("warning", onWarning);
afterEach(() => {
  expect(warnings.splice(0).map(({ message }) => message)).toEqual([]);
});

describe("a run ends", () => {
  it.each<[string, () => WorkflowBuilder, object?]>([
    [
      "although the check of inputs hangs",
      () =>
        new WorkflowBuilder().addNode(
          "a",
          new FunctionNode({
            input: z.object({ x: z.string().optional() }).refine(never),
            run: () => 1,
          }),
        ),
    ],
    [
      "although the journal hangs",
      () => new WorkflowBuilder().addNode("a", () => 1),
      {
        journal: {
          ...createMemoryJournal(),
          append: async (_run: string, { type }: { type: string }) =>
            type === "node_started" ? never() : undefined,
        },
      },
    ],
    [
      "although items of a map and an inner workflow are deaf",
      () =>
        new WorkflowBuilder()
          .addNode("map", new MapNode({ each: never }), { inputs: { items: [1, 2, 3] } })
          .addNode(
            "sub",
            new SubWorkflowNode({ workflow: new WorkflowBuilder().addNode("in", never) }),
          ),
    ],
  ])("when it is cancelled, %s", async (_what, builder, options = {}) => {
    const workflow = await builder().build();
    const controller = new AbortController();
    const result = await workflow.settle(
      {},
      {
        ...options,
        signal: controller.signal,
        graceMs: 5,
        onEvent: ({ event }) => {
          if (event === "node_started") setTimeout(() => controller.abort(), 5);
        },
      },
    );
    expect(result.status).toBe("cancelled");
    for (const { status, error } of Object.values(result.nodes)) {
      expect(status).toBe("cancelled");
      expect(error?.message).toMatch(/left behind|cancelled/);
    }
    const { length } = result.trace;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(result.trace).toHaveLength(length);
  });

  it("and what was left behind changes nothing any more", async () => {
    let report: (done: number) => void = () => {};
    let finish: (value: unknown) => void = () => {};
    const workflow = await new WorkflowBuilder({ timeoutMs: 5, graceMs: 5 })
      .addNode("late", (_inputs, context) => {
        report = (done) => context.progress(done);
        return new Promise((resolve) => {
          finish = resolve;
        });
      })
      .build();
    const result = await workflow.settle();
    const before = JSON.stringify(result);
    report(5);
    finish("too late");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(JSON.stringify(result)).toBe(before);
    expect(result.nodes.late?.status).toBe("cancelled");
  });
});

describe("nodes", () => {
  it.each<[string, unknown, string]>([
    ["nothing", undefined, "not an object of outputs"],
    ["a list", [1], "not an object of outputs"],
    ["an output too many", { result: 1, other: 2 }, 'its output "other" is none that it declares'],
    ["an output too few", {}, 'its output "result" is missing'],
    ["__proto__", JSON.parse('{"__proto__":1,"result":1}'), '"__proto__" is none'],
  ])("of your own that return %s fail", async (_what, outputs, text) => {
    const builder = new WorkflowBuilder().addNode(
      "a",
      node(() => outputs as never),
    );
    await expect(builder.run()).rejects.toThrow(text);
  });

  it("cannot reach a prototype, by what they return or by where a connection leads", async () => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}');
    const builder = new WorkflowBuilder()
      .addNode("a", () => value)
      .addNode("b", ({ x }) => Object.keys(x))
      .connect({ from: "a.result", to: "b.x" });
    expect((await builder.run()).outputs).toEqual({ b: { result: ["__proto__", "constructor"] } });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const leads = new WorkflowBuilder()
      .addNode("a", () => ({}))
      .addNode("b", ({ x }) => x)
      .connect({ from: "a.result.__proto__", to: "b.x" });
    await expect(leads.run()).rejects.toMatchObject({ code: "missing_path" });
  });

  it("that keep what they gave, or were given, cannot change what others have", async () => {
    const kept: { list: number[] } = { list: [1] };
    const seen: unknown[] = [];
    const builder = new WorkflowBuilder()
      .addNode("gives", () => kept)
      .addNode("spoils", ({ x }) => {
        kept.list.push(2);
        x.list.push(3);
        return x;
      })
      .addNode("reads", ({ x }) => void seen.push(x), { after: ["spoils"] })
      .connect({ from: "gives.result", to: "spoils.x" })
      .connect({ from: "gives.result", to: "reads.x" });
    const result = await builder.run();
    expect(seen).toEqual([{ list: [1] }]);
    expect(result.nodes.gives?.outputs).toEqual({ result: { list: [1] } });
  });

  it("that report without end leave a trace with an end", async () => {
    let heard = 0;
    const builder = new WorkflowBuilder().addNode("chatty", (_inputs, context) => {
      for (let done = 0; done < 5_000; done++) context.progress(done);
    });
    const { trace } = await builder.run({}, { onEvent: () => void heard++ });
    expect(heard).toBe(5_004);
    expect(trace.length).toBe(1_004);
  });

  it("many at once under one signal cause no warning", async () => {
    const each = new MapNode({
      concurrency: 30,
      each: (_inputs, { signal }) =>
        new Promise((resolve) => setTimeout(resolve, 2, signal.aborted)),
    });
    const controller = new AbortController();
    const workflow = await new WorkflowBuilder()
      .addNode("each", each, { inputs: { items: Array.from({ length: 30 }, (_, i) => i) } })
      .build();
    const runs = Array.from({ length: 12 }, () => workflow.run({}, { signal: controller.signal }));
    await Promise.all(runs);
    await new Promise(setImmediate);
  });

  it("inside of maps and inner workflows have time limits of their own alone", async () => {
    const slow = () => new Promise((resolve) => setTimeout(resolve, 15, "done"));
    const builder = new WorkflowBuilder({ nodeTimeoutMs: 5 }).addNode(
      "map",
      new MapNode({ each: slow, concurrency: 1 }),
      { inputs: { items: [1, 2] } },
    );
    expect((await builder.run()).outputs).toMatchObject({ map: { result: ["done", "done"] } });
    builder.addNode("limited", new MapNode({ each: slow }), {
      inputs: { items: [1] },
      timeoutMs: 5,
    });
    await expect(builder.run()).rejects.toMatchObject({ code: "timeout", node: "limited" });
  });

  it("that are workflows are repeated for the reason for which they failed inside", async () => {
    let calls = 0;
    const inner = new WorkflowBuilder({ name: "inner" })
      .addNode(
        "flaky",
        new FunctionNode({
          idempotent: true,
          run: () => {
            if (++calls < 3) throw new Error("away");
            return calls;
          },
        }),
      )
      .output("n", "flaky.result");
    const { outputs } = await new WorkflowBuilder()
      .addNode("sub", new SubWorkflowNode({ workflow: inner }), {
        retry: { maxRetries: 2, initialDelayMs: 1 },
      })
      .output("n", "sub.n")
      .run();
    expect(outputs).toEqual({ n: 3 });
  });
});
