import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { WorkflowBuildError } from "../errors.ts";
import { WorkflowBuilder } from "../workflow-builder.ts";
import { ConditionalNode } from "./conditional.ts";
import { FunctionNode } from "./function.ts";
import { MapNode } from "./map.ts";
import { SubWorkflowNode } from "./sub-workflow.ts";

describe("a conditional", () => {
  const builder = () =>
    new WorkflowBuilder()
      .addNode(
        "decide",
        new ConditionalNode({
          input: z.object({ temperature: z.number() }),
          branches: ["hot", "cold"],
          choose: ({ temperature }) => (temperature >= 32 ? "hot" : "cold"),
        }),
      )
      .addNode("alert", ({ t }) => `alert at ${t}`)
      .addNode("calm", () => "calm", { after: ["decide.cold"] })
      .addNode("join", ({ alert, calm }) => alert ?? calm)
      .input("temperature", { to: "decide.temperature" })
      .connect({ from: "decide.hot.temperature", to: "alert.t" })
      .connect({ from: "alert.result", to: "join.alert", optional: true })
      .connect({ from: "calm.result", to: "join.calm", optional: true })
      .output("text", "join.result")
      .output("alert", "alert.result");

  it("takes one way, skips the other with the reason, and ways meet again", async () => {
    const hot = await builder().run({ temperature: 33 });
    expect(hot.outputs).toEqual({ text: "alert at 33", alert: "alert at 33" });
    expect(hot.nodes.calm).toMatchObject({
      status: "skipped",
      reason: 'decide.cold → calm: "decide" did not take "cold" but hot',
    });
    const cold = await builder().run({ temperature: 3 });
    expect(cold).toMatchObject({ status: "completed", outputs: { text: "calm" } });
    expect(cold.outputs).not.toHaveProperty("alert");
  });

  it("skips where no way leads", async () => {
    const result = await new WorkflowBuilder()
      .addNode("decide", new ConditionalNode({ choose: () => false }))
      .addNode("a", ({ x }) => x)
      .addNode("join", ({ y }) => y)
      .connect({ from: "decide.true", to: "a.x" })
      .connect({ from: "a.result", to: "join.y", optional: true })
      .run();
    expect(result.nodes.join?.status).toBe("skipped");
    expect(result.status).toBe("completed");
  });

  it("that goes a way which there is not fails, and so does a graph that expects one", async () => {
    const decide = new ConditionalNode({ choose: () => "up", branches: ["down"] });
    const wrong = new WorkflowBuilder().addNode("decide", decide);
    await expect(wrong.run()).rejects.toThrow(/chose "up", which is none of its branches: down/);
    wrong.addNode("a", ({ x }) => x).connect({ from: "decide.left", to: "a.x" });
    await expect(wrong.build()).rejects.toThrow(/"decide" has no output "left"; it has: down/);
    expect(() => new ConditionalNode({ choose: () => true, branches: ["a.b"] })).toThrow(
      /branches/,
    );
    expect(() => new ConditionalNode({} as never)).toThrow(/"choose"/);
  });
});

describe("a map", () => {
  it("does the same with each item, several at once, in their order", async () => {
    let running = 0;
    let most = 0;
    const map = new MapNode({
      concurrency: 2,
      each: async ({ item, index, factor }) => {
        most = Math.max(most, ++running);
        await sleep(3 - index);
        running--;
        return item * factor;
      },
    });
    const result = await new WorkflowBuilder()
      .addNode("map", map, { inputs: { items: [1, 2, 3], factor: 10 } })
      .run();
    expect(result.outputs).toEqual({ map: { result: [10, 20, 30], failed: [] } });
    expect(most).toBe(2);
    expect(result.trace.map(({ node }) => node)).toContain("map[2]/item");
  });

  it("maps a node, with what it declares, and a workflow", async () => {
    const double = new FunctionNode({
      input: z.object({ item: z.number() }),
      run: ({ item }) => item * 2,
    });
    const inner = await new WorkflowBuilder({ name: "inner" })
      .addNode("add", ({ a, b }) => a + b)
      .input("n", { to: ["add.a", "add.b"] })
      .output("sum", "add.result")
      .build();
    const result = await new WorkflowBuilder()
      .addNode("nodes", new MapNode({ each: double }), { inputs: { items: [1, 2] } })
      .addNode("flows", new MapNode({ each: inner, as: "n" }), { inputs: { items: [1, 2] } })
      .run();
    expect(result.outputs).toMatchObject({
      nodes: { result: [2, 4] },
      flows: { result: [{ sum: 2 }, { sum: 4 }] },
    });
  });

  it("fails with an item, after those that were begun; or goes on without it", async () => {
    const seen: number[] = [];
    const each = async ({ item }: { item: number }) => {
      if (item === 2) throw new Error("two");
      await sleep(1);
      seen.push(item);
      return item;
    };
    const items = { inputs: { items: [1, 2, 3, 4, 5] } };
    const fails = new WorkflowBuilder().addNode(
      "m",
      new MapNode({ each: each as never, concurrency: 2 }),
      items,
    );
    await expect(fails.run()).rejects.toThrow(/two/);
    expect(seen).toEqual([1]);
    const goesOn = new MapNode({ each: each as never, onItemError: "continue" });
    const { outputs } = await new WorkflowBuilder().addNode("m", goesOn, items).run();
    expect(outputs).toMatchObject({ m: { result: [1, 3, 4, 5], failed: [{ index: 1 }] } });
  });

  it("repeats single items as its config says, and refuses what is no list or too long", async () => {
    const attempts = new Map<number, number>();
    const map = new MapNode({
      maxItems: 3,
      config: { retry: { maxRetries: 1, initialDelayMs: 1 }, idempotent: true },
      each: ({ item }, { attempt }) => {
        attempts.set(item, attempt);
        if (item === 2 && attempt === 1) throw new Error("once");
        return item;
      },
    });
    const builder = new WorkflowBuilder().addNode("m", map).input("items", { to: "m.items" });
    expect((await builder.run({ items: [1, 2] })).outputs).toMatchObject({ m: { result: [1, 2] } });
    expect([...attempts.values()]).toEqual([1, 2]);
    await expect(builder.run({ items: [1, 2, 3, 4] })).rejects.toThrow(/a list of 4; a list of 3/);
    await expect(builder.run({ items: "abc" })).rejects.toThrow(/"m.items" is string, no list/);
  });

  it("reports what is wrong inside with the whole", async () => {
    const map = new MapNode({ each: () => 1, config: { timeoutMs: -1 } });
    await expect(
      new WorkflowBuilder().addNode("m", map, { inputs: { items: [] } }).build(),
    ).rejects.toThrow(/node "m": in "each": config: "timeoutMs"/);
    expect(() => new MapNode({ each: 5 as never })).toThrow(/"each"/);
    expect(() => new MapNode({ each: () => 1, over: "" })).toThrow(/"over"/);
  });
});

