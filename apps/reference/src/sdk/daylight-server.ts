import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { isCivilDate } from "../civil-date.ts";
import { dayLengthHours } from "./day-length.ts";

/**
 * A server as people have them: written for the official SDK (v1), with nothing of Backplane in it. The
 * reference application hosts it unchanged.
 */
export function createDaylightServer(): McpServer {
  const server = new McpServer({ name: "daylight", version: "1.0.0" });
  server.registerTool(
    "day_length",
    {
      title: "Day length",
      description: "Hours between sunrise and sunset at a latitude, to about ten minutes",
      inputSchema: {
        latitude: z.number().min(-90).max(90).describe("Degrees, south negative"),
        date: z.string().refine(isCivilDate, "must be a YYYY-MM-DD date"),
      },
      outputSchema: { latitude: z.number(), date: z.string(), hours: z.number() },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ latitude, date }) => {
      const structuredContent = { latitude, date, hours: dayLengthHours(latitude, date) };
      return {
        content: [{ type: "text", text: JSON.stringify(structuredContent) }],
        structuredContent,
      };
    },
  );
  return server;
}
