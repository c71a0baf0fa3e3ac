import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { quietServer } from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";

/** The Backplane server that the SDK's clients reach over the SDK's own transports. */
export function servedServer(logged: unknown[], events: string[]): MCPServer {
  const server = quietServer(logged);
  server.tool("echo", { input: { type: "object" } }, (args) => JSON.stringify(args));
  server.tool("count", {}, async (_args, context) => {
    context.progress({ progress: 1, total: 2, message: "one" });
    context.log("warning", "half way");
    context.progress({ progress: 2, total: 2 });
    // The SDK's client forgets a call at its answer, before it has looked at progress of the same tick.
    await new Promise((resolve) => setImmediate(resolve));
    return "counted";
  });
  server.tool("ask", {}, async (_args, context) => {
    const { action, content } = await context.elicit("name", {
      message: "your name?",
      schema: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
    });
    return JSON.stringify({ action, content });
  });
  server.tool("whoami", {}, (_args, { principal }) => principal?.id ?? "nobody");
  server.tool("wait", {}, (_args, { signal }) => {
    events.push("wait started");
    return new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => {
        events.push("wait aborted");
        resolve("too late");
      });
    });
  });
  server.resource("memo://one", { name: "memo" }, () => "remember");
  return server;
}

export interface TestListener {
  readonly url: URL;
  close(): Promise<void>;
}

/** A `node:http` server on a free port. */
export async function listenOn(
  handler: Parameters<typeof createServer>[1] & object,
): Promise<TestListener> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
