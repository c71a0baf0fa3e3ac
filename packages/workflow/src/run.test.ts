import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { WorkflowError, WorkflowRunError } from "./errors.ts";
import { FunctionNode } from "./nodes/function.ts";
import type { NodeResult, WorkflowResult } from "./result.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";
import type { NodeContext } from "./workflow-node.ts";

const node = (result: WorkflowResult, id: string): NodeResult => result.nodes[id] as NodeResult;
const statuses = (result: WorkflowResult): Record<string, string> =>
  Object.fromEntries(Object.entries(result.nodes).map(([id, { status }]) => [id, status]));

async function failure(run: Promise<unknown>): Promise<WorkflowRunError> {
  const error = await run.then(
    () => expect.unreachable("it should have failed"),
    (thrown: unknown) => thrown,
  );
  if (!WorkflowRunError.isInstance(error)) throw error;
  return error;
}

/** A node that waits until it is let go, or until its signal fires. */
function gate() {
  let open: (value: string) => void = () => {};
  const opened = new Promise<string>((resolve) => {
    open = resolve;
  });
  const seen: NodeContext[] = [];
  const run = (_inputs: object, context: NodeContext): Promise<string> => {
    seen.push(context);
    return new Promise((resolve, reject) => {
      opened.then(resolve);
      context.signal.addEventListener("abort", () => reject(context.signal.reason));
    });
  };
  return { run, open, seen };
}

