import { valueAt } from "./endpoint.ts";
import { WorkflowError } from "./errors.ts";
import { plainCopy } from "./internal/plain-copy.ts";
import { emptyRecord, hasOwn, listNames } from "./internal/records.ts";
import type { ResolvedParameters } from "./parameters.ts";
import type { PlanNode, PlanSource } from "./plan.ts";
import type { NodeStatus } from "./result.ts";
import type { PortValues } from "./workflow-node.ts";

/** What became of a node that others wait for. */
export interface SettledNode {
  readonly id: string;
  readonly status: NodeStatus;
  readonly outputs: PortValues | undefined;
}

/** The inputs of a node, or why it is not to run. */
export type Gathered =
  | { readonly inputs: Record<string, unknown>; readonly skip?: undefined }
  | { readonly skip: string };

/**
 * Brings the inputs of a node together: config < connections < parameters of the run. Each is a copy, so that no
 * node can reach what another one, another run or the caller holds.
 * @throws {WorkflowError} `missing_path` for a connection that leads to nothing.
 */
export function gatherInputs(
  node: PlanNode,
  settled: (index: number) => SettledNode,
  parameters: ResolvedParameters,
): Gathered {
  const inputs: Record<string, unknown> = emptyRecord();
  const config = node.settings.inputs;
  for (const name of Object.keys(config)) inputs[name] = own(node, name, config[name]);
  const given = emptyRecord<unknown>();
  for (const { name, input } of node.parameters) {
    if (hasOwn(parameters.values, name)) given[input] = parameters.values[name];
  }
  const overrides = parameters.overrides.get(node.index);
  if (overrides !== undefined) Object.assign(given, overrides);

  let values = 0;
  let absent = 0;
  let reason = "";
  for (const source of node.sources) {
    const from = settled(source.from);
    const why = unavailable(source, from);
    const { input } = source;
    if (input === undefined) {
      if (why !== undefined) return { skip: why };
      continue;
    }
    if (hasOwn(given, input)) continue;
    values++;
    if (why === undefined) {
      inputs[input] = own(node, input, read(source, from));
      continue;
    }
    absent++;
    reason = why;
    if (!source.optional && !hasOwn(config, input)) return { skip: why };
  }
  // Where branches meet, one of them is enough. None of them is not.
  if (values > 0 && absent === values) return { skip: reason };
  for (const name of Object.keys(given)) inputs[name] = own(node, name, given[name]);
  return { inputs };
}

const ENDED: Readonly<Record<NodeStatus, string>> = {
  completed: "gave nothing there",
  fallback: "gave nothing there",
  failed: "failed",
  skipped: "was skipped",
  cancelled: "was cancelled",
  waiting: "waits for the client",
};

/** Why a connection brings nothing; undefined when it does, or when that it does not is a fault. */
function unavailable(source: PlanSource, from: SettledNode): string | undefined {
  const { outputs, status } = from;
  if (outputs === undefined) return `${source.text}: "${from.id}" ${ENDED[status]}`;
  if (source.port === undefined || hasOwn(outputs, source.port)) return undefined;
  const others = Object.keys(outputs);
  const taken = others.length === 0 ? "none" : listNames(others);
  return `${source.text}: "${from.id}" did not take "${source.port}" but ${taken}`;
}

function read(source: PlanSource, from: SettledNode): unknown {
  const origin = `${from.id}.${source.port}`;
  const value = from.outputs?.[source.port as string];
  const found = valueAt(value, source.path, origin);
  if (found.missing === undefined) return found.value;
  throw new WorkflowError("missing_path", `${source.text}: ${found.missing}`);
}

function own(node: PlanNode, input: string, value: unknown): unknown {
  return plainCopy(value, (path, what) => {
    const place = path === "" ? `${node.id}.${input}` : `${node.id}.${input}.${path}`;
    throw new WorkflowError("invalid_input", `"${place}" is ${what}: inputs must be data`, {
      node: node.id,
    });
  });
}
