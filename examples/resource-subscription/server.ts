import { FileResourceProvider } from "@backplane/resources/node";
import { MCPServer } from "@backplane/server";

const server = new MCPServer({ name: "config-server", version: "1.0.0" });

// The folder is watched while anybody has subscribed; clients of every revision are told.
server.addResourceProvider(new FileResourceProvider(process.env.DATA_DIR ?? "/data"));

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
