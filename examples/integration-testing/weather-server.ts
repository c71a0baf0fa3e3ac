import { MCPServer, ToolExecutionError } from "@backplane/server";
import { z } from "zod";

const weather = new Map([
  ["San Francisco", { temperature: 18, condition: "fog" }],
  ["Oslo", { temperature: 11, condition: "rain" }],
]);

/** A real server on a free port. */
export async function startWeatherServer(): Promise<{
  readonly url: string;
  stop(): Promise<void>;
}> {
  const server = new MCPServer({ name: "weather", version: "1.0.0" });
  server.tool(
    "get_weather",
    {
      description: "Current weather for a location",
      input: z.object({ location: z.string().min(1) }),
      output: z.object({ location: z.string(), temperature: z.number(), condition: z.string() }),
      annotations: { readOnlyHint: true },
    },
    ({ location }) => {
      const found = weather.get(location);
      if (found === undefined) throw new ToolExecutionError(-1001, `No weather for ${location}`);
      return { location, ...found };
    },
  );
  const { url } = await server.start({ port: 0 });
  return { url: url as string, stop: () => server.stop() };
}
