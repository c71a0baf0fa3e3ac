import { FileResourceProvider } from "@backplane/resources/node";
import { MCPServer } from "@backplane/server";

const server = new MCPServer({ name: "file-server", version: "1.0.0" });

// Every file below the folder, read only. Nothing outside of it is served, by no spelling and no link.
const files = new FileResourceProvider(process.env.DATA_DIR ?? "/data", {
  ignore: ["**/.*", "**/node_modules"],
  maxBytes: 1024 * 1024,
});
server.addResourceProvider(files);

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
