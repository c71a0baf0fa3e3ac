import { FileResourceProvider } from "@backplane/resources/node";
import type { MCPServer } from "@backplane/server";
import type { Services } from "../services.ts";

/** The calendars as they are, `calendar:///team.ics`: listed, read, and told of when they change on disk. */
export function registerCalendarFiles(server: MCPServer, { calendarDir }: Services): void {
  const files = new FileResourceProvider(calendarDir, {
    name: "calendars",
    uriPrefix: "calendar:///",
    // Bookings may lie in the same folder, with their lock.
    ignore: ["**/.*", "**/*.lock"],
  });
  server.addResourceProvider(files);
}
