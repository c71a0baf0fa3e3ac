import { isJsonObject } from "@backplane/protocol";
import { parseEndpoint } from "./endpoint.ts";
import { WorkflowError } from "./errors.ts";
import { emptyRecord, hasOwn, listNames } from "./internal/records.ts";
import type { Plan } from "./plan.ts";

/** What a run was given, sorted. */
export interface ResolvedParameters {
  /** By the workflow's own parameters, defaults filled in. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Inputs of single nodes, by the index of the node. */
  readonly overrides: ReadonlyMap<number, Readonly<Record<string, unknown>>>;
}

/**
 * Sorts and checks the parameters of a run: those that the workflow declares, and inputs of single nodes as
 * `node.input`.
 * @throws {WorkflowError} `invalid_parameters` with everything that is wrong.
 */
export async function resolveParameters(
  plan: Plan,
  given: Readonly<Record<string, unknown>>,
): Promise<ResolvedParameters> {
  if (!isJsonObject(given)) throw invalid(plan, ["the parameters must be an object"]);
  const faults: string[] = [];
  const values = emptyRecord<unknown>();
  const overrides = new Map<number, Record<string, unknown>>();
  for (const [name, value] of Object.entries(given)) {
    const input = plan.inputs.get(name);
    if (input === undefined) {
      const fault = override(plan, name, value, overrides);
      if (fault !== undefined) faults.push(fault);
    } else if (value !== undefined) {
      const outcome = await input.validate?.(value);
      if (outcome?.issues === undefined)
        values[name] = outcome === undefined ? value : outcome.value;
      else {
        const issues = outcome.issues.map(({ path, message }) =>
          path === "" ? message : `${path}: ${message}`,
        );
        faults.push(`"${name}": ${issues.join("; ")}`);
      }
    }
  }
  for (const input of plan.inputs.values()) {
    const isGiven = hasOwn(given, input.name) && given[input.name] !== undefined;
    if (isGiven) continue;
    if (input.hasDefault) values[input.name] = input.default;
    else if (input.required) faults.push(`"${input.name}" is missing`);
  }
  if (faults.length > 0) throw invalid(plan, faults);
  return { values, overrides };
}

function override(
  plan: Plan,
  name: string,
  value: unknown,
  overrides: Map<number, Record<string, unknown>>,
): string | undefined {
  const endpoint = name.includes(".") ? parseEndpoint(name) : undefined;
  const node = endpoint && plan.byId.get(endpoint.node);
  if (endpoint?.port === undefined || endpoint.path.length > 0 || node === undefined) {
    const known = listNames(plan.inputs.keys());
    return `"${name}" is neither a parameter (${known}) nor an input of a node ("node.input")`;
  }
  const { inputs, open } = node.ports;
  if (inputs !== undefined && !open && !inputs.has(endpoint.port)) {
    return `"${name}": the node "${node.id}" has no such input; it has: ${listNames(inputs.keys())}`;
  }
  const own = overrides.get(node.index) ?? emptyRecord<unknown>();
  own[endpoint.port] = value;
  overrides.set(node.index, own);
  return undefined;
}

function invalid(plan: Plan, faults: readonly string[]): WorkflowError {
  return new WorkflowError(
    "invalid_parameters",
    `workflow "${plan.name}": wrong parameters: ${faults.join("; ")}`,
  );
}
