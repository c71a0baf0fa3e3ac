import { valueAt } from "./endpoint.ts";
import { WorkflowError } from "./errors.ts";
import type { SettledNode } from "./gather.ts";
import { emptyRecord, hasOwn } from "./internal/records.ts";
import type { Plan } from "./plan.ts";

/** The outputs of a run, as far as they exist, and the first that is not where it was declared. */
export function collectOutputs(
  plan: Plan,
  settled: (index: number) => SettledNode,
): { readonly outputs: Record<string, unknown>; readonly fault: WorkflowError | undefined } {
  const outputs = emptyRecord<unknown>();
  if (plan.outputs.length === 0) {
    for (const { index, id, dependents } of plan.nodes) {
      const own = settled(index).outputs;
      if (dependents.length === 0 && own !== undefined) outputs[id] = own;
    }
    return { outputs, fault: undefined };
  }
  let fault: WorkflowError | undefined;
  for (const { name, from, port = "", path, text } of plan.outputs) {
    const node = settled(from);
    // Not reached, or a way that was not taken: no value, and no fault either.
    if (node.outputs === undefined || !hasOwn(node.outputs, port)) continue;
    const found = valueAt(node.outputs[port], path, `${node.id}.${port}`);
    if (found.missing === undefined) outputs[name] = found.value;
    else
      fault ??= new WorkflowError("missing_path", `${text}: ${found.missing}`, { node: node.id });
  }
  return { outputs, fault };
}
