import type { Plan } from "./plan.ts";

const SHAPES: Readonly<Record<string, readonly [open: string, close: string]>> = {
  ConditionalNode: ["{", "}"],
  MapNode: ["[/", "/]"],
  SubWorkflowNode: ["[[", "]]"],
};

/** The graph as a Mermaid flow chart. Nodes have made-up ids, because some words mean something there. */
export function toMermaid(plan: Plan): string {
  const lines = ["flowchart TD"];
  for (const { index, id, node } of plan.nodes) {
    const [open, close] = SHAPES[node.type] ?? ["[", "]"];
    lines.push(`  n${index}${open}"${quoted(id)}<br/>${quoted(node.type)}"${close}`);
  }
  const inputs = [...plan.inputs.keys()];
  for (const [index, name] of inputs.entries()) lines.push(`  in${index}(["${quoted(name)}"])`);
  for (const [index, { name }] of plan.outputs.entries()) {
    lines.push(`  out${index}(["${quoted(name)}"])`);
  }
  for (const { index, sources, parameters } of plan.nodes) {
    for (const { name, input } of parameters) {
      lines.push(`  in${inputs.indexOf(name)} -->|"${quoted(input)}"| n${index}`);
    }
    for (const { input, from, port, path, optional } of sources) {
      const origin = [port, ...path].filter((part) => part !== undefined).join(".");
      const arrow = optional || input === undefined ? "-.->" : "-->";
      const label = input === undefined ? origin : `${origin} → ${input}`;
      lines.push(`  n${from} ${arrow}${label === "" ? "" : `|"${quoted(label)}"|`} n${index}`);
    }
  }
  for (const [index, { from, port = "", path }] of plan.outputs.entries()) {
    lines.push(`  n${from} -->|"${quoted([port, ...path].join("."))}"| out${index}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Text inside of quotes, where Mermaid reads entities, tags and Markdown. */
function quoted(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._→-]/gu, (character) => `#${character.codePointAt(0)};`);
}
