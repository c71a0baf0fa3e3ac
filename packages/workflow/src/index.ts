export type { Connection, WorkflowInput, WorkflowLimits } from "./draft.ts";
export type { Endpoint } from "./endpoint.ts";
export {
  type BuildProblem,
  type BuildProblemCode,
  WorkflowBuildError,
  WorkflowError,
  type WorkflowErrorCode,
  type WorkflowErrorOptions,
  WorkflowRunError,
} from "./errors.ts";
export type { NodeConfig, NodeRetry, OnError } from "./node-settings.ts";
export type { NodeFactory, NodeTypes } from "./node-types.ts";
export {
  FunctionNode,
  type FunctionNodeOptions,
  type NodeFunction,
  type NodeInputs,
} from "./nodes/function.ts";
export type { PlanInput as WorkflowParameter } from "./plan.ts";
export type {
  NodeResult,
  NodeStatus,
  TraceEvent,
  WorkflowResult,
  WorkflowStatus,
} from "./result.ts";
export type { RunOptions } from "./run-options.ts";
export { Workflow } from "./workflow.ts";
export { WorkflowBuilder, type WorkflowBuilderOptions } from "./workflow-builder.ts";
export type {
  NodeContext,
  NodeInspection,
  NodePorts,
  OutputPort,
  PortValues,
  WorkflowNode,
} from "./workflow-node.ts";
