import { MCPServer } from "@backplane/server";
import { MCPTestClient } from "@backplane/testing";

const server = new MCPServer({ name: "packed", version: "1.0.0" });
server.tool("hello", {}, () => "hello");
const client = new MCPTestClient(server);
await client.connect();
const said = await client.call("hello");
await client.disconnect();
if (said !== "hello") throw new Error(`said ${said}`);
