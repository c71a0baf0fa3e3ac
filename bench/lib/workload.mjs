// The tools that every server registers. Only the wiring differs from server to server.
import { z } from "zod";
import { calledTool, toolCount } from "./settings.mjs";

/** Stands for real work that takes a signal: it listens, yields once, and stops listening. */
export function passOn(message, signal) {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    queueMicrotask(() => {
      signal.removeEventListener("abort", onAbort);
      resolve(message);
    });
  });
}

function fillerTool(index) {
  return {
    name: `tool_${String(index).padStart(4, "0")}`,
    description: `Looks up record set ${index}`,
    kind: "echo",
    schema: z.object({
      message: z.string().min(1).describe("Text to look for"),
      limit: z.number().int().min(1).max(100).optional().describe("Most records to return"),
      tags: z.array(z.string()).optional().describe("Labels that every record must carry"),
    }),
  };
}

/** `{ name, description, kind, schema }` for each tool; the called one first. */
export const tools = [
  {
    name: calledTool,
    description: "Answers with the message it was given",
    kind: calledTool,
    schema: z.object({ message: z.string().min(1) }),
  },
  ...Array.from({ length: toolCount - 1 }, (_, index) => fillerTool(index + 1)),
];