describe("a run", () => {
  it("leads values from node to node, into any number of inputs, and gives the declared outputs", async () => {
    const builder = new WorkflowBuilder({ name: "report" })
      .addNode("weather", ({ city }) => ({ city, days: [{ high: 31 }, { high: 33 }] }))
      .addNode("double", ({ value }) => value * 2)
      .addNode("text", ({ high, city }) => `${city}: ${high}`)
      .input("city", { to: "weather.city" })
      .connect({ from: "weather.result.days.1.high", to: "double.value" })
      .connect({ from: "weather.result.city", to: "text.city" })
      .connect({ from: "double.result", to: "text.high" })
      .output("summary", "text.result")
      .output("first", ["weather", "result", "days", 0, "high"]);
    const result = await builder.run({ city: "Rome" }, { runId: "run-1" });
    expect(result).toMatchObject({ runId: "run-1", workflow: "report", status: "completed" });
    expect(result.outputs).toEqual({ summary: "Rome: 66", first: 31 });
    expect(node(result, "double")).toMatchObject({ attempts: 1, outputs: { result: 66 } });
    expect(result.trace.map(({ event, node }) => [event, node])).toEqual([
      ["run_started", undefined],
      ["node_started", "weather"],
      ["node_completed", "weather"],
      ["node_started", "double"],
      ["node_completed", "double"],
      ["node_started", "text"],
      ["node_completed", "text"],
      ["run_ended", undefined],
    ]);
  });

  it("without declared outputs gives those of the nodes that nothing follows", async () => {
    const builder = new WorkflowBuilder()
      .addNode("a", () => 1)
      .addNode("b", ({ x }) => x + 1)
      .connect({ from: "a.result", to: "b.x" });
    expect((await builder.run()).outputs).toEqual({ b: { result: 2 } });
  });

  it("takes inputs in the order config < connection < parameter", async () => {
    const builder = new WorkflowBuilder()
      .addNode("source", () => "connection")
      .addNode("node", (inputs) => ({ ...inputs }), {
        inputs: { a: "config", b: "config", c: "config", d: "config" },
      })
      .connect({ from: "source.result", to: "node.b" })
      .connect({ from: "source.result", to: "node.c" })
      .input("c", { to: "node.c", optional: true });
    const given = await builder.run({ c: "parameter", "node.d": "parameter" });
    expect(given.outputs).toEqual({
      node: { result: { a: "config", b: "connection", c: "parameter", d: "parameter" } },
    });
    expect((await builder.run()).outputs).toMatchObject({ node: { result: { c: "connection" } } });
  });

  it("checks inputs against the schema of a node, with its defaults, and names the path", async () => {
    const input = z.object({
      amount: z.object({ value: z.number() }),
      unit: z.string().default("C"),
    });
    const builder = new WorkflowBuilder()
      .addNode(
        "price",
        new FunctionNode({ input, run: ({ amount, unit }) => `${amount.value}${unit}` }),
      )
      .input("amount", { to: "price.amount" });
    expect((await builder.run({ amount: { value: 3 } })).outputs).toEqual({
      price: { result: "3C" },
    });
    const error = await failure(builder.run({ amount: { value: "3" } }));
    expect(error).toMatchObject({ code: "invalid_input", node: "price" });
    expect(error.message).toContain("amount.value");
  });

  it("says of a missing path what there is", async () => {
    const builder = new WorkflowBuilder()
      .addNode("a", () => ({ forecast: { low: 1, mean: 2 }, list: [1, 2] }))
      .addNode("b", ({ x }) => x);
    const wrong = (from: string) =>
      failure(
        new WorkflowBuilder()
          .addNode("a", () => ({ forecast: { low: 1, mean: 2 }, list: [1, 2], none: null }))
          .addNode("b", ({ x }) => x)
          .connect({ from, to: "b.x" })
          .run(),
      );
    expect((await wrong("a.result.forecast.high")).message).toContain(
      'there is no "high" in a.result.forecast; it has low, mean',
    );
    expect((await wrong("a.result.list.7")).message).toContain("it has 2 items");
    expect((await wrong("a.result.none.x")).message).toContain("a.result.none, which is null");
    expect((await wrong("a.result.toString")).code).toBe("missing_path");
    const output = await failure(builder.output("x", "a.result.forecast.high").run());
    expect(output).toMatchObject({ code: "missing_path" });
    expect(node(output.result, "b").status).toBe("completed");
  });

  it("refuses parameters that are missing, unknown or wrong, all at once", async () => {
    const builder = new WorkflowBuilder()
      .addNode("a", new FunctionNode({ input: z.object({ x: z.number() }), run: ({ x }) => x }))
      .input("x", { to: "a.x", schema: z.number() })
      .input("y", { to: [] });
    const error = await builder.run({ x: "1", z: 1, "a.q": 1, "b.x": 1 }).catch((e: unknown) => e);
    expect(WorkflowError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ code: "invalid_parameters" });
    for (const part of ['"x": ', '"z" is neither', '"a.q"', '"b.x"', '"y" is missing']) {
      expect((error as Error).message).toContain(part);
    }
  });

  it("runs what is independent at once, within its limit, and waits for what was begun", async () => {
    let running = 0;
    let most = 0;
    const builder = new WorkflowBuilder({ concurrency: 3 });
    for (let index = 0; index < 10; index++) {
      builder.addNode(`n${index}`, async () => {
        most = Math.max(most, ++running);
        await sleep(2);
        running--;
      });
    }
    expect((await builder.run()).status).toBe("completed");
    expect(most).toBe(3);
    most = 0;
    await builder.run({}, { concurrency: 10 });
    expect(most).toBe(10);
  });

  it("runs at the same time with different parameters do not touch each other", async () => {
    const shared = { tags: ["config"] };
    const workflow = await new WorkflowBuilder()
      .addNode(
        "a",
        async ({ who, extra }) => {
          extra.tags.push(who);
          await sleep(1);
          return { who, extra };
        },
        { inputs: { extra: shared } },
      )
      .addNode("b", ({ value }) => {
        value.extra.tags.push("b");
        return value;
      })
      .input("who", { to: "a.who" })
      .connect({ from: "a.result", to: "b.value" })
      .build();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => workflow.run({ who: `u${index}` })),
    );
    for (const [index, result] of results.entries()) {
      const tags = ["config", `u${index}`];
      expect(node(result, "a").outputs).toEqual({ result: { who: `u${index}`, extra: { tags } } });
      expect(result.outputs).toMatchObject({ b: { result: { extra: { tags: [...tags, "b"] } } } });
    }
    expect(shared).toEqual({ tags: ["config"] });
  });

  it("orders by `after` without a value", async () => {
    const order: string[] = [];
    const builder = new WorkflowBuilder()
      .addNode("second", () => void order.push("second"), { after: ["first"] })
      .addNode("first", async () => {
        await sleep(1);
        order.push("first");
      });
    await builder.run();
    expect(order).toEqual(["first", "second"]);
  });

  it("reports progress and events, and survives an observer that throws", async () => {
    const seen: string[] = [];
    const builder = new WorkflowBuilder().addNode("a", (_inputs, { progress, ...rest }) => {
      expect(rest).toBeDefined();
      return 1;
    });
    await builder.run();
    const reporting = new WorkflowBuilder().addNode("a", (_inputs, context) => {
      context.progress({ progress: 1, total: 2, message: "half" });
      return 1;
    });
    const result = await reporting.run(
      {},
      {
        onEvent: ({ event, detail }) => {
          seen.push(`${event} ${detail}`);
          if (event === "node_progress") throw new Error("no screen");
        },
      },
    );
    expect(seen).toContain("node_progress 1/2 half");
    expect(result.status).toBe("completed");
    expect(result.trace).toContainEqual(
      expect.objectContaining({ event: "observer_failed", detail: "no screen" }),
    );
  });
});

