import type { JsonObject, JsonValue } from "@backplane/protocol";
import type { WorkflowLimits } from "./draft.ts";
import type { Endpoint } from "./endpoint.ts";
import { plainCopy } from "./internal/plain-copy.ts";
import type { NodeRetry } from "./node-settings.ts";
import type { Plan, PlanNode } from "./plan.ts";
import { DEFAULT_LIMITS } from "./run-options.ts";

/** Milliseconds, or null for no limit: JSON has no infinity. */
type JsonDuration = number | null;

/** A node as JSON. */
export interface NodeJSON {
  readonly id: string;
  /** Which factory of the registry makes it. */
  readonly type: string;
  /** What the factory takes. */
  readonly config: JsonObject;
  readonly inputs?: JsonObject;
  readonly after?: readonly string[];
  readonly timeoutMs?: JsonDuration;
  readonly retry?: Partial<NodeRetry>;
  readonly idempotent?: boolean;
  readonly onError?: "continue" | { readonly fallback: JsonObject };
}

/** A workflow as JSON: everything but the code, which a node registry brings. */
export interface WorkflowJSON {
  readonly version: 1;
  readonly name: string;
  readonly description?: string;
  readonly limits?: { readonly [Limit in keyof WorkflowLimits]?: JsonDuration };
  readonly nodes: readonly NodeJSON[];
  readonly connections: readonly {
    readonly from: Endpoint;
    readonly to: Endpoint;
    readonly optional?: boolean;
  }[];
  readonly inputs: readonly {
    readonly name: string;
    readonly to: readonly string[];
    readonly schema?: JsonObject;
    readonly description?: string;
    readonly default?: JsonValue;
    readonly optional?: boolean;
  }[];
  readonly outputs: readonly { readonly name: string; readonly from: Endpoint }[];
}

/** @throws {TypeError} that names the node and the part of it which JSON cannot hold. */
export function toWorkflowJSON(plan: Plan): WorkflowJSON {
  const { draft, limits } = plan;
  const ownLimits = Object.entries(limits).filter(
    ([limit, value]) => value !== DEFAULT_LIMITS[limit as keyof WorkflowLimits],
  );
  return {
    version: 1,
    name: plan.name,
    ...(plan.description !== undefined && { description: plan.description }),
    ...(ownLimits.length > 0 && {
      limits: Object.fromEntries(ownLimits.map(([limit, value]) => [limit, finite(value)])),
    }),
    nodes: plan.nodes.map(nodeJSON),
    connections: draft.connections.map(({ from, to, optional }) => ({
      ...{ from, to },
      ...(optional !== undefined && { optional }),
    })),
    inputs: [...draft.inputs].map(([name, input]) => {
      const place = `input "${name}"`;
      const schema = input.schema && plan.inputs.get(name)?.schema;
      return {
        name,
        to: typeof input.to === "string" ? [input.to] : [...input.to],
        ...(schema !== undefined && { schema: json(schema, place) as JsonObject }),
        ...(input.description !== undefined && { description: input.description }),
        ...(Object.hasOwn(input, "default") && { default: json(input.default, place) }),
        ...(input.optional !== undefined && { optional: input.optional }),
      };
    }),
    outputs: [...draft.outputs].map(([name, from]) => ({ name, from })),
  };
}

function nodeJSON({ id, node, settings }: PlanNode): NodeJSON {
  const place = `node "${id}"`;
  const { inputs, after, timeoutMs, retry, idempotent, onError } = settings;
  if (typeof onError === "object" && typeof onError.fallback === "function") {
    throw new TypeError(`${place}: a fallback that is a function cannot become JSON`);
  }
  return {
    id,
    type: node.type,
    config: json(node.toConfig?.() ?? {}, `${place}: its config`) as JsonObject,
    ...(Object.keys(inputs).length > 0 && {
      inputs: json(inputs, `${place}: "inputs"`) as JsonObject,
    }),
    ...(after.length > 0 && { after }),
    ...(timeoutMs !== undefined && { timeoutMs: finite(timeoutMs) }),
    ...(retry.maxRetries > 0 && { retry }),
    ...(idempotent !== undefined && { idempotent }),
    ...(onError !== "fail" && {
      onError: json(onError, `${place}: "onError"`) as NonNullable<NodeJSON["onError"]>,
    }),
  };
}

function finite(value: number): JsonDuration {
  return value === Number.POSITIVE_INFINITY ? null : value;
}

/** A value as JSON, if that is the same value: what would be changed on the way is refused instead. */
function json(value: unknown, place: string): JsonValue {
  const refuse = (path: string, what: string): never => {
    throw new TypeError(`${place}: "${path}" is ${what}, which cannot become JSON`);
  };
  const copy = plainCopy(value, refuse);
  const visit = (each: unknown, path: string): void => {
    if (typeof each === "bigint") refuse(path, "a bigint");
    if (typeof each === "number" && !Number.isFinite(each)) refuse(path, String(each));
    if (typeof each !== "object" || each === null) return;
    const prototype = Object.getPrototypeOf(each);
    const isPlain = Array.isArray(each) || prototype === Object.prototype || prototype === null;
    if (!isPlain) refuse(path, `an instance of ${each.constructor.name}`);
    for (const [key, member] of Object.entries(each)) {
      visit(member, path === "" ? key : `${path}.${key}`);
    }
  };
  visit(copy, "");
  return copy as JsonValue;
}
