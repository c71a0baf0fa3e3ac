import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { HealthReport } from "@backplane/server";
import { withServer } from "../check/server-process.ts";

/** An upstream that answers with whatever status it is told. */
class Upstream {
  status = 200;
  readonly #server: Server = createServer((_request, response) => {
    response.writeHead(this.status).end();
  });

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const weather = new Upstream();
const reports = new Upstream();
const env = { WEATHER_URL: await weather.listen(), REPORTS_URL: await reports.listen() };
const headers = { "X-API-Key": "example-key-of-the-operator" };

await withServer(new URL("server.js", import.meta.url), env, async ({ url }) => {
  const probe = async (path: string): Promise<readonly [number, string]> => {
    const response = await fetch(new URL(path, url));
    return [response.status, ((await response.json()) as { status: string }).status];
  };
  const details = async (): Promise<HealthReport> =>
    (await (await fetch(new URL("/health/details", url), { headers })).json()) as HealthReport;
  /** Results are kept for a while, so that probes cannot load what they ask about. */
  const untilReady = async (status: number, word: string): Promise<void> => {
    const giveUpAtMs = Date.now() + 20_000;
    while ((await probe("/ready"))[0] !== status || (await probe("/ready"))[1] !== word) {
      assert.ok(Date.now() < giveUpAtMs, `/ready never said ${status} ${word}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  await untilReady(200, "ready");
  assert.equal((await fetch(new URL("/health/details", url))).status, 401);
  const { status, checks, timestamp } = await details();
  assert.equal(status, "healthy");
  assert.deepEqual(Object.keys(checks), [
    "database",
    "weather_api",
    "reports",
    "disk_space",
    "event_loop",
  ]);
  assert.ok(Date.parse(timestamp) > 0);

  reports.status = 500;
  await untilReady(200, "degraded");
  assert.equal((await details()).checks["reports"]?.status, "degraded");

  weather.status = 503;
  await untilReady(503, "unhealthy");
  assert.equal((await details()).checks["weather_api"]?.httpStatus, 503);
  assert.deepEqual(await probe("/health"), [200, "healthy"], "no restart mends a neighbour");

  weather.status = reports.status = 200;
  await untilReady(200, "ready");
});
weather.close();
reports.close();
