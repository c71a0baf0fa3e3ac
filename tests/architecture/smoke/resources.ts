import { MemoryResourceProvider } from "@backplane/resources";
import { FileResourceProvider } from "@backplane/resources/node";
import { MCPServer } from "@backplane/server";

const notes = new MemoryResourceProvider();
await notes.set("memory://note", "text");
const server = new MCPServer({ name: "packed", version: "1.0.0" });
server.addResourceProvider(notes);
server.addResourceProvider(new FileResourceProvider(import.meta.dirname));
