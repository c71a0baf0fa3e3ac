import {
  FunctionNode,
  MCPToolNode,
  type ToolTarget,
  type Workflow,
  WorkflowBuilder,
  type WorkflowBuilderOptions,
} from "@backplane/workflow";
import { z } from "zod";

const Weather = z.object({ location: z.string(), temperature: z.number(), condition: z.string() });

/** weather → process_weather → summary and alert, whoever has the tool. */
export function createWeatherWorkflow(weatherServer: ToolTarget): Promise<Workflow> {
  // Integrate MCP tools into workflows
  const workflow = new WorkflowBuilder({ name: "weather_report" });

  // Add MCP tool node
  workflow.addNode("mcp_weather", new MCPToolNode({ target: weatherServer, tool: "get_weather" }), {
    timeoutMs: 10_000,
    retry: { maxRetries: 2, initialDelayMs: 20 },
  });

  // Chain with other nodes
  workflow.addNode(
    "process_weather",
    new FunctionNode({
      input: z.object({ weather_data: Weather }),
      output: z.object({ summary: z.string(), alert: z.boolean() }),
      run: ({ weather_data: { location, condition, temperature } }) => ({
        summary: `It's ${condition} and ${temperature}°C in ${location}`,
        alert: temperature >= 32,
      }),
    }),
  );

  workflow.connect({ from: "mcp_weather.result", to: "process_weather.weather_data" });

  workflow.input("location", { to: "mcp_weather.location" });
  workflow.output("weather_summary", "process_weather.result.summary");
  workflow.output("alert", "process_weather.result.alert");
  return workflow.build();
}

/** The same in the words of the guide: types by name, connections in four arguments. */
export function createWeatherWorkflowByName(
  nodeTypes: NonNullable<WorkflowBuilderOptions["nodeTypes"]>,
): Promise<Workflow> {
  const workflow = new WorkflowBuilder({ name: "weather_report", nodeTypes });
  workflow.addNode("MCPToolNode", "mcp_weather", {});
  workflow.addNode("FunctionNode", "process_weather", {
    run: ({ weather_data }: { weather_data: z.infer<typeof Weather> }) => ({
      summary: `It's ${weather_data.condition} and ${weather_data.temperature}°C`,
      alert: weather_data.temperature >= 32,
    }),
  });
  workflow.addConnection("mcp_weather", "process_weather", "result", "weather_data");
  workflow.input("location", { to: "mcp_weather.location" });
  return workflow.build();
}
