import assert from "node:assert/strict";
import { callTool, withServer } from "../check/server-process.ts";

const env = { DRAIN_DELAY_MS: "2000" };

await withServer(new URL("server.js", import.meta.url), env, async ({ url, terminate }) => {
  const weather = await callTool(url, "get_weather", { location: "Oslo" });
  assert.deepEqual(weather.structuredContent, {
    location: "Oslo",
    temperature: 11,
    condition: "rain",
  });

  const unknown = await callTool(url, "get_weather", { location: "Atlantis" });
  assert.equal(unknown.isError, true);
  assert.match(unknown.content[0]?.text ?? "", /Atlantis/);

  const calendar = await callTool(url, "get_calendar", { date: "2026-09-01" });
  assert.deepEqual(calendar.structuredContent, {
    date: "2026-09-01",
    events: [
      { title: "Team meeting", startTime: "14:00" },
      { title: "Review", startTime: "16:30" },
    ],
  });

  const ready = new URL("/ready", url);
  assert.equal((await fetch(ready)).status, 200);
  terminate();
  // The signal arrives when it arrives; from then on the server says that it drains, and serves on.
  while ((await fetch(ready)).status === 200);
  const late = await callTool(url, "get_weather", { location: "Lisbon" });
  assert.equal(late.isError, undefined);
});
