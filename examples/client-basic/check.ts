import assert from "node:assert/strict";
import { withServer } from "../check/server-process.ts";
import { useServer } from "./client.ts";

await withServer(new URL("server.js", import.meta.url), {}, async ({ url }) => {
  assert.deepEqual(await useServer(url), {
    tools: ["book_trip", "get_weather"],
    weather: { location: "San Francisco", temperature: 16, condition: "fog" },
    stations: '["san francisco","lisbon"]',
    trip: { booked: true, location: "Lisbon", travellers: 1 },
    gaveUp: true,
  });
});
