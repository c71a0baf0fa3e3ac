import assert from "node:assert/strict";
import { MCPConnectionPool, ToolExecutionError } from "@backplane/client";
import { MCPTestClient } from "@backplane/testing";
import { withServer } from "../check/server-process.ts";
import { createWeatherServer, errorCodes } from "./weather-server.ts";

const app = { id: "app", scopes: [], roles: [] };
const operator = { id: "operator", scopes: [], roles: ["operator"] };
const failsWith = (code: number) => (error: unknown) =>
  ToolExecutionError.isInstance(error) && error.code === code;

// 6. Testing, units: the server in memory, with a service that does what the test says.
let requests = 0;
let away = false;
const { server, metrics } = createWeatherServer({
  service: async (location) => {
    requests++;
    if (away) throw new Error("connect ECONNREFUSED");
    return location === "Oslo" ? { celsius: 11 } : undefined;
  },
  apiKeys: { app: { key: "example-key-of-the-test" } },
});
const client = new MCPTestClient(server, { principal: app });
const oslo = { arguments: { location: "Oslo" } };

assert.deepEqual(await client.call("get_temperature", oslo), { location: "Oslo", celsius: 11 });
await client.call("get_temperature", oslo);
assert.equal(requests, 1, "the second answer is from the cache");

const atlantis = { arguments: { location: "Atlantis" } };
await assert.rejects(client.call("get_temperature", atlantis), failsWith(-1001));

away = true;
const bergen = { arguments: { location: "Bergen" } };
await assert.rejects(client.call("get_temperature", bergen), failsWith(-2001));
assert.equal((await server.checkHealth()).status, "degraded");
away = false;

// 3. What a principal may not call it does not see.
const names = async (each: MCPTestClient): Promise<string[]> =>
  (await each.client.listTools()).map(({ name }) => name);
const operators = new MCPTestClient(server, { principal: operator });
await operators.connect();
assert.deepEqual(await names(client), ["get_temperature"]);
assert.deepEqual(await names(operators), ["forget_temperatures", "get_temperature"]);
assert.deepEqual(await operators.call("forget_temperatures"), { done: true });

// 7. Every tool says what it is, takes and gives, and every code that it names is documented.
for (const tool of await operators.client.listTools()) {
  assert.ok(tool.description && tool.inputSchema && tool.outputSchema, tool.name);
  for (const [code] of tool.description.matchAll(/-\d+/g)) assert.ok(code in errorCodes, code);
}

// 5. The numbers are there.
const stats = await metrics.getStats();
assert.equal(stats.tools["get_temperature"]?.errors, 2);
await Promise.all([client.disconnect(), operators.disconnect()]);
await server.stop();

// 6. Testing, together: the real server, over HTTP, through a pool (4).
await withServer(new URL("server.js", import.meta.url), {}, async ({ url }) => {
  const headers = { "X-API-Key": "example-key-of-the-app" };
  const pool = new MCPConnectionPool({ url, minConnections: 1, maxConnections: 4, headers });
  await pool.connect();
  const towns = Array.from({ length: 20 }, (_, town) => `Town ${town}`);
  const answers = await Promise.all(
    towns.map((location) => pool.call("get_temperature", { location })),
  );
  assert.deepEqual(
    answers,
    towns.map((location) => ({ location, celsius: 22 })),
  );
  await pool.drain();

  assert.equal((await fetch(new URL("/ready", url))).status, 200);
  const numbers = await fetch(new URL("/metrics", url), { headers });
  assert.match(await numbers.text(), /get_temperature/);
  assert.equal((await fetch(new URL("/metrics", url))).status, 401);
});
