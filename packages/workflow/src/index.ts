export { type WorkflowToolOptions, workflowAsTool } from "./as-tool.ts";
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
export { createMemoryJournal, type MemoryJournalOptions } from "./memory-journal.ts";
export type { NodeConfig, NodeRetry, OnError } from "./node-settings.ts";
export type { NodeFactory, NodeTypes } from "./node-types.ts";
export { ConditionalNode, type ConditionalNodeOptions } from "./nodes/conditional.ts";
export {
  FunctionNode,
  type FunctionNodeOptions,
  type NodeFunction,
  type NodeInputs,
} from "./nodes/function.ts";
export { MapNode, type MapNodeOptions } from "./nodes/map.ts";
export { MCPToolNode, type MCPToolNodeOptions, type ToolTarget } from "./nodes/mcp-tool.ts";
export { SubWorkflowNode, type SubWorkflowNodeOptions } from "./nodes/sub-workflow.ts";
export type { WorkflowParameter } from "./plan.ts";
export type {
  NodeResult,
  NodeStatus,
  TraceEvent,
  WorkflowResult,
  WorkflowStatus,
} from "./result.ts";
export type { JournalEntry, RunJournal } from "./run-journal.ts";
export type { RunOptions } from "./run-options.ts";
export { type UnfinishedRun, unfinishedRuns } from "./unfinished-runs.ts";
export { Workflow } from "./workflow.ts";
export { WorkflowBuilder, type WorkflowBuilderOptions } from "./workflow-builder.ts";
export { type FromJSONOptions, workflowFromJSON } from "./workflow-from-json.ts";
export type { NodeJSON, WorkflowJSON } from "./workflow-json.ts";
export type {
  NodeContext,
  NodeInspection,
  NodePorts,
  OutputPort,
  PortValues,
  WorkflowNode,
} from "./workflow-node.ts";
