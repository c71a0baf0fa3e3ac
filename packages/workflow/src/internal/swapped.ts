import { parseEndpoint } from "../endpoint.ts";
import type { CompiledPorts } from "../ports.ts";

interface Known {
  readonly id: string;
  readonly ports: CompiledPorts;
}

/**
 * Whether the four arguments of `addConnection` came in another order than (from, to, output, input), as the
 * message of what was meant.
 */
export function swappedOrder(
  given: readonly [from: unknown, to: unknown, output: unknown, input: unknown],
  nodes: ReadonlyMap<string, unknown>,
): string | undefined {
  const [from, to, output, input] = given;
  const isNode = (each: unknown): each is string => typeof each === "string" && nodes.has(each);
  const call = (args: readonly unknown[]): string =>
    `addConnection(${args.map((each) => JSON.stringify(each)).join(", ")})`;
  let meant: readonly unknown[] | undefined;
  if (isNode(from) && !isNode(to) && isNode(output)) meant = [from, output, to, input];
  else if (!isNode(from) && !isNode(to) && isNode(output) && isNode(input)) {
    meant = [output, input, from, to];
  }
  if (meant === undefined) return undefined;
  return `${call(given)}: its arguments look swapped; the order is (from, to, output, input), so write ${call(meant)}`;
}

/** Whether a connection leads from an input to an output, as the message of what was meant. */
export function swappedPorts(
  source: Known,
  output: string,
  target: Known,
  input: string,
): string | undefined {
  const isInput = (node: Known, name: string): boolean => node.ports.inputs?.has(name) === true;
  const isOutput = (node: Known, name: string): boolean => node.ports.outputs.has(name);
  const isRight = isOutput(source, output) || !isInput(source, output);
  if (isRight || isInput(target, input) || !isOutput(target, input)) return undefined;
  const from = `"${target.id}.${input}"`;
  const to = `"${source.id}.${output}"`;
  return `"${source.id}.${output}" is an input and ${from} an output: they look swapped; write connect({ from: ${from}, to: ${to} })`;
}

/** Whether `addNode(type, id)` came as `(id, type)`, as the message of what was meant. */
export function swappedNode(
  first: unknown,
  second: unknown,
  types: { has(type: string): boolean },
): string | undefined {
  if (typeof first === "string" && typeof second === "string") {
    if (types.has(first) || !types.has(second)) return undefined;
    return `addNode("${first}", "${second}"): its arguments look swapped; the order is (type, id, config), so write addNode("${second}", "${first}", …)`;
  }
  if (typeof first === "string" || parseEndpoint(second) === undefined) return undefined;
  return `addNode(node, "${String(second)}"): its arguments look swapped; the order is (id, node, config), so write addNode("${String(second)}", node, …)`;
}
