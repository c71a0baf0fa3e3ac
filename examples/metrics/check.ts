import assert from "node:assert/strict";
import { MCPClient } from "@backplane/client";
import { withServer } from "../check/server-process.ts";

const headers = { "X-API-Key": "example-key-of-prometheus" };

interface Stats {
  readonly totalRequests: number;
  readonly averageResponseTimeMs: number;
  readonly errorRate: number;
  readonly weather: { readonly requests: number; readonly errors: number };
}

await withServer(new URL("server.js", import.meta.url), {}, async ({ url }) => {
  await using client = new MCPClient({ url, headers });
  for (const location of ["Rome", "Oslo", "Atlantis"]) {
    await client.callTool("get_weather", { location });
  }
  const stats = (await client.call("get_stats")) as Stats;
  assert.equal(stats.weather.requests, 3);
  assert.equal(stats.weather.errors, 1);
  assert.ok(stats.totalRequests >= 3);
  assert.ok(stats.errorRate > 0 && stats.errorRate < 1);
  assert.ok(stats.averageResponseTimeMs > 0);

  const page = new URL("/metrics", url);
  assert.equal((await fetch(page)).status, 401, "metrics are for who has a credential");
  const text = await (await fetch(page, { headers })).text();
  assert.match(
    text,
    /^mcp_server_operation_duration_seconds_count\{.*gen_ai_tool_name="get_weather".*error_type="tool_error"\} 1$/m,
  );
  assert.match(text, /^backplane_server_credentials_refused_total\{.*\} 1$/m);
});
