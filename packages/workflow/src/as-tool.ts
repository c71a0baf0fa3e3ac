import {
  checkMembers,
  ErrorCode,
  type InputContext,
  type JsonSchema,
  MCPError,
  META_WORKFLOW,
  ToolExecutionError,
} from "@backplane/protocol";
import type { ToolDefinition, ToolOptions } from "@backplane/server";
import { WorkflowError } from "./errors.ts";
import { planOf } from "./internal/plans.ts";
import { emptyRecord } from "./internal/records.ts";
import { selfContained } from "./internal/self-contained.ts";
import type { Plan } from "./plan.ts";
import type { TraceEvent, WorkflowResult } from "./result.ts";
import { runError } from "./run-inside.ts";
import type { RunJournal } from "./run-journal.ts";
import type { Workflow } from "./workflow.ts";

/** What `workflowAsTool` may be told beside the options of every tool. */
export interface WorkflowToolOptions extends Omit<ToolOptions, "input" | "output"> {
  /** The tool's name. Default: the workflow's. */
  readonly name?: string;
  /**
   * Where runs are written down. Without it, what was done before a question travels with the client, sealed, in 16 KiB
   * at most; with it only the id of the run does. Replicas need a shared one.
   */
  readonly journal?: RunJournal;
}

const MEMBERS: readonly string[] = [
  ...(["name", "journal"] satisfies (keyof WorkflowToolOptions)[]),
  ...([
    "title",
    "description",
    "annotations",
    "icons",
    "meta",
    "cacheHint",
    "deadlines",
    "scopes",
    "roles",
    "tags",
  ] satisfies (keyof WorkflowToolOptions)[]),
];

/**
 * Makes a workflow a tool, for `server.addTool`: its parameters are the arguments, its outputs the structured content.
 * Progress is reported for each node, cancellation of the call cancels the run, and nodes may ask the client
 * (`context.elicit`), in both eras.
 *
 * In the modern era the handler runs again for each round of questions. Nodes that are done are not: their outputs are
 * remembered, so they become what JSON makes of them. A node that asks does run again from its top: what it does
 * before it asks belongs into a node of its own, or into `context.once`. What is remembered is so only if a question
 * ends the round, and the client may send the same round twice: a node that must act exactly once needs a key of its
 * own in the system that it acts on.
 *
 * A `ToolExecutionError` of a node is what the model reads, an `MCPError` what the client gets; every other failure is
 * masked as it is for every tool.
 * @throws {TypeError} for what is no built workflow, and for an option.
 */
export function workflowAsTool(
  workflow: Workflow,
  options: WorkflowToolOptions = {},
): ToolDefinition<JsonSchema, JsonSchema | undefined> {
  checkMembers("workflowAsTool", options, MEMBERS);
  const plan = planOf(workflow, "workflowAsTool");
  const { name = plan.name, journal, description = plan.description, ...rest } = options;
  const output = outputSchema(plan);
  return {
    ...rest,
    name,
    ...(description !== undefined && { description }),
    input: inputSchema(plan),
    ...(output !== undefined && { output }),
    handler: async (args, context) => {
      const result = await settle(workflow, plan, args, context, journal);
      return {
        content: [{ type: "text", text: JSON.stringify(result.outputs) }],
        structuredContent: result.outputs,
        _meta: { [META_WORKFLOW]: summary(result) },
      };
    },
  };
}

async function settle(
  workflow: Workflow,
  plan: Plan,
  args: Record<string, unknown>,
  request: InputContext,
  journal: RunJournal | undefined,
): Promise<WorkflowResult> {
  const onEvent = progressOf(plan, request);
  let result: WorkflowResult;
  try {
    result = await workflow.settle(args, { request, onEvent, ...(journal && { journal }) });
  } catch (error) {
    // What JSON Schema could not say of the parameters: the model can mend it.
    if (WorkflowError.isInstance(error) && error.code === "invalid_parameters") {
      throw new ToolExecutionError(ErrorCode.invalidParams, error.message, { cause: error });
    }
    throw error;
  }
  if (result.status === "completed" || result.status === "partial") return result;
  // Meant for the client as it is. The end of a round is one of these too: dispatch knows it by itself.
  if (MCPError.isInstance(result.error)) throw result.error;
  throw runError(result);
}

const ENDS: ReadonlySet<TraceEvent["event"]> = new Set([
  "node_completed",
  "node_remembered",
  "node_fallback",
  "node_failed",
  "node_skipped",
]);

/** Progress in nodes that have ended, with what those that run say of themselves. */
function progressOf(plan: Plan, request: InputContext): (event: TraceEvent) => void {
  const total = plan.nodes.length;
  let ended = 0;
  return ({ node, event, detail }) => {
    if (node === undefined || !plan.byId.has(node)) return;
    if (ENDS.has(event)) {
      ended++;
      request.progress({ progress: ended, total, message: `${node}: ${event.slice(5)}` });
    } else if (event === "node_progress") {
      const share = shareOf(detail);
      request.progress({ progress: ended + share, total, message: `${node}: ${detail}` });
    }
  };
}

/** How much of a node is done, as its own report says, as less than the whole: the node's end is told by itself. */
function shareOf(detail = ""): number {
  const [, progress, total] = /^([\d.]+)\/([\d.]+)/.exec(detail) ?? [];
  const share = Number(progress) / Number(total);
  return share > 0 && share < 1 ? share : 0;
}

function summary({ runId, status, nodes }: WorkflowResult): object {
  const statuses = emptyRecord<string>();
  for (const [id, node] of Object.entries(nodes)) statuses[id] = node.status;
  return { runId, status, nodes: statuses };
}

function inputSchema(plan: Plan): JsonSchema {
  const properties = emptyRecord<JsonSchema>();
  const required: string[] = [];
  for (const input of plan.inputs.values()) {
    const { name, schema, description, hasDefault, default: value } = input;
    properties[name] = {
      ...selfContained(schema),
      ...(description !== undefined && { description }),
      ...(hasDefault && { default: value }),
    };
    if (input.required) required.push(name);
  }
  return { type: "object", properties, required, additionalProperties: false };
}

/** No output is required: a way that was not taken leaves one out. */
function outputSchema(plan: Plan): JsonSchema | undefined {
  if (plan.outputs.length === 0) return undefined;
  const properties = emptyRecord<JsonSchema>();
  for (const { name, schema } of plan.outputs) properties[name] = selfContained(schema);
  return { type: "object", properties };
}
