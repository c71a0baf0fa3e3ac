import { type JsonSchema, SchemaError } from "@backplane/protocol";
import type { Draft, DraftConnection, WorkflowInput } from "./draft.ts";
import { type ParsedEndpoint, parseEndpoint } from "./endpoint.ts";
import type { GraphNode, Report } from "./graph.ts";
import { hasOwn, listNames } from "./internal/records.ts";
import { misfit, schemaAt } from "./internal/schema-fit.ts";
import { swappedOrder, swappedPorts } from "./internal/swapped.ts";
import type { PlanInput, PlanOutput, PlanSource } from "./plan.ts";
import { compileInput } from "./ports.ts";

interface Binding {
  readonly name: string;
  readonly input: string;
}

const NONE: ReadonlySet<number> = new Set();

/** Everything that leads from one place of a graph to another, checked. */
export class GraphEdges {
  readonly inputs: Map<string, PlanInput> = new Map<string, PlanInput>();
  readonly outputs: PlanOutput[] = [];
  readonly #nodes: ReadonlyMap<string, GraphNode>;
  readonly #report: Report;
  readonly #sources = new Map<number, PlanSource[]>();
  readonly #parameters = new Map<number, Binding[]>();
  readonly #dependents = new Map<number, Set<number>>();
  readonly #dependencies = new Map<number, Set<number>>();

  constructor(draft: Draft, nodes: ReadonlyMap<string, GraphNode>, report: Report) {
    this.#nodes = nodes;
    this.#report = report;
    for (const connection of draft.connections) this.#connect(connection);
    for (const node of nodes.values()) {
      for (const before of node.settings.after) this.#order(node, before);
    }
    for (const [name, input] of draft.inputs) this.#input(name, input);
    for (const [name, from] of draft.outputs) this.#output(name, from);
    for (const node of nodes.values()) this.#checkBound(node);
  }

  sourcesOf(index: number): readonly PlanSource[] {
    return this.#sources.get(index) ?? [];
  }

  parametersOf(index: number): readonly Binding[] {
    return this.#parameters.get(index) ?? [];
  }

  dependentsOf(index: number): ReadonlySet<number> {
    return this.#dependents.get(index) ?? NONE;
  }

  dependenciesOf(index: number): ReadonlySet<number> {
    return this.#dependencies.get(index) ?? NONE;
  }

