// Generates the programs whose type-check time is measured: one zod tool, or many different ones.

const inputSchema = (index) => `z.object({
    location: z.string().min(1).describe("Place ${index}"),
    days: z.number().int().min(1).max(14).optional(),
    units: z.enum(["metric", "imperial"]).default("metric"),
    filters: z
      .array(z.object({ field: z.string(), op: z.enum(["eq", "lt", "gt"]), value: z.number() }))
      .optional(),
    field${index}: z.object({ label: z.string(), weight: z.number().nullable() }),
  })`;

const outputSchema = (index) =>
  `z.object({ total${index}: z.number(), place: z.string(), parts: z.array(z.string()) })`;

const result = (index) => `{
    total${index}: (args.days ?? 1) * (args.field${index}.weight ?? 1),
    place: args.location.toUpperCase(),
    parts: (args.filters ?? []).map((filter) => \`\${filter.field} \${filter.op}\`),
  }`;

const officialTool = (index) => `server.registerTool(
  "tool_${index}",
  { description: "Tool ${index}", inputSchema: ${inputSchema(index)}, outputSchema: ${outputSchema(index)} },
  async (args) => {
    const structuredContent = ${result(index)};
    return { content: [{ type: "text", text: args.units }], structuredContent };
  },
);`;

const dialects = {
  backplane: {
    head: `import { MCPServer } from "../../../../packages/server/dist/index.js";
const server = new MCPServer({ name: "types", version: "1.0.0" });`,
    tool: (index) => `server.tool(
  "tool_${index}",
  { description: "Tool ${index}", input: ${inputSchema(index)}, output: ${outputSchema(index)} },
  async (args) => (${result(index)}),
);`,
  },
  "sdk-v2": {
    head: `import { McpServer } from "@modelcontextprotocol/server";
const server = new McpServer({ name: "types", version: "1.0.0" });`,
    tool: officialTool,
  },
  "sdk-v1": {
    head: `import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
const server = new McpServer({ name: "types", version: "1.0.0" });`,
    tool: officialTool,
  },
};

/** The text of a program that registers `count` tools with the given server library. */
export function typecheckProgram(id, count) {
  const { head, tool } = dialects[id];
  const tools = Array.from({ length: count }, (_, index) => tool(index));
  return `import { z } from "zod";\n${head}\n\n${tools.join("\n\n")}\n`;
}

/** Compiler options of the measured programs: those of a strict application. */
export const compilerOptions = {
  target: "es2023",
  module: "nodenext",
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: ["node"],
};
