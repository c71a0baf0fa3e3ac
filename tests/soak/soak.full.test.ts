import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Measurement, ObservedServer } from "../fuzz/observed-server.ts";
import { growthIn } from "../fuzz/plateau.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { SoakClient } from "./soak-client.ts";

const CALLS = Number(process.env["SOAK_CALLS"] ?? 200_000);
const SAMPLES = 40;
const CONCURRENCY = 40;
// What is abandoned ends within this.
const SETTLE_MS = 30_000;

/** A sequence that is the same every time (xorshift32), as numbers from 0 to 1. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** The scenario at a place from 0 to 1, by weight. */
function pick(place: number): Scenario {
  const total = scenarios.reduce((sum, { weight }) => sum + weight, 0);
  let passed = 0;
  const found = scenarios.find(({ weight }) => {
    passed += weight;
    return place * total < passed;
  });
  return found ?? (scenarios[0] as Scenario);
}

/** Runs scenarios until the client has made so many calls more. */
async function traffic(client: SoakClient, calls: number, random: () => number): Promise<void> {
  const until = client.calls + calls;
  const work = async (): Promise<void> => {
    while (client.calls < until) {
      const scenario = pick(random());
      try {
        await scenario.run(client);
      } catch (cause) {
        throw new Error(`${scenario.name}: ${String(cause)}`, { cause });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

function handles({ resources }: Measurement): number {
  return Object.values(resources).reduce((sum, count) => sum + count, 0);
}

describe("apps/everything under mixed traffic of both eras", () => {
  let server: ObservedServer;

  beforeAll(async () => {
    server = await ObservedServer.start({
      // What nobody ends, answers or resumes is let go within seconds, as in hours of real traffic.
      limits: { maxSessions: 1_000, maxStreams: 500, maxStreamsPerPrincipal: 500 },
      sessions: { ttlMs: 3_000, evictIdleMs: 1_000, resumeWindowMs: 1_000 },
      deadlines: { inputMs: 2_000 },
    });
  });

  afterAll(() => server?.stop());

  it(`comes to rest in ${CALLS} calls: heap, handles, nothing left running`, {
    timeout: 1_200_000,
  }, async () => {
    const idle = await server.measure();
    const client = new SoakClient(server.url, CONCURRENCY * 3);
    const random = sequence(20_260_728);
    const samples: Measurement[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      await traffic(client, CALLS / SAMPLES, random);
      samples.push(await server.measure());
    }
    client.close();
    const heap = samples.map(({ heapBytes }) => heapBytes);
    const mebibytes = heap.map((bytes) => (bytes / 1024 / 1024).toFixed(1)).join(" ");
    console.log(`${client.calls} calls, ${client.sessions} sessions, heap in MiB: ${mebibytes}`);
    // A full store may refuse; one that refuses most would leave little of this test.
    expect(client.refusedSessions).toBeLessThan(client.sessions / 4);
    expect(growthIn(heap)).toBeUndefined();
    const open = samples.map(handles);
    const early = Math.max(...open.slice(SAMPLES / 4, SAMPLES / 2));
    expect(Math.max(...open.slice(-SAMPLES / 4))).toBeLessThanOrEqual(early * 1.5 + 20);

    let rest = await server.measure();
    const deadline = Date.now() + SETTLE_MS;
    const settled = (): boolean =>
      rest.running.length === 0 && rest.streams === 0 && handles(rest) <= handles(idle) + 2;
    while (!settled() && Date.now() < deadline) {
      await sleep(500);
      rest = await server.measure();
    }
    expect(rest).toMatchObject({ running: [], streams: 0, pollutedKeys: 0 });
    expect(rest.resources["TCPSocketWrap"] ?? 0).toBe(0);
    expect(handles(rest)).toBeLessThanOrEqual(handles(idle) + 2);
    expect(server.alive).toBe(true);
  });
});
