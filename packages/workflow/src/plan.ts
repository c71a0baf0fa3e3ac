import type { JsonSchema, ValidationOutcome } from "@backplane/protocol";
import type { Draft, WorkflowLimits } from "./draft.ts";
import type { NodeSettings } from "./node-settings.ts";
import type { CompiledPorts } from "./ports.ts";
import type { WorkflowNode } from "./workflow-node.ts";

/** Where one input of a node comes from, or what only has to be done before it. */
export interface PlanSource {
  /** Undefined: an order without a value. */
  readonly input: string | undefined;
  /** The index of the node. */
  readonly from: number;
  /** Undefined: the node as a whole. */
  readonly port: string | undefined;
  readonly path: readonly string[];
  readonly optional: boolean;
  /** The connection as messages name it. */
  readonly text: string;
}

/** A node with everything that a run needs to know of it. */
export interface PlanNode {
  readonly index: number;
  readonly id: string;
  readonly node: WorkflowNode;
  readonly ports: CompiledPorts;
  readonly settings: NodeSettings;
  readonly idempotent: boolean;
  readonly sources: readonly PlanSource[];
  /** The workflow's parameters that bind inputs of this node. */
  readonly parameters: readonly { readonly name: string; readonly input: string }[];
  /** Indices of the nodes that wait for this one, each once. */
  readonly dependents: readonly number[];
  /** How many nodes this one waits for. */
  readonly waitsFor: number;
}

/** A parameter of a workflow. */
export interface WorkflowParameter {
  readonly name: string;
  readonly schema: JsonSchema | undefined;
  readonly description: string | undefined;
  readonly required: boolean;
  readonly hasDefault: boolean;
  readonly default: unknown;
}

/** A parameter with the check of its values. */
export interface PlanInput extends WorkflowParameter {
  readonly validate:
    | ((value: unknown) => ValidationOutcome | Promise<ValidationOutcome>)
    | undefined;
}

/** A declared output of a workflow. */
export interface PlanOutput {
  readonly name: string;
  readonly from: number;
  readonly port: string | undefined;
  readonly path: readonly string[];
  readonly schema: JsonSchema | undefined;
  readonly text: string;
}

/** A checked graph. Never changes, so that any number of runs can share it. */
export interface Plan {
  readonly name: string;
  readonly description: string | undefined;
  readonly nodes: readonly PlanNode[];
  readonly byId: ReadonlyMap<string, PlanNode>;
  readonly inputs: ReadonlyMap<string, PlanInput>;
  readonly outputs: readonly PlanOutput[];
  readonly limits: WorkflowLimits;
  /** Nodes that could not be checked against what they depend on, and why. */
  readonly unchecked: readonly { readonly node: string; readonly reason: string }[];
  /** What it was made of. */
  readonly draft: Draft;
}
