// Official SDK v2, stock handler on node:http. The handler runs the factory once per request.
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { createSdkV2Server } from "../lib/sdk-v2-factory.mjs";
import { port } from "../lib/settings.mjs";

const handler = createMcpHandler(() => createSdkV2Server());
createServer(toNodeHandler(handler)).listen(port, "127.0.0.1");
