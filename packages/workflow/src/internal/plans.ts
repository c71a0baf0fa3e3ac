import type { Plan } from "../plan.ts";

/** The plans behind workflows: for this package alone, since a plan is not what a workflow promises. */
const plans = new WeakMap<object, Plan>();

export function rememberPlan(workflow: object, plan: Plan): void {
  plans.set(workflow, plan);
}

/** @throws {TypeError} for what is no workflow of this copy of the package. */
export function planOf(workflow: unknown, subject: string): Plan {
  const plan = typeof workflow === "object" && workflow !== null ? plans.get(workflow) : undefined;
  if (plan !== undefined) return plan;
  throw new TypeError(`${subject}: a built workflow is needed: await builder.build()`);
}
