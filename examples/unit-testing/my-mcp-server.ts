import { MCPServer, type MCPServerOptions, ToolExecutionError } from "@backplane/server";
import { z } from "zod";

const weather = new Map([
  ["test city", { temperature: 21, condition: "sunny" }],
  ["oslo", { temperature: 11, condition: "rain" }],
]);

/** The server under test. What it is given, such as a clock, goes to the base class. */
export class MyMCPServer extends MCPServer {
  constructor(options: Partial<MCPServerOptions> = {}) {
    super({ name: "my-mcp-server", version: "1.0.0", ...options });

    this.tool(
      "get_weather",
      {
        description: "Current weather for a location",
        input: z.object({ location: z.string().min(1) }),
        output: z.object({ location: z.string(), temperature: z.number(), condition: z.string() }),
        annotations: { readOnlyHint: true },
      },
      ({ location }) => {
        const found = weather.get(location.toLowerCase());
        if (found === undefined) throw new ToolExecutionError(-1001, `No weather for ${location}`);
        return { location, ...found };
      },
    );

    this.tool("forecast", { description: "The next three days" }, (_args, context) => {
      for (let day = 1; day <= 3; day++) context.progress({ progress: day, total: 3 });
      return "sunny, sunny, rain";
    });

    this.tool(
      "send_alert",
      { description: "Warns everybody, if the user agrees" },
      async (_args, context) => {
        const schema = z.object({ text: z.string().min(1) });
        const answer = await context.elicit("text", { message: "What shall it say?", schema });
        return answer.action === "accept" ? `sent: ${answer.content?.text}` : "not sent";
      },
    );
  }
}
