import assert from "node:assert/strict";
import { MCPClient } from "@backplane/client";
import { withServer } from "../check/server-process.ts";

interface Weather {
  readonly location: string;
  readonly request: number;
}

async function check(env: Readonly<Record<string, string>>): Promise<void> {
  await withServer(new URL("server.js", import.meta.url), env, async ({ url }) => {
    const client = new MCPClient({ url });
    await client.connect();
    // Another place each time: a Redis may remember the last run.
    const location = `Oslo ${crypto.randomUUID()}`;
    const ask = async (tool: string): Promise<number> => {
      const weather = (await client.call(tool, { location })) as Weather;
      assert.equal(weather.location, location);
      return weather.request;
    };
    try {
      assert.equal(await ask("weather_by_hand"), 1);
      assert.equal(await ask("weather_by_hand"), 1);

      const together = await Promise.all([1, 2, 3].map(() => ask("weather")));
      assert.deepEqual(together, [2, 2, 2]);
      await client.call("new_forecast", {});
      assert.equal(await ask("weather"), 3);

      assert.equal(await ask("forecast"), 4);
      assert.equal(await ask("forecast"), 4);

      const ready = await fetch(new URL("/ready", url));
      assert.deepEqual(await ready.json(), { status: "ready" });
    } finally {
      await client.close();
    }
  });
}

await check({ REDIS_URL: "" });
const { REDIS_URL } = process.env;
if (REDIS_URL) await check({ REDIS_URL });
