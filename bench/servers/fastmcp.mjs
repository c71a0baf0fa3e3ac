// punkpeye's fastmcp, HTTP streaming. It serves the 2025 revisions only; MODE picks stateless or not.
import { FastMCP } from "fastmcp";
import { mode, port, progressSteps, serverInfo } from "../lib/settings.mjs";
import { passOn, tools } from "../lib/workload.mjs";

const handlers = {
  echo: async ({ message }) => message,
  relay: async ({ message }, { signal }) => passOn(message, signal),
  count: async ({ message }, { reportProgress }) => {
    for (let progress = 1; progress <= progressSteps; progress += 1) {
      await reportProgress({ progress, total: progressSteps });
    }
    return message;
  },
};

const server = new FastMCP(serverInfo);
for (const { name, description, schema, kind } of tools) {
  server.addTool({ name, description, parameters: schema, execute: handlers[kind] });
}
await server.start({
  transportType: "httpStream",
  httpStream: { host: "127.0.0.1", port, stateless: mode === "stateless" },
});
