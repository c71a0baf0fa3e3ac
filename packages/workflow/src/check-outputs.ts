import { WorkflowError } from "./errors.ts";
import { plainCopy } from "./internal/plain-copy.ts";
import { emptyRecord, hasOwn, listNames } from "./internal/records.ts";
import type { PlanNode } from "./plan.ts";
import type { PortValues } from "./workflow-node.ts";

/**
 * The outputs of a node, checked against its ports. A copy: what the node keeps hold of cannot change what others
 * have been given.
 * @throws {WorkflowError} `invalid_output` that names the place.
 */
export function checkOutputs({ ports }: PlanNode, path: string, outputs: unknown): PortValues {
  const refuse = (place: string, what: string): never => {
    const subject = place === "" ? "what it returned" : `its output "${place}"`;
    throw new WorkflowError("invalid_output", `node "${path}": ${subject} is ${what}`, {
      node: path,
    });
  };
  if (typeof outputs !== "object" || outputs === null || Array.isArray(outputs)) {
    return refuse("", "not an object of outputs");
  }
  const copied = emptyRecord<unknown>();
  for (const name of Object.keys(outputs)) {
    if (!ports.outputs.has(name)) {
      refuse(name, `none that it declares (${listNames(ports.outputs.keys())})`);
    }
    const value = (outputs as Record<string, unknown>)[name];
    copied[name] = plainCopy(value, (inside, what) =>
      refuse(inside === "" ? name : `${name}.${inside}`, `${what}: outputs must be data`),
    );
  }
  for (const [name, { conditional }] of ports.outputs) {
    if (!conditional && !hasOwn(copied, name)) refuse(name, "missing");
  }
  return copied;
}
