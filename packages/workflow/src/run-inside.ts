import { WorkflowError, type WorkflowErrorCode, WorkflowRunError } from "./errors.ts";
import { planOf } from "./internal/plans.ts";
import { resolveParameters } from "./parameters.ts";
import type { WorkflowResult } from "./result.ts";
import { WorkflowRun } from "./run.ts";
import type { RunScope } from "./run-scope.ts";
import type { Workflow } from "./workflow.ts";

/** Runs a workflow as a part of a node of another one, with its own limits. */
export async function runInside(
  workflow: Workflow,
  parameters: Readonly<Record<string, unknown>>,
  scope: RunScope,
): Promise<WorkflowResult> {
  const plan = planOf(workflow, "context.run");
  const resolved = await resolveParameters(plan, parameters);
  return new WorkflowRun(plan, resolved, scope, plan.limits).execute();
}

/** The error that stands for a run which did not complete. */
export function runError(result: WorkflowResult): WorkflowRunError {
  const { error, status, workflow } = result;
  const failed = Object.entries(result.nodes).find(
    ([, node]) => node.status === "failed" && node.error === error,
  );
  const fault = WorkflowError.isInstance(error) ? error : undefined;
  const code: WorkflowErrorCode = fault?.code ?? "node_failed";
  const node = fault?.node ?? failed?.[0];
  const place = failed === undefined ? "" : ` at node "${failed[0]}"`;
  const text = status === "failed" ? `failed${place}` : status;
  return new WorkflowRunError(code, `workflow "${workflow}" ${text}: ${error?.message}`, result, {
    node,
    cause: error,
  });
}
