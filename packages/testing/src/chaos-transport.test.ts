import { createInMemoryTransportPair } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ChaosFaults,
  type ChaosTransportOptions,
  chaosTransport,
  createFakeClock,
  MCPTestClient,
} from "./index.ts";
import { weatherServer } from "./weather-server.test-support.ts";

/** Sends texts through a chaotic end and gives what arrived, once nothing is under way any more. */
async function through(texts: readonly string[], options: ChaosTransportOptions) {
  const clock = createFakeClock();
  const [left, right] = createInMemoryTransportPair();
  const arrived: string[] = [];
  let closed = false;
  right.start({ onMessage: (text) => arrived.push(text), onClose: () => (closed = true) });
  const chaotic = chaosTransport(left, { clock, ...options });
  chaotic.start({ onMessage: () => undefined, onClose: () => undefined });
  for (const text of texts) chaotic.send(text);
  await Promise.resolve();
  const atOnce = [...arrived];
  clock.advance(1_000_000);
  await new Promise((resolve) => setImmediate(resolve));
  return { arrived, atOnce, closed, injected: chaotic.injected };
}

const texts = Array.from({ length: 10 }, (_, index) => `message ${index}`);

describe("a chaos transport", () => {
  it("does nothing unless told", async () => {
    expect(await through(texts, {})).toMatchObject({ arrived: texts, injected: [] });
  });

  it("drops", async () => {
    const { arrived, injected } = await through(texts, { send: { dropRate: 1 } });
    expect(arrived).toEqual([]);
    expect(injected.map(({ kind, text }) => [kind, text])).toEqual(texts.map((t) => ["drop", t]));
  });

  it("duplicates", async () => {
    const { arrived } = await through(["a", "b"], { send: { duplicateRate: 1 } });
    expect(arrived).toEqual(["a", "a", "b", "b"]);
  });

  it("lets the next message pass, and holds the last only for a while", async () => {
    const { arrived, atOnce } = await through(["a", "b", "c"], { send: { reorderRate: 1 } });
    expect(atOnce).toEqual(["b", "a"]);
    expect(arrived).toEqual(["b", "a", "c"]);
  });

  it("truncates", async () => {
    const { arrived } = await through(texts, { send: { truncateRate: 1 } });
    expect(arrived).toHaveLength(texts.length);
    for (const [index, text] of arrived.entries()) {
      expect(text.length).toBeLessThan((texts[index] as string).length);
      expect(texts[index]).toContain(text);
    }
  });

  it("delays and keeps the order", async () => {
    const { arrived, atOnce } = await through(texts, { send: { delayMs: 50, jitterMs: 500 } });
    expect(atOnce).toEqual([]);
    expect(arrived).toEqual(texts);
  });

  it("breaks the connection", async () => {
    const { arrived, closed, injected } = await through(texts, { send: { disconnectRate: 1 } });
    expect(arrived).toEqual([]);
    expect(closed).toBe(true);
    expect(injected[0]?.kind).toBe("disconnect");
  });

  it("does the same for the same seed, and nothing arrives that was not sent", async () => {
    const rate = fc.double({ min: 0, max: 0.5, noNaN: true });
    const faults = fc.record<Partial<ChaosFaults>>({
      dropRate: rate,
      duplicateRate: rate,
      reorderRate: rate,
      truncateRate: rate,
      jitterMs: fc.nat(100),
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000), faults, async (seed, send) => {
        const first = await through(texts, { seed, send });
        expect(await through(texts, { seed, send })).toEqual(first);
        const kinds = (kind: string) => first.injected.filter((one) => one.kind === kind).length;
        expect(first.arrived).toHaveLength(texts.length - kinds("drop") + kinds("duplicate"));
        for (const text of first.arrived) {
          expect(texts.some((sent) => sent.startsWith(text))).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [{ send: { dropRate: 2 } }, "send.dropRate"],
    [{ receive: { delayMs: -1 } }, "receive.delayMs"],
    [{ send: { loseRate: 1 } }, "loseRate"],
    [{ sent: {} }, "sent"],
  ])("refuses %j", (options, says) => {
    const [end] = createInMemoryTransportPair();
    expect(() => chaosTransport(end, options as never)).toThrow(says);
  });
});

describe("a test client with chaos", () => {
  it("loses an answer, and the fault can be taken away", async () => {
    await using client = new MCPTestClient(weatherServer, {
      timeoutMs: 50,
      chaos: { receive: { dropRate: 0 } },
    });
    await client.connect();
    const { chaos } = client;
    if (chaos === undefined) throw new Error("there is chaos");
    chaos.chaos.receive.dropRate = 1;
    await expect(client.call("whoami")).rejects.toMatchObject({ code: "timeout" });
    chaos.chaos.receive.dropRate = 0;
    expect(await client.call("whoami")).toBe("nobody");
  });

  it("hears of a broken connection", async () => {
    await using client = new MCPTestClient(weatherServer, { chaos: {} });
    await client.connect();
    const call = expect(client.call("wait")).rejects.toMatchObject({ code: "connection_lost" });
    await client.chaos?.disconnect();
    await call;
  });

  it("survives answers that come twice and out of order", async () => {
    await using client = new MCPTestClient(weatherServer, {
      chaos: { seed: 7, receive: { duplicateRate: 0.3, reorderRate: 0.3, jitterMs: 2 } },
    });
    const cities = Array.from({ length: 50 }, (_, index) => `city ${index}`);
    const answers = await Promise.all(
      cities.map((location) => client.call("get_weather", { arguments: { location } })),
    );
    expect(answers).toEqual(cities.map((location) => expect.objectContaining({ location })));
    expect(client.chaos?.injected.length).toBeGreaterThan(0);
  });
});
