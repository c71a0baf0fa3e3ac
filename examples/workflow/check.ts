import assert from "node:assert/strict";
import { MCPClient } from "@backplane/client";
import { MCPServer, ToolExecutionError } from "@backplane/server";
import {
  createMemoryJournal,
  MCPToolNode,
  WorkflowBuildError,
  WorkflowBuilder,
  WorkflowRunError,
} from "@backplane/workflow";
import { z } from "zod";
import { bookingTool, createBookingWorkflow } from "./booking.ts";
import { createWeatherWorkflow, createWeatherWorkflowByName } from "./workflow.ts";

let outages = 1;
const server = new MCPServer({ name: "weather", version: "1.0.0" });
server.tool(
  "get_weather",
  {
    input: z.object({ location: z.string().min(1) }),
    output: z.object({ location: z.string(), temperature: z.number(), condition: z.string() }),
    annotations: { readOnlyHint: true },
  },
  ({ location }) => {
    if (location === "Atlantis") throw new ToolExecutionError(-1001, "no such place");
    if (outages-- > 0) throw new ToolExecutionError(-2001, "away", { retryAfterMs: 1 });
    return { location, temperature: location === "Seville" ? 38 : 21, condition: "sunny" };
  },
);

// Over HTTP, in memory, and in the words of the guide.
const { url } = await server.start({ port: 0, drainTimeoutMs: 0 });
const client = new MCPClient({ url: url as string });
for (const target of [client, server]) {
  const workflow = await createWeatherWorkflow(target);
  assert.deepEqual(workflow.unchecked, []);
  const warm = await workflow.run({ location: "San Francisco" });
  assert.deepEqual(
    { ...warm.outputs },
    {
      weather_summary: "It's sunny and 21°C in San Francisco",
      alert: false,
    },
  );
  const hot = await workflow.run({ location: "Seville" });
  assert.equal(hot.outputs.alert, true);

  // The partial result says what was done, and why the rest was not.
  const failure = await workflow.run({ location: "Atlantis" }).catch((error: unknown) => error);
  assert.ok(WorkflowRunError.isInstance(failure));
  assert.match(failure.message, /failed at node "mcp_weather": no such place/);
  assert.equal(failure.result.nodes.process_weather?.status, "skipped");
}
const byName = await createWeatherWorkflowByName({
  MCPToolNode: () => new MCPToolNode({ target: client, tool: "get_weather" }),
});
const { outputs } = await byName.run({ location: "Seville" });
const expected = { summary: "It's sunny and 38°C", alert: true };
assert.deepEqual({ ...(outputs.process_weather as object) }, { result: expected });

// Every fault of a graph at once.
const faulty = await new WorkflowBuilder()
  .addNode("weather", new MCPToolNode({ target: client, tool: "get_wether" }))
  .addNode("a", ({ x }) => x)
  .addNode("b", ({ x }) => x)
  .addConnection("a", "result", "b", "x")
  .connect({ from: "b.result", to: "nowhere.x" })
  .build()
  .catch((error: unknown) => error);
assert.ok(WorkflowBuildError.isInstance(faulty));
assert.deepEqual(
  faulty.problems.map(({ code }) => code),
  ["node_unusable", "swapped_arguments", "unknown_node"],
);

// A workflow that asks, served as a tool to clients of both eras: one hold for each booking.
const log: string[] = [];
const seats = {
  hold: async (party: number) => {
    log.push(`hold ${party}`);
    return `${party} seats`;
  },
  release: async (hold: string) => void log.push(`release ${hold}`),
  book: async (hold: string) => {
    log.push(`book ${hold}`);
    return `booked ${hold}`;
  },
};
server.addTool(bookingTool(await createBookingWorkflow(seats), createMemoryJournal()));
for (const protocol of ["2026-07-28", "2025-11-25"] as const) {
  for (const sure of [true, false]) {
    log.length = 0;
    const progress: (string | undefined)[] = [];
    const user = new MCPClient({
      url: url as string,
      protocol,
      handlers: { elicit: { form: () => ({ action: "accept", content: { sure } }) } },
    });
    const booking = await user.call(
      "book_seats",
      { party: 2 },
      { onProgress: ({ message }) => void progress.push(message) },
    );
    assert.deepEqual(booking, sure ? { booking: "booked 2 seats" } : {});
    assert.deepEqual(log, ["hold 2", sure ? "book 2 seats" : "release 2 seats"]);
    assert.ok(progress.includes("confirm: completed"));
    await user.close();
  }
}

await client.close();
await server.stop();
