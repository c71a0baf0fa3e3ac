import { MCPServer, type MCPServerOptions } from "@backplane/server";
import { addContentTools } from "./content-tools.ts";
import { addInputRequiredTools, addInputTools } from "./input-tools.ts";
import { addPrompts, addResources } from "./resources-and-prompts.ts";
import { addStreamTools } from "./stream-tools.ts";

/** A server with every feature of the protocol that Backplane offers. */
export function createEverythingServer(options: Partial<MCPServerOptions> = {}): MCPServer {
  const server = new MCPServer({
    name: "backplane-everything",
    version: "0.1.0",
    title: "Backplane: everything",
    instructions: "Every protocol feature, for tests. Nothing here does real work.",
    legacySse: true,
    ...options,
  });
  addContentTools(server);
  addStreamTools(server);
  addInputTools(server);
  addInputRequiredTools(server);
  addResources(server);
  addPrompts(server);
  return server;
}
