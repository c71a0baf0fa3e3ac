import type { JsonValue } from "@backplane/protocol";
import type { PlanNode } from "./plan.ts";
import type { PortValues } from "./workflow-node.ts";

/** A node that is to run, with what its memory needs to know of it. */
export interface NodeTask {
  readonly node: PlanNode;
  readonly path: string;
  execute(): Promise<PortValues>;
}

/** What a run knows of its earlier rounds or processes. */
export interface Memory {
  /** The outputs of a node as they were left, or else as `execute` makes them. */
  remember(task: NodeTask): Promise<PortValues>;
  once<Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>): Promise<Value>;
}

/** The memory of a run that happens once, from its begin to its end. */
export function runMemory(): Memory {
  const memos = new Map<string, Promise<JsonValue>>();
  return {
    remember: ({ execute }) => execute(),
    once: <Value extends JsonValue>(key: string, fn: () => Value | Promise<Value>) => {
      let memo = memos.get(key);
      if (memo === undefined) {
        memo = (async () => fn())();
        memos.set(key, memo);
        // A failure is not remembered: the node may try again.
        memo.catch(() => memos.delete(key));
      }
      return memo as Promise<Value>;
    },
  };
}
