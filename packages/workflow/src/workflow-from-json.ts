import { checkMembers, isJsonObject } from "@backplane/protocol";
import type { WorkflowInput } from "./draft.ts";
import type { Endpoint } from "./endpoint.ts";
import type { NodeTypes } from "./node-types.ts";
import { SubWorkflowNode } from "./nodes/sub-workflow.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";
import type { NodeJSON, WorkflowJSON } from "./workflow-json.ts";

/** What brings a workflow in JSON to life. */
export interface FromJSONOptions {
  /** The node registry: makes each type of node out of its config. Beside it there are the built-in types. */
  readonly nodeTypes?: NodeTypes;
}

const SUBJECT = "workflowFromJSON";
const MEMBERS = [
  "version",
  "name",
  "description",
  "limits",
  "nodes",
  "connections",
  "inputs",
  "outputs",
];
const NODE_MEMBERS = [
  "id",
  "type",
  "config",
  "inputs",
  "after",
  "timeoutMs",
  "retry",
  "idempotent",
  "onError",
] satisfies (keyof NodeJSON)[];

/** Deeper inner workflows are taken for an attack. */
const MAX_DEPTH = 32;

/**
 * Makes a builder of what `workflow.toJSON()` gave. Nothing in the JSON is run: a node is only what the registry makes of
 * its config. The faults of the graph are told by `build`.
 * @throws {TypeError} for what has not the form of a workflow; the message names the place.
 */
export function workflowFromJSON(json: unknown, options: FromJSONOptions = {}): WorkflowBuilder {
  checkMembers(SUBJECT, options, ["nodeTypes"]);
  return restore(json, options.nodeTypes ?? {}, 1);
}

function restore(json: unknown, own: NodeTypes, depth: number): WorkflowBuilder {
  if (depth > MAX_DEPTH) fail(`workflows are nested deeper than ${MAX_DEPTH}`);
  if (!isJsonObject(json)) fail("an object is needed");
  checkMembers(SUBJECT, json, MEMBERS);
  const { version, name, description, limits = {} } = json as Partial<WorkflowJSON>;
  if (version !== 1) fail(`version ${JSON.stringify(version)} is unknown; known: 1`);
  if (typeof name !== "string") fail('"name" must be a text');
  if (description !== undefined && typeof description !== "string") {
    fail('"description" must be a text');
  }
  if (!isJsonObject(limits)) fail('"limits" must be an object');
  const builder = new WorkflowBuilder({
    ...Object.fromEntries(Object.entries(limits).map(([limit, value]) => [limit, infinite(value)])),
    name,
    ...(description !== undefined && { description }),
    nodeTypes: {
      SubWorkflowNode: ({ workflow }) =>
        new SubWorkflowNode({ workflow: restore(workflow, own, depth + 1) }),
      ...own,
    },
  });
  for (const [index, node] of list(json, "nodes")) addNode(builder, node, `nodes[${index}]`);
  for (const [index, each] of list(json, "connections")) {
    if (!isJsonObject(each)) fail(`connections[${index}] must be an object`);
    builder.connect(each as { from: Endpoint; to: Endpoint });
  }
  for (const [index, each] of list(json, "inputs")) {
    const place = `inputs[${index}]`;
    if (!isJsonObject(each) || typeof each.name !== "string") fail(`${place} needs a "name"`);
    const { name: input, ...rest } = each as { name: string } & Record<string, unknown>;
    if (!Array.isArray(rest.to)) fail(`${place}: "to" must be a list`);
    builder.input(input, rest as unknown as WorkflowInput);
  }
  for (const [index, each] of list(json, "outputs")) {
    if (!isJsonObject(each) || typeof each.name !== "string") {
      fail(`outputs[${index}] needs a "name"`);
    }
    const { name: output, from } = each as { name: string; from: Endpoint };
    builder.output(output, from);
  }
  return builder;
}

function addNode(builder: WorkflowBuilder, node: unknown, place: string): void {
  if (!isJsonObject(node)) fail(`${place} must be an object`);
  checkMembers(`${SUBJECT}: ${place}`, node, NODE_MEMBERS);
  const { id, type, config = {}, timeoutMs, ...settings } = node;
  if (typeof id !== "string" || typeof type !== "string") fail(`${place} needs "id" and "type"`);
  if (!isJsonObject(config)) fail(`${place}: "config" must be an object`);
  builder.addNode(type as string, id as string, {
    ...config,
    ...settings,
    ...(timeoutMs !== undefined && { timeoutMs: infinite(timeoutMs) as number }),
  });
}

function list(json: Record<string, unknown>, member: string): Iterable<[number, unknown]> {
  const value = json[member] ?? [];
  if (!Array.isArray(value)) fail(`"${member}" must be a list`);
  return (value as unknown[]).entries();
}

function infinite(value: unknown): unknown {
  return value === null ? Number.POSITIVE_INFINITY : value;
}

function fail(why: string): never {
  throw new TypeError(`${SUBJECT}: ${why}`);
}
