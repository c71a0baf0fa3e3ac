import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import { MCPClient, ToolExecutionError } from "@backplane/client";
import { withServer } from "../check/server-process.ts";

const env = {
  TOOLS_FILE: fileURLToPath(new URL("../../tool-registration/tools.json", import.meta.url)),
};

await withServer(new URL("server.js", import.meta.url), env, async ({ url }) => {
  const client = new MCPClient({ url });
  await client.connect();
  const names = async (): Promise<string[]> => (await client.listTools()).map(({ name }) => name);
  try {
    assert.deepEqual(await names(), ["get_weather", "load_units", "weather"]);
    assert.deepEqual(await client.call("get_weather", { location: "Oslo" }), {
      location: "Oslo",
      temperature: 22,
      condition: "sunny",
    });

    const current = { operation: "current", location: "Oslo" };
    assert.deepEqual(await client.call("weather", current), {
      asked: 1,
      temperature: 22,
      condition: "sunny",
    });
    const forecast = await client.call("weather", { operation: "forecast", location: "Oslo" });
    assert.deepEqual(forecast, {
      asked: 2,
      days: [
        { day: 1, high: 22 },
        { day: 2, high: 23 },
        { day: 3, high: 24 },
      ],
    });
    await assert.rejects(
      client.call("weather", { operation: "yesterday", location: "Oslo" }),
      (error) => ToolExecutionError.isInstance(error) && error.message.includes("operation"),
    );

    const changes = new EventEmitter();
    const listening = await client.listen(
      { toolsListChanged: true },
      { onChange: () => changes.emit("change") },
    );
    const told = once(changes, "change");
    assert.deepEqual(await client.call("load_units"), {
      added: ["celsius_to_fahrenheit", "kilometres_to_miles"],
    });
    await told;
    await listening.close();
    assert.deepEqual(await names(), [
      "celsius_to_fahrenheit",
      "get_weather",
      "kilometres_to_miles",
      "load_units",
      "weather",
    ]);
    assert.equal(await client.call("celsius_to_fahrenheit", { value: 100 }), 212);
  } finally {
    await client.close();
  }
});
