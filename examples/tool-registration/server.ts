import { readFile } from "node:fs/promises";
import { MCPServer, MCPTool, type ToolDefinition } from "@backplane/server";
import { z } from "zod";

const server = new MCPServer({ name: "weather", version: "1.0.0" });

// Pattern 1: a function
server.tool(
  "get_weather",
  {
    description: "Current weather for a location",
    input: z.object({ location: z.string().min(1) }),
    output: z.object({ location: z.string(), temperature: z.number(), condition: z.string() }),
    annotations: { readOnlyHint: true },
  },
  ({ location }) => ({ location, temperature: 22, condition: "sunny" }),
);

// Pattern 2: a class, for a tool with state of its own
const operations = z.discriminatedUnion("operation", [
  z.object({ operation: z.literal("current"), location: z.string().min(1) }),
  z.object({
    operation: z.literal("forecast"),
    location: z.string().min(1),
    days: z.number().int().min(1).max(7).default(3),
  }),
]);

class WeatherTool extends MCPTool<typeof operations> {
  override readonly name = "weather";
  override readonly options = {
    description: "Weather now, and of the next days",
    input: operations,
    annotations: { readOnlyHint: true },
  };
  readonly #asked = new Map<string, number>();

  override execute(args: z.infer<typeof operations>) {
    const asked = (this.#asked.get(args.location) ?? 0) + 1;
    this.#asked.set(args.location, asked);
    if (args.operation === "current") return { asked, temperature: 22, condition: "sunny" };
    const days = Array.from({ length: args.days }, (_, day) => ({ day: day + 1, high: 22 + day }));
    return { asked, days };
  }
}

server.addTool(new WeatherTool());

// Pattern 3: from a configuration, whenever it is known
const Config = z.array(
  z.object({
    name: z.string(),
    description: z.string(),
    formula: z.object({ factor: z.number(), offset: z.number() }),
  }),
);

function createToolFromConfig({
  name,
  description,
  formula,
}: z.infer<typeof Config>[number]): ToolDefinition {
  const input = z.object({ value: z.number() });
  return {
    name,
    description,
    input,
    handler: (args) => {
      const { value } = args as z.infer<typeof input>;
      return value * formula.factor + formula.offset;
    },
  };
}

async function registerDynamicTools(file: string): Promise<string[]> {
  const definitions = Config.parse(JSON.parse(await readFile(file, "utf8")));
  return definitions.map((definition) => {
    server.addTool(createToolFromConfig(definition));
    return definition.name;
  });
}

// Clients that listen are told that the list has changed.
server.tool("load_units", { description: "Adds the tools of the configuration" }, async () => {
  return { added: await registerDynamicTools(process.env.TOOLS_FILE ?? "tools.json") };
});

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