describe("a workflow in a workflow", () => {
  const inner = () =>
    new WorkflowBuilder({ name: "inner" })
      .addNode(
        "weather",
        new FunctionNode({
          input: z.object({ city: z.string() }),
          output: z.object({ temperature: z.number() }),
          run: ({ city }) => {
            if (city === "Nowhere") throw new Error("no such city");
            return { temperature: 33 };
          },
        }),
      )
      .input("city", { to: "weather.city" })
      .output("temperature", "weather.result.temperature");

  it("has the parameters for inputs and the declared outputs for outputs", async () => {
    const result = await new WorkflowBuilder({ name: "outer" })
      .addNode("sub", new SubWorkflowNode({ workflow: inner() }), { inputs: { city: "Rome" } })
      .addNode("text", ({ t }) => `${t} °C`)
      .connect({ from: "sub.temperature", to: "text.t" })
      .run();
    expect(result.outputs).toEqual({ text: { result: "33 °C" } });
    expect(result.trace.map(({ node, event }) => `${node} ${event}`)).toContain(
      "sub/weather node_completed",
    );
  });

  it("fails with what failed inside, and keeps it", async () => {
    const outer = new WorkflowBuilder().addNode("sub", new SubWorkflowNode({ workflow: inner() }), {
      inputs: { city: "Nowhere" },
    });
    const error = await outer.run().catch((thrown: unknown) => thrown);
    expect((error as Error).message).toBe(
      'workflow "workflow" failed at node "sub": workflow "inner" failed at node "weather": no such city',
    );
  });

  it("is checked with the outer one: faults, types, unbound inputs", async () => {
    const broken = inner().connect({ from: "weather.humidity", to: "weather.city" });
    const error = await new WorkflowBuilder()
      .addNode("broken", new SubWorkflowNode({ workflow: broken }))
      .addNode("unbound", new SubWorkflowNode({ workflow: inner() }))
      .addNode("number", new FunctionNode({ output: z.number(), run: () => 1 }))
      .addNode("sub", new SubWorkflowNode({ workflow: await inner().build() }))
      .connect({ from: "number.result", to: "sub.city" })
      .build()
      .catch((thrown: unknown) => thrown);
    expect(WorkflowBuildError.isInstance(error)).toBe(true);
    const { message } = error as Error;
    expect(message).toContain('node "broken": in "inner": weather.humidity → weather.city');
    expect(message).toContain('"unbound.city" is required');
    expect(message).toContain("number does not fit string");
  });

  it("is cancelled with the outer one, and cannot contain itself without end", async () => {
    const controller = new AbortController();
    let aborted = false;
    const slow = new WorkflowBuilder().addNode("wait", (_inputs, { signal }) => {
      setTimeout(() => controller.abort(), 1);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          aborted = true;
          reject(signal.reason);
        });
      });
    });
    const outer = await new WorkflowBuilder()
      .addNode("sub", new SubWorkflowNode({ workflow: slow }))
      .build();
    const result = await outer.settle({}, { signal: controller.signal });
    expect([result.status, aborted]).toEqual(["cancelled", true]);

    const endless = new WorkflowBuilder();
    endless.addNode("again", async (_inputs, context) => context.run(await endless.build()));
    await expect(endless.run()).rejects.toThrow(/nested deeper than 32/);
  });
});
