import { SimpleMCPServer } from "@backplane/server";
import { z } from "zod";

const server = new SimpleMCPServer("my-dev-server");

server.tool("get_weather", "Get weather", { location: z.string().min(1) }, ({ location }) => {
  return { location, temperature: 22, condition: "sunny" };
});

const { url } = await server.run({ port: Number(process.env.PORT ?? 8080) });
console.log(`MCP server at ${url}`);
