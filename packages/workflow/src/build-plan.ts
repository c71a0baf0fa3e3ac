import type { Draft } from "./draft.ts";
import type { BuildProblem } from "./errors.ts";
import { checkGraph } from "./graph.ts";
import { inspectNodes } from "./inspect.ts";
import type { Plan } from "./plan.ts";

/** Looks at what the nodes of a draft depend on, and checks it as a whole. */
export async function buildPlan(
  draft: Draft,
): Promise<{ readonly plan: Plan; readonly problems: readonly BuildProblem[] }> {
  return checkGraph(draft, await inspectNodes(draft));
}