describe("a failure", () => {
  it("skips what depends on it, keeps what was done, waits for siblings and tells them", async () => {
    const sibling = gate();
    const builder = new WorkflowBuilder({ name: "w" })
      .addNode("good", () => "kept")
      .addNode("slow", sibling.run)
      .addNode(
        "bad",
        () => {
          throw new RangeError("too far");
        },
        { after: ["good"] },
      )
      .addNode("child", ({ x }) => x)
      .addNode("grandchild", ({ x }) => x)
      .connect({ from: "bad.result", to: "child.x" })
      .connect({ from: "child.result", to: "grandchild.x" })
      .output("good", "good.result")
      .output("late", "grandchild.result");
    const error = await failure(builder.run());
    expect(error.message).toBe('workflow "w" failed at node "bad": too far');
    expect(error.cause).toBeInstanceOf(RangeError);
    const { result } = error;
    expect(statuses(result)).toEqual({
      good: "completed",
      slow: "cancelled",
      bad: "failed",
      child: "skipped",
      grandchild: "skipped",
    });
    expect(result.outputs).toEqual({ good: "kept" });
    expect(node(result, "child").reason).toContain("too far");
    expect(sibling.seen[0]?.signal.aborted).toBe(true);
  });

  it("that is tolerated loses only what depends on it", async () => {
    const result = await new WorkflowBuilder()
      .addNode("bad", () => Promise.reject(new Error("no")), { onError: "continue" })
      .addNode("needs", ({ x }) => x)
      .addNode("merges", ({ x, y }) => [x ?? "none", y])
      .addNode("good", () => 1)
      .connect({ from: "bad.result", to: "needs.x" })
      .connect({ from: "bad.result", to: "merges.x", optional: true })
      .connect({ from: "good.result", to: "merges.y" })
      .run();
    expect(result.status).toBe("partial");
    expect(statuses(result)).toEqual({
      bad: "failed",
      needs: "skipped",
      merges: "completed",
      good: "completed",
    });
    expect(node(result, "needs").reason).toBe('bad.result → needs.x: "bad" failed');
    expect(node(result, "merges").outputs).toEqual({ result: ["none", 1] });
  });

  it("has a fallback, a value or made of the error", async () => {
    const bad = () => {
      throw new Error("away");
    };
    const result = await new WorkflowBuilder()
      .addNode("value", bad, { onError: { fallback: { result: { temperature: 20 } } } })
      .addNode("made", bad, { onError: { fallback: ({ message }) => ({ result: message }) } })
      .addNode("next", ({ a, b }) => [a, b])
      .connect({ from: "value.result.temperature", to: "next.a" })
      .connect({ from: "made.result", to: "next.b" })
      .run();
    expect(result.status).toBe("completed");
    expect(node(result, "value")).toMatchObject({ status: "fallback", error: { message: "away" } });
    expect(result.outputs).toEqual({ next: { result: [20, "away"] } });
    const broken = new WorkflowBuilder().addNode("a", bad, {
      onError: { fallback: () => ({ other: 1 }) },
    });
    expect(await failure(broken.run())).toMatchObject({ code: "invalid_output", node: "a" });
  });

  it("is repeated as `retry` says, for idempotent nodes", async () => {
    let calls = 0;
    const inputs: unknown[] = [];
    const builder = new WorkflowBuilder().addNode(
      "flaky",
      ({ list }, { attempt }) => {
        inputs.push([...list]);
        list.push("spoilt");
        if (++calls < 3) throw new Error(`attempt ${attempt}`);
        return calls;
      },
      { inputs: { list: [1] }, retry: { maxRetries: 3, initialDelayMs: 1 }, idempotent: true },
    );
    const result = await builder.run();
    expect(node(result, "flaky")).toMatchObject({ attempts: 3, outputs: { result: 3 } });
    expect(inputs).toEqual([[1], [1], [1]]);
    expect(result.trace.filter(({ event }) => event === "node_retrying")).toHaveLength(2);
    calls = -10;
    expect(await failure(builder.run())).toMatchObject({
      message: expect.stringContaining("attempt 4"),
    });
  });

  it.each([
    ["a function", () => () => 1, "a function"],
    ["a promise of a function", async () => () => 1, "a function"],
    ["a function inside", () => ({ a: [{ b: () => 1 }] }), '"result.a.0.b" is a function'],
    ["a symbol", () => Symbol("s"), "a symbol"],
    [
      "itself",
      () => {
        const loop: { self?: unknown } = {};
        loop.self = loop;
        return loop;
      },
      "data that contains itself",
    ],
  ])("of a node that returns %s is named", async (_what, run, text) => {
    const error = await failure(new WorkflowBuilder().addNode("a", run).run());
    expect(error).toMatchObject({ code: "invalid_output", node: "a" });
    expect(error.message).toContain(text);
  });

  it.each([
    ["a text", "no"],
    ["undefined", undefined],
    ["null", null],
  ])("of a node that throws %s is an Error", async (_what, thrown) => {
    const builder = new WorkflowBuilder().addNode("a", () => {
      throw thrown;
    });
    const error = await failure(builder.run());
    expect(error.message).toContain(`threw ${String(thrown)}`);
    expect(node(error.result, "a").error).toBeInstanceOf(Error);
  });
});

