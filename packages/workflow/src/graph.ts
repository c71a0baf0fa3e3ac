import { SchemaError } from "@backplane/protocol";
import type { Draft, DraftNode } from "./draft.ts";
import type { BuildProblem, BuildProblemCode } from "./errors.ts";
import { GraphEdges } from "./graph-edges.ts";
import { hasOwn, listNames } from "./internal/records.ts";
import type { Plan, PlanNode } from "./plan.ts";
import { type CompiledPorts, compilePorts } from "./ports.ts";
import type { NodeInspection } from "./workflow-node.ts";

/** A node of a draft with what was learnt of it. */
export interface GraphNode extends DraftNode {
  readonly index: number;
  readonly ports: CompiledPorts;
  readonly idempotent: boolean;
}

/** Collects what is wrong; everything is looked at, whatever was found before. */
export type Report = (code: BuildProblemCode, message: string, node?: string) => void;

/**
 * Checks a graph as a whole, and makes the plan of its runs.
 * @param inspections what the nodes learnt of themselves.
 */
export function checkGraph(
  draft: Draft,
  inspections: ReadonlyMap<string, NodeInspection>,
): { readonly plan: Plan; readonly problems: readonly BuildProblem[] } {
  const problems: BuildProblem[] = [...draft.problems];
  const report: Report = (code, message, node) => void problems.push({ code, message, node });
  if (draft.nodes.size === 0) {
    report("empty", "there is no node; add one with addNode(id, node)");
  }
  const nodes = new Map<string, GraphNode>();
  const unchecked: { node: string; reason: string }[] = [];
  for (const each of draft.nodes.values()) {
    const inspection = inspections.get(each.id) ?? {};
    for (const fault of inspection.problems ?? []) {
      report("node_unusable", `node "${each.id}": ${fault}`, each.id);
    }
    if (inspection.unchecked !== undefined) {
      unchecked.push({ node: each.id, reason: inspection.unchecked });
    }
    nodes.set(each.id, graphNode(each, nodes.size, inspection, report));
  }
  const edges = new GraphEdges(draft, nodes, report);
  for (const node of nodes.values()) checkConfig(node, report);
  reportCycles(nodes, edges, report);
  const planned = [...nodes.values()].map(
    (node): PlanNode => ({
      ...node,
      sources: edges.sourcesOf(node.index),
      parameters: edges.parametersOf(node.index),
      dependents: [...edges.dependentsOf(node.index)],
      waitsFor: edges.dependenciesOf(node.index).size,
    }),
  );
  const { name, description, limits } = draft;
  const byId = new Map(planned.map((node) => [node.id, node]));
  const { inputs, outputs } = edges;
  const plan: Plan = {
    ...{ name, description, nodes: planned, byId, inputs, outputs, limits, unchecked, draft },
  };
  return { plan, problems };
}

const NO_PORTS: CompiledPorts = {
  inputs: undefined,
  open: true,
  validate: undefined,
  outputs: new Map(),
  inputRoot: undefined,
};

function graphNode(
  draft: DraftNode,
  index: number,
  inspection: NodeInspection,
  report: Report,
): GraphNode {
  const { id, node, settings } = draft;
  let ports = NO_PORTS;
  try {
    ports = compilePorts(inspection.ports ?? node.ports, `node "${id}"`);
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    report("invalid_schema", error.message, id);
  }
  const idempotent = settings.idempotent ?? inspection.idempotent ?? node.idempotent ?? false;
  return { ...draft, index, ports, idempotent };
}

function checkConfig(node: GraphNode, report: Report): void {
  const { id, ports, settings } = node;
  for (const name of Object.keys(settings.inputs)) {
    if (ports.inputs !== undefined && !ports.inputs.has(name) && !ports.open) {
      const known = listNames(ports.inputs.keys());
      report("unknown_config", `node "${id}": "inputs" names "${name}"; its inputs: ${known}`, id);
    }
  }
  const { onError, retry } = settings;
  if (typeof onError === "object" && typeof onError.fallback === "object") {
    checkFallback(node, onError.fallback, report);
  }
  // A plain function's errors do not say whether the work had begun.
  if (
    retry.maxRetries > 0 &&
    !node.idempotent &&
    !retry.evenIfNotIdempotent &&
    node.node.type === "FunctionNode"
  ) {
    report(
      "retry_without_effect",
      `node "${id}": "retry" repeats idempotent nodes only; say idempotent: true, or retry.evenIfNotIdempotent: true`,
      id,
    );
  }
}

function checkFallback({ id, ports }: GraphNode, outputs: object, report: Report): void {
  const known = listNames(ports.outputs.keys());
  for (const name of Object.keys(outputs)) {
    if (!ports.outputs.has(name)) {
      report(
        "invalid_config",
        `node "${id}": its fallback gives "${name}"; its outputs: ${known}`,
        id,
      );
    }
  }
  for (const [name, { conditional }] of ports.outputs) {
    if (!conditional && !hasOwn(outputs, name)) {
      report(
        "invalid_config",
        `node "${id}": its fallback gives no "${name}"; its outputs: ${known}`,
        id,
      );
    }
  }
}

/** Each cycle once, printed from its first node round to it again. */
function reportCycles(
  nodes: ReadonlyMap<string, GraphNode>,
  edges: GraphEdges,
  report: Report,
): void {
  const ids = [...nodes.keys()];
  const state = new Uint8Array(ids.length);
  for (let start = 0; start < ids.length; start++) {
    if (state[start] !== 0) continue;
    // By hand: a chain may be longer than the stack.
    const path: number[] = [];
    const iterators: Iterator<number>[] = [];
    const enter = (index: number): void => {
      state[index] = 1;
      path.push(index);
      iterators.push(edges.dependentsOf(index)[Symbol.iterator]());
    };
    enter(start);
    while (path.length > 0) {
      const next = iterators[iterators.length - 1]?.next();
      if (next === undefined || next.done === true) {
        iterators.pop();
        state[path.pop() as number] = 2;
      } else if (state[next.value] === 0) {
        enter(next.value);
      } else if (state[next.value] === 1) {
        const cycle = [...path.slice(path.indexOf(next.value)), next.value].map((i) => ids[i]);
        report("cycle", `the nodes wait for each other: ${cycle.join(" → ")}`, cycle[0]);
      }
    }
  }
}
