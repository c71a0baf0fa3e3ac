import { setTimeout as sleep } from "node:timers/promises";
import type { MCPServer } from "@backplane/server";
import { z } from "zod";

const PAUSE_MS = 50;

/** Tools that take time: progress, logging, cancellation, resumption, change notifications. */
export function addStreamTools(server: MCPServer): void {
  server.tool(
    "test_tool_with_logging",
    {
      description: "Logs three messages while it runs",
    },
    async (_args, ctx) => {
      ctx.log("info", "Tool execution started");
      await sleep(PAUSE_MS, undefined, { signal: ctx.signal });
      ctx.log("info", "Tool processing data");
      await sleep(PAUSE_MS, undefined, { signal: ctx.signal });
      ctx.log("info", "Tool execution completed");
      return "Tool with logging executed successfully";
    },
  );

  server.tool(
    "test_logging_tool",
    {
      description: "Logs one message of each severity",
    },
    async (_args, ctx) => {
      ctx.log("debug", "A debug message", "everything");
      ctx.log("info", "An info message", "everything");
      ctx.log("warning", "A warning message", "everything");
      ctx.log("error", "An error message", "everything");
      return "Logged";
    },
  );

  server.tool(
    "test_tool_with_progress",
    {
      description: "Reports progress 0, 50 and 100 of 100",
    },
    async (_args, ctx) => {
      ctx.progress({ progress: 0, total: 100, message: "Started" });
      await sleep(PAUSE_MS, undefined, { signal: ctx.signal });
      ctx.progress({ progress: 50, total: 100, message: "Half way" });
      await sleep(PAUSE_MS, undefined, { signal: ctx.signal });
      ctx.progress({ progress: 100, total: 100, message: "Done" });
      return "Tool with progress executed successfully";
    },
  );

  server.tool(
    "test_reconnection",
    {
      description: "Closes its connection in mid-call; the rest comes when the client returns",
    },
    async (_args, ctx) => {
      ctx.log("info", "Before the connection closes");
      const released = ctx.releaseConnection(500);
      await sleep(PAUSE_MS * 4, undefined, { signal: ctx.signal });
      ctx.log("info", "After the connection closed");
      return released ? "Delivered after the reconnection" : "This connection cannot be released";
    },
  );

  const cancelled = new Set<string>();
  server.tool(
    "slow_operation",
    {
      description: "Waits, and remembers when its client cancelled",
      input: z.object({ durationMs: z.number().int().min(0).max(60_000), label: z.string() }),
    },
    async ({ durationMs, label }, ctx) => {
      // Tells a client that wants to cancel that there is something to cancel.
      ctx.progress({ progress: 0, message: "Started" });
      try {
        await sleep(durationMs, undefined, { signal: ctx.signal });
      } catch (error) {
        cancelled.add(label);
        throw error;
      }
      return `Slept ${durationMs} ms`;
    },
  );
  server.tool(
    "was_cancelled",
    {
      description: "Says whether slow_operation was cancelled for a label",
      input: z.object({ label: z.string() }),
      output: z.object({ cancelled: z.boolean() }),
    },
    ({ label }) => ({ cancelled: cancelled.has(label) }),
  );

  let changes = 0;
  server.tool(
    "test_trigger_tool_change",
    {
      description: "Adds a tool and removes it again, so that clients are told of the change",
    },
    () => {
      const handle = server.tool(
        `dynamic_tool_${++changes}`,
        { description: "Exists for a moment" },
        () => "dynamic",
      );
      handle.remove();
      return "Tool list changed";
    },
  );
  server.tool(
    "test_trigger_prompt_change",
    {
      description: "Adds a prompt and removes it again, so that clients are told of the change",
    },
    () => {
      const handle = server.prompt(
        `dynamic_prompt_${++changes}`,
        { description: "Exists for a moment" },
        () => "dynamic",
      );
      handle.remove();
      return "Prompt list changed";
    },
  );
  server.tool(
    "test_trigger_resource_change",
    {
      description: "Adds a resource and removes it again, so that clients are told of the change",
    },
    () => {
      const handle = server.resource(
        `test://dynamic/${++changes}`,
        { description: "Exists for a moment" },
        () => "dynamic",
      );
      handle.remove();
      return "Resource list changed";
    },
  );
  server.tool(
    "test_touch_watched_resource",
    {
      description: "Announces a change of test://watched-resource",
    },
    () => {
      server.resourceUpdated("test://watched-resource");
      return "Touched";
    },
  );
}
