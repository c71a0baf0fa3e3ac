import { chaoticProvider, PROVIDER_LIES } from "@backplane/server/test-suite";
import { describe, expect, it, vi } from "vitest";
import { RealServer } from "../client/harness/real-server.ts";
import { needsOf, sourceNames, sources } from "./harness/sources.ts";

const MASKED = -32603;
/** What a client may hear of a provider that fails: that it failed, that there is too much, or nothing there. */
const CLEAN = [MASKED, -1413, -32602];

async function codeOf(asked: Promise<unknown>): Promise<unknown> {
  try {
    await asked;
    return "an answer";
  } catch (error) {
    expect(
      JSON.stringify([(error as Error).message, (error as { data?: unknown }).data]),
    ).not.toMatch(/secret|chaos|somebody-else/i);
    return (error as { code: unknown }).code;
  }
}

describe.each(sourceNames)("%s under chaos", (name) => {
  it(
    "gives clean errors while it throws and lies, and is as good as before after that",
    needsOf(name),
    async () => {
      const source = await sources[name]();
      const double = chaoticProvider(source.provider, { seed: 3 });
      const real = await RealServer.start(
        "http",
        (server) => server.addResourceProvider(double.subject, { maxBytes: 1_000_000 }),
        { pageSize: 5 },
      );
      const client = real.client("modern", { maxRetries: 0 });
      const read = () => client.readResource(source.uri);
      const list = () => client.listResources();
      const truth = [await read(), await list()];

      double.chaos.failNext = 2;
      expect([await codeOf(read()), await codeOf(list())]).toEqual([MASKED, MASKED]);
      const outcomes: Record<string, unknown> = {};
      for (const lie of PROVIDER_LIES) {
        double.lie = lie;
        outcomes[lie] = [await codeOf(read()), await codeOf(list())];
        for (const code of outcomes[lie] as unknown[])
          expect(["an answer", ...CLEAN]).toContain(code);
      }
      expect(outcomes).toMatchObject({
        forgets: [-32602, "an answer"],
        foreign: ["an answer", MASKED],
        "too-many": ["an answer", MASKED],
        nonsense: [MASKED, MASKED],
        "broken-stream": [MASKED, "an answer"],
        flood: [-1413, "an answer"],
        "not-utf8": [MASKED, "an answer"],
      });
      double.lie = undefined;

      // Late and unreliable, many at once: every request has its own answer, right or clean.
      Object.assign(double.chaos, { failRate: 0.4, delayMs: 2 });
      const asked = await Promise.all(Array.from({ length: 40 }, () => codeOf(read())));
      expect(new Set(asked)).toEqual(new Set(["an answer", MASKED]));
      Object.assign(double.chaos, { failRate: 0, delayMs: 0 });
      expect([await read(), await list()]).toEqual(truth);
    },
  );

  it("tells of changes again once it can watch", needsOf(name), async () => {
    const source = await sources[name]();
    if (source.provider.watch === undefined) return;
    const double = chaoticProvider(source.provider, { failNext: 1 });
    const real = await RealServer.start("http", (server) =>
      server.addResourceProvider(double.subject),
    );
    let heard = 0;
    await real.client("modern").subscribe(source.uri, () => heard++);
    expect(double.failures()).toBe(1);
    // The watch is tried again, and says that something may have been missed.
    await vi.waitFor(() => expect(heard).toBeGreaterThan(0), { timeout: 20_000, interval: 20 });
    heard = 0;
    await source.write("second");
    await vi.waitFor(() => expect(heard).toBeGreaterThan(0), { timeout: 20_000, interval: 5 });
  });
});
