import { MCPClient } from "@backplane/client";
import { MCPServer } from "@backplane/server";
import { WorkflowBuilder } from "@backplane/workflow";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";

const server = new MCPServer({ name: "weather", version: "1.0.0" });
server.tool("get_weather", { input: z.object({ city: z.string() }) }, ({ city }) => ({
  city,
  temperature: 33,
}));
let client: MCPClient;

beforeAll(async () => {
  const { url } = await server.start({ port: 0 });
  client = new MCPClient({ url: url as string });
});
afterAll(async () => {
  await client.close();
  await server.stop();
});

it("a function calls a tool over HTTP, and its signal ends the call", async () => {
  const workflow = await new WorkflowBuilder()
    .addNode("weather", (inputs, { signal }) => client.call("get_weather", inputs, { signal }))
    .addNode("summary", ({ weather }) => `${weather.city}: ${weather.temperature} °C`)
    .input("city", { to: "weather.city" })
    .connect({ from: "weather.result", to: "summary.weather" })
    .output("summary", "summary.result")
    .build();
  expect((await workflow.run({ city: "Rome" })).outputs).toEqual({ summary: "Rome: 33 °C" });
  const cancelled = await workflow.settle({ city: "Rome" }, { signal: AbortSignal.abort() });
  expect(cancelled.status).toBe("cancelled");
});
