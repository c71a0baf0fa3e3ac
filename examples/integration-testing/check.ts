import assert from "node:assert/strict";
import { MCPClient } from "@backplane/client";
import { loadTool, MCPTestClient, WorkflowTester } from "@backplane/testing";
import { startWeatherServer } from "./weather-server.ts";
import { createWeatherWorkflow } from "./weather-workflow.ts";

// Start real MCP server for testing
const server = await startWeatherServer();
const client = new MCPClient({ url: server.url });

try {
  // Test workflow with MCP integration
  const tester = new WorkflowTester();
  const workflow = createWeatherWorkflow(client);

  const result = await tester.testWorkflow(workflow, {
    parameters: { location: "San Francisco" },
    expectedOutputs: { weather_summary: String },
  });

  assert.ok(result.success);
  assert.match(String(result.outputs["weather_summary"]), /San Francisco/);

  // The same without the network: a double for the node that would go there.
  const alone = await tester.testWorkflow(workflow, {
    parameters: { location: "Oslo" },
    mocks: { weather: { location: "Oslo", temperature: -4, condition: "snow" } },
    expectedOutputs: { weather_summary: "Oslo: -4 °C, snow" },
  });
  assert.deepEqual(alone.mismatches, []);
  assert.deepEqual(alone.mockCalls["weather"], [{ location: "Oslo" }]);

  // What happens when the server fails is a result like any other.
  const failed = await tester.testWorkflow(workflow, { parameters: { location: "Atlantis" } });
  assert.equal(failed.success, false);
  assert.equal(failed.nodes["weather"]?.status, "failed");
  assert.equal(failed.nodes["summary"]?.status, "skipped");

  // The running server as a client sees it, and under load.
  const remote = new MCPTestClient(server.url, { protocol: "legacy" });
  const oslo = await remote.callTool("get_weather", { arguments: { location: "Oslo" } });
  assert.deepEqual(oslo.structuredContent, {
    location: "Oslo",
    temperature: 11,
    condition: "rain",
  });
  await remote.disconnect();

  const { failures, latencyMs } = await loadTool(server.url, "get_weather", {
    arguments: { location: "Oslo" },
    calls: 200,
    concurrency: 8,
  });
  assert.equal(failures, 0);
  assert.ok(latencyMs.p50 <= latencyMs.p99);
} finally {
  await client.close();
  await server.stop();
}
