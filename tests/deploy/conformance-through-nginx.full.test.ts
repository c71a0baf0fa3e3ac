// @module-tag nginx
// @module-tag redis
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runConformance } from "../conformance/cli.ts";
import { repository } from "../tooling/fixture.ts";
import type { Nginx } from "../tooling/nginx.ts";
import { type Replica, startBalancer, startReplica, stopReplicas } from "./replicas.ts";

const program = join(repository, "apps/everything/dist/main.js");

let replicas: [Replica, Replica];
let nginx: Nginx;

beforeAll(async () => {
  const env = {
    SHARED_REDIS_URL: process.env["REDIS_URL"] ?? "",
    REQUEST_STATE_KEYS: `k1:${randomBytes(32).toString("base64url")}`,
  };
  replicas = await Promise.all([startReplica(program, env), startReplica(program, env)]);
  nginx = await startBalancer([replicas[0].port, replicas[1].port]);
}, 60_000);

afterAll(async () => {
  await nginx?.stop();
  await stopReplicas(replicas ?? []);
});

describe("the official suite against two replicas behind nginx, round robin, nothing sticky", () => {
  it.each([
    ["2026-07-28", 37],
    ["2025-11-25", 30],
  ])(
    "%s: all %i scored scenarios",
    async (revision, scored) => {
      const url = `${nginx.url}/mcp`;
      const run = await runConformance(["server", "--requirements", revision, "--url", url]);
      const [verdict] = run.verdicts;
      expect(
        verdict?.rows.flatMap((row) => row.problems),
        run.output,
      ).toEqual([]);
      expect(verdict?.rows.filter((row) => row.scored)).toHaveLength(scored);
      expect(run.exitCode, run.output).toBe(0);
    },
    240_000,
  );
});
