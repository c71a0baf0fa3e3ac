import { CHANNELS, type ChannelEvents } from "@backplane/protocol";
import { afterEach, expect, it } from "vitest";
import { SubWorkflowNode } from "./nodes/sub-workflow.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";

const NAMES = [
  "workflowRunStart",
  "workflowRunEnd",
  "workflowNodeStart",
  "workflowNodeEnd",
] as const satisfies (keyof ChannelEvents)[];

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Everything that workflows tell from now on. */
function listen(names: readonly (typeof NAMES)[number][] = NAMES) {
  const heard: [string, Record<string, unknown>][] = [];
  for (const name of names) {
    const onEvent = (event: unknown): void =>
      void heard.push([name, event as Record<string, unknown>]);
    CHANNELS[name].subscribe(onEvent);
    closers.push(() => CHANNELS[name].unsubscribe(onEvent));
  }
  return heard;
}

const flow = () =>
  new WorkflowBuilder({ name: "flow" })
    .addNode("a", () => "secret value")
    .addNode("bad", () => Promise.reject(new Error("no")), { onError: "continue" })
    .addNode("skipped", ({ x }) => x)
    .addNode(
      "sub",
      new SubWorkflowNode({
        workflow: new WorkflowBuilder({ name: "inner" })
          .addNode("in", ({ x }) => x)
          .input("x", {
            to: "in.x",
          }),
      }),
    )
    .connect({ from: "bad.result", to: "skipped.x" })
    .connect({ from: "a.result", to: "sub.x" });

it("tells of runs and nodes, those of inner workflows included, and of no value", async () => {
  const heard = listen();
  await flow().run({}, { runId: "r" });
  expect(heard.map(([name, { node, status }]) => [name, node, status])).toEqual([
    ["workflowRunStart", undefined, undefined],
    ["workflowNodeStart", "a", undefined],
    ["workflowNodeStart", "bad", undefined],
    ["workflowNodeEnd", "a", "completed"],
    ["workflowNodeStart", "sub", undefined],
    ["workflowNodeEnd", "bad", "failed"],
    ["workflowNodeStart", "sub/in", undefined],
    ["workflowNodeEnd", "sub/in", "completed"],
    ["workflowNodeEnd", "sub", "completed"],
    ["workflowRunEnd", undefined, "partial"],
  ]);
  for (const [, event] of heard) {
    expect(event).toMatchObject({ serverId: undefined, workflow: "flow", runId: "r" });
    expect(event["startedAtMs"]).toBeTypeOf("number");
  }
  expect(heard[5]?.[1]).toMatchObject({
    ...{ nodeType: "FunctionNode", attempts: 1, error: { message: "no" } },
  });
  expect(JSON.stringify(heard)).not.toContain("secret");
});

it("tells of an end to those who listen to nothing else", async () => {
  const heard = listen(["workflowRunEnd", "workflowNodeEnd"]);
  await flow().run();
  expect(heard).toHaveLength(5);
  expect(heard.every(([, { durationMs }]) => typeof durationMs === "number")).toBe(true);
});
