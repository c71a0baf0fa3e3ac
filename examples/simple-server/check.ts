import assert from "node:assert/strict";
import { callTool, withServer } from "../check/server-process.ts";

await withServer(new URL("server.js", import.meta.url), {}, async ({ url }) => {
  const weather = await callTool(url, "get_weather", { location: "Lisbon" });
  assert.deepEqual(weather.structuredContent, {
    location: "Lisbon",
    temperature: 22,
    condition: "sunny",
  });

  const refused = await callTool(url, "get_weather", { location: "" });
  assert.equal(refused.isError, true);
  assert.match(refused.content[0]?.text ?? "", /location/);
});
