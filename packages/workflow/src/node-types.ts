import { ConditionalNode, type ConditionalNodeOptions } from "./nodes/conditional.ts";
import { FunctionNode, type FunctionNodeOptions } from "./nodes/function.ts";
import { MapNode, type MapNodeOptions } from "./nodes/map.ts";
import { MCPToolNode, type MCPToolNodeOptions } from "./nodes/mcp-tool.ts";
import { SubWorkflowNode, type SubWorkflowNodeOptions } from "./nodes/sub-workflow.ts";
import type { WorkflowNode } from "./workflow-node.ts";

/**
 * Makes a node of one type.
 * @param config what the graph says beside `inputs`, `after`, `timeoutMs`, `retry`, `idempotent` and `onError`.
 * @param id the node's id.
 */
export type NodeFactory = (config: Readonly<Record<string, unknown>>, id: string) => WorkflowNode;

/** The node registry: factories by the name of their type. */
export type NodeTypes = Readonly<Record<string, NodeFactory>>;

/** The types that every registry begins with; own ones come before them. */
const BUILT_IN: NodeTypes = {
  MCPToolNode: (config) => new MCPToolNode(config as unknown as MCPToolNodeOptions),
  ConditionalNode: (config) =>
    new ConditionalNode(config as unknown as ConditionalNodeOptions<undefined>),
  MapNode: (config) => new MapNode(config as unknown as MapNodeOptions),
  SubWorkflowNode: (config) => new SubWorkflowNode(config as unknown as SubWorkflowNodeOptions),
  FunctionNode: (config) => new FunctionNode(config as unknown as FunctionNodeOptions<undefined>),
};

/** @throws {TypeError} for a factory that is no function. */
export function resolveNodeTypes(own: NodeTypes = {}): ReadonlyMap<string, NodeFactory> {
  const types = new Map([...Object.entries(BUILT_IN), ...Object.entries(own)]);
  for (const [type, factory] of types) {
    if (typeof factory !== "function") {
      throw new TypeError(`WorkflowBuilder: option "nodeTypes.${type}" must be a function`);
    }
  }
  return types;
}
