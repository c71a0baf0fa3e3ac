import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callTool } from "../protocol/harness/http.ts";
import { CHUNK, CONNECTIONS, fuzzHttp } from "./http-fuzz.ts";
import { HttpPeer } from "./http-peer.ts";
import { ObservedServer } from "./observed-server.ts";
import { growthIn } from "./plateau.ts";
import { fuzzRuns, fuzzSeed, fuzzTimeoutMs } from "./settings.ts";

// Sessions that nobody ends, and what can be resumed, go soon: the heap has to come to rest.
const SHORT_LIVED = { ttlMs: 3_000, evictIdleMs: 1_000, resumeWindowMs: 1_000 };

describe.each([
  ["sessions", 1, { pageSize: 10, limits: { maxSessions: 300 }, sessions: SHORT_LIVED }],
  ["stateless", 0.2, { pageSize: 10, legacy: "stateless", legacySse: false }],
] as const)("apps/everything over HTTP, legacy revisions with %s", (_legacy, share, options) => {
  let server: ObservedServer;

  beforeAll(async () => {
    server = await ObservedServer.start(options);
  });

  afterAll(() => server?.stop());

  it(`answers ${fuzzRuns * share} mutated requests as it must, and its heap comes to rest`, {
    timeout: fuzzTimeoutMs,
  }, async () => {
    const heap: number[] = [];
    const failure = await fuzzHttp({
      peer: new HttpPeer(server.url, CONNECTIONS),
      seed: fuzzSeed,
      // The plateau needs enough chunks to be seen.
      runs: Math.max(fuzzRuns * share, 8 * CHUNK),
      afterChunk: async () => {
        if (!server.alive) return [`the server died: ${server.log}`];
        const sum = await callTool(server.url, "add_numbers", { a: 2, b: 3 });
        const { heapBytes, pollutedKeys } = await server.measure();
        heap.push(heapBytes);
        return [
          ...(sum.message?.result?.structuredContent === undefined ? ["no health call"] : []),
          ...(pollutedKeys === 0 ? [] : [`${pollutedKeys} keys on prototypes`]),
        ];
      },
    });
    expect(failure).toBeUndefined();
    expect(growthIn(heap)).toBeUndefined();
  });
});