  #connect(connection: DraftConnection): void {
    const swapped = connection.ordered && swappedOrder(connection.ordered, this.#nodes);
    if (swapped !== undefined) {
      this.#report("swapped_arguments", swapped);
      return;
    }
    const from = this.#endpoint(connection.from, "from", "node.output");
    const to = this.#endpoint(connection.to, "to", "node.input");
    if (from === undefined || to === undefined) return;
    const text = `${from.text} → ${to.text}`;
    if (from.port === undefined || to.port === undefined) {
      const remedy = `a connection leads from "node.output" to "node.input"; for an order alone use the config "after"`;
      this.#report("invalid_endpoint", `${text}: ${remedy}`);
      return;
    }
    const source = this.#nodes.get(from.node) as GraphNode;
    const target = this.#nodes.get(to.node) as GraphNode;
    const turned = swappedPorts(source, from.port, target, to.port);
    if (turned !== undefined) {
      this.#report("swapped_arguments", turned);
      return;
    }
    if (to.path.length > 0) {
      this.#report(
        "invalid_endpoint",
        `${text}: an input is bound as a whole; "${to.path.join(".")}" leads into it`,
        to.node,
      );
      return;
    }
    const known = this.#hasOutput(source, from, text) && this.#hasInput(target, to.port, text);
    if (!known) return;
    const before = this.sourcesOf(target.index).find(({ input }) => input === to.port);
    if (before !== undefined) {
      this.#report(
        "input_bound_twice",
        `"${to.text}" has two connections: ${before.text} and ${text}; merge them in a node, or give each an input of its own`,
        to.node,
      );
      return;
    }
    this.#checkFit(source, from, target, to.port, text);
    const port = target.ports.inputs?.get(to.port);
    this.#add(target.index, {
      input: to.port,
      from: source.index,
      port: from.port,
      path: from.path,
      optional: connection.optional ?? (port !== undefined && !port.required),
      text,
    });
  }

  #order(node: GraphNode, before: string): void {
    const from = this.#endpoint(before, "after", "node, or node.output");
    if (from === undefined) return;
    const source = this.#nodes.get(from.node) as GraphNode;
    const text = `${from.text} → ${node.id}`;
    if (from.port !== undefined && !this.#hasOutput(source, from, text)) return;
    const { port, path } = from;
    this.#add(node.index, {
      ...{ input: undefined, from: source.index, port, path, optional: false, text },
    });
  }

  #input(name: string, input: WorkflowInput): void {
    const subject = `input "${name}"`;
    const { schema, description, optional = false } = input;
    let found: JsonSchema | undefined;
    for (const target of typeof input.to === "string" ? [input.to] : input.to) {
      const to = this.#endpoint(target, subject, "node.input");
      if (to === undefined) continue;
      const node = this.#nodes.get(to.node) as GraphNode;
      if (to.port === undefined || to.path.length > 0) {
        this.#report("invalid_endpoint", `${subject}: "${to.text}" must be "node.input"`, to.node);
        continue;
      }
      if (!this.#hasInput(node, to.port, subject)) continue;
      const bindings = this.#parameters.get(node.index) ?? [];
      const other = bindings.find((binding) => binding.input === to.port);
      if (other !== undefined) {
        const both = `the inputs "${other.name}" and "${name}" of the workflow`;
        this.#report("input_bound_twice", `"${to.text}" is bound by ${both}`, to.node);
        continue;
      }
      this.#parameters.set(node.index, [...bindings, { name, input: to.port }]);
      found ??= node.ports.inputs?.get(to.port)?.schema;
    }
    const hasDefault = hasOwn(input, "default");
    const common = { name, description, required: !optional && !hasDefault, hasDefault };
    let compiled: ReturnType<typeof compileInput> | undefined;
    try {
      if (schema !== undefined) compiled = compileInput(schema, `workflow ${subject}`);
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      this.#report("invalid_schema", error.message);
    }
    this.inputs.set(name, {
      ...common,
      schema: compiled?.jsonSchema ?? found,
      validate: compiled?.validate,
      default: input.default,
    });
  }

  #output(name: string, endpoint: unknown): void {
    const from = this.#endpoint(endpoint, `output "${name}"`, "node.output");
    if (from === undefined) return;
    const source = this.#nodes.get(from.node) as GraphNode;
    const text = `output "${name}" ← ${from.text}`;
    if (from.port === undefined) {
      const known = listNames(source.ports.outputs.keys());
      this.#report("invalid_endpoint", `${text}: name an output of the node: ${known}`, from.node);
      return;
    }
    if (!this.#hasOutput(source, from, text)) return;
    const at = schemaAt(
      source.ports.outputs.get(from.port)?.schema,
      from.path,
      `${from.node}.${from.port}`,
    );
    if (at.missing !== undefined)
      this.#report("schema_mismatch", `${text}: ${at.missing}`, from.node);
    const { port, path } = from;
    this.outputs.push({
      name,
      from: source.index,
      port,
      path,
      schema: at.missing === undefined ? at.schema : undefined,
      text,
    });
  }

  #endpoint(endpoint: unknown, what: string, form: string): ParsedEndpoint | undefined {
    const parsed = parseEndpoint(endpoint);
    if (parsed === undefined) {
      const given = typeof endpoint === "string" ? `"${endpoint}"` : JSON.stringify(endpoint);
      this.#report(
        "invalid_endpoint",
        `${what}: ${given} is no place in the graph; write "${form}"`,
      );
      return undefined;
    }
    if (this.#nodes.has(parsed.node)) return parsed;
    this.#report(
      "unknown_node",
      `${what}: "${parsed.text}" names the node "${parsed.node}", which does not exist; nodes: ${listNames(this.#nodes.keys())}`,
      parsed.node,
    );
    return undefined;
  }

  #hasOutput({ id, ports }: GraphNode, from: ParsedEndpoint, text: string): boolean {
    // A node whose schemas could not be read has told nothing of itself.
    if (ports.outputs.size === 0 || ports.outputs.has(from.port as string)) return true;
    const known = listNames(ports.outputs.keys());
    this.#report(
      "unknown_port",
      `${text}: "${id}" has no output "${from.port}"; it has: ${known}`,
      id,
    );
    return false;
  }

  #hasInput({ id, ports }: GraphNode, input: string, text: string): boolean {
    if (ports.inputs === undefined || ports.open || ports.inputs.has(input)) return true;
    const known = listNames(ports.inputs.keys());
    this.#report("unknown_port", `${text}: "${id}" has no input "${input}"; it has: ${known}`, id);
    return false;
  }

  #checkFit(
    source: GraphNode,
    from: ParsedEndpoint,
    target: GraphNode,
    input: string,
    text: string,
  ): void {
    const origin = `${from.node}.${from.port}`;
    const at = schemaAt(source.ports.outputs.get(from.port as string)?.schema, from.path, origin);
    const fault = at.missing ?? misfit(at.schema, target.ports.inputs?.get(input)?.schema);
    if (fault !== undefined) this.#report("schema_mismatch", `${text}: ${fault}`, target.id);
  }

  #checkBound({ id, index, ports, settings }: GraphNode): void {
    for (const [name, { required }] of ports.inputs ?? []) {
      const isBound =
        !required ||
        hasOwn(settings.inputs, name) ||
        this.sourcesOf(index).some(({ input }) => input === name) ||
        this.parametersOf(index).some(({ input }) => input === name);
      if (isBound) continue;
      this.#report(
        "unbound_input",
        `"${id}.${name}" is required and nothing is bound to it: connect it, give it in "inputs", or make it a parameter with input("${name}", { to: "${id}.${name}" })`,
        id,
      );
    }
  }

  #add(target: number, source: PlanSource): void {
    const sources = this.#sources.get(target);
    if (sources === undefined) this.#sources.set(target, [source]);
    else sources.push(source);
    link(this.#dependents, source.from, target);
    link(this.#dependencies, target, source.from);
  }
}

function link(links: Map<number, Set<number>>, from: number, to: number): void {
  const known = links.get(from);
  if (known === undefined) links.set(from, new Set([to]));
  else known.add(to);
}