describe("time", () => {
  it("of a node that hangs is bounded, and its signal fires", async () => {
    const hung = gate();
    const builder = new WorkflowBuilder().addNode("hung", hung.run, { timeoutMs: 5 });
    const error = await failure(builder.run());
    expect(error).toMatchObject({ code: "timeout", node: "hung" });
    expect(hung.seen[0]?.signal.aborted).toBe(true);
    expect(hung.seen[0]?.signal.reason).toMatchObject({ code: "timeout" });
  });

  it("of a run is bounded, and what is deaf is left behind", async () => {
    const builder = new WorkflowBuilder({ timeoutMs: 5, graceMs: 5 })
      .addNode("deaf", () => new Promise(() => {}))
      .addNode("next", ({ x }) => x)
      .connect({ from: "deaf.result", to: "next.x" });
    const error = await failure(builder.run());
    expect(error.code).toBe("timeout");
    expect(statuses(error.result)).toEqual({ deaf: "cancelled", next: "skipped" });
    expect(node(error.result, "deaf").error?.message).toContain("left behind");
  });

  it("ends with the caller's signal, before and during a run", async () => {
    const controller = new AbortController();
    const running = gate();
    const workflow = await new WorkflowBuilder()
      .addNode("a", running.run)
      .addNode("b", ({ x }) => x)
      .connect({ from: "a.result", to: "b.x" })
      .build();
    const run = workflow.settle({}, { signal: controller.signal });
    await expect.poll(() => running.seen.length).toBe(1);
    controller.abort(new Error("enough"));
    const result = await run;
    expect(result.status).toBe("cancelled");
    expect(result.error).toMatchObject({ code: "cancelled", cause: { message: "enough" } });
    expect(statuses(result)).toEqual({ a: "cancelled", b: "skipped" });

    const never = await failure(workflow.run({}, { signal: controller.signal }));
    expect(never.code).toBe("cancelled");
    expect(statuses(never.result)).toEqual({ a: "skipped", b: "skipped" });
    expect(running.seen).toHaveLength(1);
  });
});

describe("size", () => {
  it("a thousand in a chain and a thousand side by side", async () => {
    const chain = new WorkflowBuilder().addNode("n0", () => 0);
    for (let index = 1; index < 1_000; index++) {
      chain
        .addNode(`n${index}`, ({ x }) => x + 1)
        .connect({ from: `n${index - 1}.result`, to: `n${index}.x` });
    }
    expect((await chain.run()).outputs).toEqual({ n999: { result: 999 } });
    const wide = new WorkflowBuilder({ concurrency: 1_000 });
    for (let index = 0; index < 1_000; index++) wide.addNode(`n${index}`, async () => index);
    expect(Object.keys((await wide.run()).outputs)).toHaveLength(1_000);
    const skipped = new WorkflowBuilder().addNode("n0", () => Promise.reject(new Error("no")), {
      onError: "continue",
    });
    for (let index = 1; index < 1_000; index++) {
      skipped
        .addNode(`n${index}`, ({ x }) => x)
        .connect({ from: `n${index - 1}.result`, to: `n${index}.x` });
    }
    expect(node(await skipped.run(), "n999").status).toBe("skipped");
  });
});
