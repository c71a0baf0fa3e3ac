import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callTool, send } from "../protocol/harness/http.ts";
import { clip, clippedJson } from "./clip.ts";
import { leakIn } from "./message-rules.ts";
import { ObservedServer } from "./observed-server.ts";
import { rawRequest, sendRaw, statusesIn } from "./raw-bytes.ts";
import { fuzzRuns, fuzzSeed, fuzzTimeoutMs } from "./settings.ts";

const CONCURRENCY = 24;
// The second is reached only when something hangs.
const SILENCE = { silenceMs: 150, hangMs: 20_000 };
// Every request has a connection of its own, and many end by silence.
const runs = Math.ceil(fuzzRuns / 20);

let server: ObservedServer;

beforeAll(async () => {
  server = await ObservedServer.start();
});

afterAll(() => server?.stop());

describe("bytes that are hardly HTTP", () => {
  it(`${runs} requests: no 5xx, no internals, and the server goes on`, {
    timeout: fuzzTimeoutMs,
  }, async () => {
    const port = Number(new URL(server.url).port);
    const requests = fc.sample(rawRequest, { seed: fuzzSeed, numRuns: runs });
    const failures: string[] = [];
    let answered = 0;
    let next = 0;
    const work = async (): Promise<void> => {
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        const { received, ended } = await sendRaw(port, request, SILENCE);
        const statuses = statusesIn(received);
        if (statuses.length > 0) answered++;
        const wrong =
          statuses.find((status) => status >= 500) ??
          leakIn(received, request.bytes, [process.cwd()]) ??
          (ended ? undefined : "stays open");
        if (wrong === undefined) continue;
        failures.push(`${wrong}: ${clippedJson(request)} → ${clip(received)}`);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(runs / 4);
    const sum = await callTool(server.url, "add_numbers", { a: 2, b: 3 });
    expect(sum.message?.result?.structuredContent).toEqual({ sum: 5 });
  });

  it.each([
    [413, {}],
    [403, { origin: "https://evil.example" }],
  ])(
    "an upload that is refused gets its %i although the client still sends",
    async (status, more) => {
      const headers = {
        "content-type": "application/json",
        "transfer-encoding": "chunked",
        ...more,
      };
      for (let round = 0; round < 20; round++) {
        const answer = await send(server.url, {
          headers,
          body: Buffer.alloc(8 * 1024 * 1024, 0x20),
        });
        expect(answer.status).toBe(status);
      }
    },
  );
});
