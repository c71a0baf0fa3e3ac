import { MCPToolNode, type ToolTarget, WorkflowBuilder } from "@backplane/workflow";
import { z } from "zod";

interface Weather {
  readonly location: string;
  readonly temperature: number;
  readonly condition: string;
}

/** Asks a server for the weather, and says it in a sentence. */
export function createWeatherWorkflow(target: ToolTarget): WorkflowBuilder {
  return new WorkflowBuilder({ name: "weather_summary" })
    .addNode("weather", new MCPToolNode({ target, tool: "get_weather" }))
    .addNode("summary", ({ weather }) => {
      const { location, temperature, condition } = weather as Weather;
      return `${location}: ${temperature} °C, ${condition}`;
    })
    .connect({ from: "weather.result", to: "summary.weather" })
    .input("location", { to: "weather.location", schema: z.string().min(1) })
    .output("weather_summary", "summary.result");
}
