import type { JsonObject } from "@backplane/protocol";
import { WorkflowError } from "../errors.ts";
import type { PlanNode } from "../plan.ts";
import type { PortValues } from "../workflow-node.ts";
import { emptyRecord } from "./records.ts";

/**
 * Outputs as JSON has them: what another round or process would see.
 * @throws {WorkflowError} `invalid_output` for what JSON cannot carry.
 */
export function toJson(outputs: PortValues, path: string): JsonObject {
  try {
    return JSON.parse(JSON.stringify(outputs)) as JsonObject;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WorkflowError(
      "invalid_output",
      `node "${path}": its outputs cannot be remembered as JSON: ${reason}`,
      { node: path, cause },
    );
  }
}

/** The outputs again, with the ports that hold `undefined`, which JSON leaves out. */
export function fromJson(outputs: JsonObject, { ports }: PlanNode): PortValues {
  const values = emptyRecord<unknown>();
  for (const [name, { conditional }] of ports.outputs) {
    if (Object.hasOwn(outputs, name)) values[name] = outputs[name];
    else if (!conditional) values[name] = undefined;
  }
  return values;
}
