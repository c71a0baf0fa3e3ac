import { MCPServer, type MCPServerOptions, ToolExecutionError } from "@backplane/server";
import { z } from "zod";

/** A server with something of every kind that a test client deals with. */
export function weatherServer(options: Partial<MCPServerOptions> = {}): MCPServer {
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const server = new MCPServer({ name: "weather", version: "1.0.0", logger: quiet, ...options });
  server.tool(
    "get_weather",
    {
      description: "Current weather",
      input: z.object({ location: z.string().min(1) }),
      output: z.object({ location: z.string(), temperature: z.number(), condition: z.string() }),
    },
    ({ location }) => ({ location, temperature: 21, condition: "sunny" }),
  );
  server.tool("fail", {}, () => {
    throw new ToolExecutionError(-2001, "the station is down", {
      retryAfterMs: 500,
      data: { station: 7 },
    });
  });
  server.tool("throw", {}, () => {
    throw new Error("a fault of the server's own");
  });
  server.tool("count", {}, async (_args, context) => {
    for (let step = 1; step <= 3; step++) context.progress({ progress: step, total: 3 });
    return "counted";
  });
  server.tool("whoami", {}, (_args, { principal }) => principal?.id ?? "nobody");
  server.tool("ask", {}, async (_args, context) => {
    const schema = { type: "object", properties: { name: { type: "string" } } } as const;
    const answer = await context.elicit("name", { message: "Your name?", schema });
    return `${answer.action} ${String(answer.content?.["name"])}`;
  });
  server.tool("ask_model", {}, async (_args, context) => {
    const answer = await context.sample("capital", {
      messages: [{ role: "user", content: { type: "text", text: "Capital of France?" } }],
      maxTokens: 10,
    });
    return JSON.stringify(answer.content);
  });
  server.tool("ask_roots", {}, async (_args, context) => {
    const roots = await context.roots("roots");
    return roots.map(({ uri }) => uri).join(" ");
  });
  server.tool("wait", {}, (_args, { signal }) => {
    return new Promise<string>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
  });
  server.resource("weather://now", {}, () => "sunny");
  return server;
}
