import { describe, expect, it } from "vitest";
import { createEverythingServer } from "../../apps/everything/src/server.ts";
import { FetchPeer } from "./fetch-peer.ts";
import { fuzzHttp } from "./http-fuzz.ts";
import { fuzzRuns, fuzzSeed, fuzzTimeoutMs } from "./settings.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const runs = Math.ceil(fuzzRuns / 5);

describe("the portable handler of apps/everything", () => {
  it(`answers ${runs} mutated requests as it must`, { timeout: fuzzTimeoutMs }, async () => {
    const server = createEverythingServer({ logger: quiet, pageSize: 10 });
    try {
      const peer = new FetchPeer(server.handler);
      expect(await fuzzHttp({ peer, seed: fuzzSeed, runs })).toBeUndefined();
    } finally {
      await server.stop();
    }
  });
});
