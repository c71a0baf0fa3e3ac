import { createKeyRing, createProcessKeyRing, ErrorCode, MCPError } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createStateSealer, type StateBinding, type StatePayload } from "./request-state.ts";

const secret = (fill: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => i + fill);
const ring = createKeyRing([{ id: "k1", secret: secret(1) }]);

const binding: StateBinding = {
  principalKey: '["issuer","alice",""]',
  method: "tools/call",
  name: "book",
  arguments: { date: "2026-07-28", seats: 2 },
};

const payload: StatePayload = {
  answers: { confirm: { ask: "d1", result: { action: "accept", content: { ok: true } } } },
  memos: { quote: { price: 12.5 } },
  round: 1,
};

async function refusal(open: Promise<unknown>): Promise<MCPError> {
  const error = await open.then(
    () => expect.fail("the state was opened"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MCPError);
  expect((error as MCPError).code).toBe(ErrorCode.invalidParams);
  expect((error as MCPError).message).toContain("start again without requestState");
  return error as MCPError;
}

describe("createStateSealer", () => {
  it.each(["ttlMs", "maxBytes"])("rejects %s below 1 by name", (name) => {
    const make = () => createStateSealer(ring, createFakeClock(), { [name]: 0 });
    expect(make).toThrow(`"${name}"`);
  });

  it("opens what it sealed, whatever the order of the arguments", async () => {
    const sealer = createStateSealer(ring, createFakeClock());
    const token = await sealer.seal(payload, binding);
    expect(await sealer.open(token, binding)).toEqual(payload);
    const reordered = { ...binding, arguments: { seats: 2, date: "2026-07-28" } };
    expect(await sealer.open(token, reordered)).toEqual(payload);
  });

  it("shows nothing of its content, and never the same token twice", async () => {
    const sealer = createStateSealer(ring, createFakeClock());
    const tokens = [await sealer.seal(payload, binding), await sealer.seal(payload, binding)];
    expect(tokens[0]).not.toBe(tokens[1]);
    for (const token of tokens) {
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
      const raw = Buffer.from(token, "base64url").toString("latin1");
      for (const word of ["alice", "book", "confirm", "accept", "quote", "seats"]) {
        expect(raw).not.toContain(word);
      }
    }
  });

  it("opens at another replica with the same ring, and not with another", async () => {
    const clock = createFakeClock();
    const token = await createStateSealer(ring, clock).seal(payload, binding);
    const same = createKeyRing([{ id: "k1", secret: secret(1) }]);
    expect(await createStateSealer(same, clock).open(token, binding)).toEqual(payload);
    const otherSecret = createKeyRing([{ id: "k1", secret: secret(2) }]);
    await refusal(createStateSealer(otherSecret, clock).open(token, binding));
    await refusal(createStateSealer(createProcessKeyRing(), clock).open(token, binding));
  });

  it("survives the rotation of keys until the old one leaves the ring", async () => {
    const clock = createFakeClock();
    const token = await createStateSealer(ring, clock).seal(payload, binding);
    const both = createKeyRing([
      { id: "k2", secret: secret(2) },
      { id: "k1", secret: secret(1) },
    ]);
    const rotated = createStateSealer(both, clock);
    expect(await rotated.open(token, binding)).toEqual(payload);
    const next = await rotated.seal(payload, binding);
    const only = createStateSealer(createKeyRing([{ id: "k2", secret: secret(2) }]), clock);
    expect(await only.open(next, binding)).toEqual(payload);
    await refusal(only.open(token, binding));
  });

  it("an id of another key of the ring does not open", async () => {
    const clock = createFakeClock();
    const both = createKeyRing([
      { id: "k1", secret: secret(1) },
      { id: "k2", secret: secret(2) },
    ]);
    const sealer = createStateSealer(both, clock);
    const bytes = Buffer.from(await sealer.seal(payload, binding), "base64url");
    expect(bytes.toString("latin1", 2, 4)).toBe("k1");
    bytes.write("k2", 2, "latin1");
    await refusal(sealer.open(bytes.toString("base64url"), binding));
  });

  it.each<[string, Partial<StateBinding>]>([
    ["principal", { principalKey: '["issuer","mallory",""]' }],
    ["anonymous principal", { principalKey: "" }],
    ["method", { method: "prompts/get" }],
    ["name", { name: "cancel" }],
    ["argument", { arguments: { date: "2026-07-28", seats: 3 } }],
    ["lack of arguments", { arguments: undefined }],
    ["empty arguments", { arguments: {} }],
  ])("refuses another %s, and says no more than that", async (_, foreign) => {
    const sealer = createStateSealer(ring, createFakeClock());
    const token = await sealer.seal(payload, binding);
    const tampered = await refusal(sealer.open(`${token.slice(0, -4)}AAAA`, binding));
    const error = await refusal(sealer.open(token, { ...binding, ...foreign }));
    expect(error.message).toBe(tampered.message);
  });

  it("does not mix up what stands next to each other in the binding", async () => {
    const sealer = createStateSealer(ring, createFakeClock());
    const token = await sealer.seal(payload, { ...binding, method: "a", name: 'b","c' });
    await refusal(sealer.open(token, { ...binding, method: 'a","b', name: "c" }));
  });

  it("expires, and says so to whom it belonged only", async () => {
    const clock = createFakeClock();
    const sealer = createStateSealer(ring, clock, { ttlMs: 1_000 });
    const token = await sealer.seal(payload, binding);
    clock.advance(999);
    expect(await sealer.open(token, binding)).toEqual(payload);
    clock.advance(1);
    expect((await refusal(sealer.open(token, binding))).message).toContain("expired");
    const foreign = { ...binding, principalKey: "mallory" };
    expect((await refusal(sealer.open(token, foreign))).message).not.toContain("expired");
  });

  it("lives for ten minutes by default", async () => {
    const clock = createFakeClock();
    const sealer = createStateSealer(ring, clock);
    const token = await sealer.seal(payload, binding);
    clock.advance(599_999);
    expect(await sealer.open(token, binding)).toEqual(payload);
    clock.advance(1);
    await refusal(sealer.open(token, binding));
  });

  it("refuses to seal more than the limit, and names it", async () => {
    const sealer = createStateSealer(ring, createFakeClock());
    const big = { ...payload, memos: { text: "x".repeat(16_384) } };
    const error = (await sealer.seal(big, binding).catch((thrown: unknown) => thrown)) as MCPError;
    expect(error).toBeInstanceOf(MCPError);
    expect(error.code).toBe(ErrorCode.internalError);
    expect(error.message).toContain("16384");
  });

  it("what it seals at the limit can be opened", async () => {
    const maxBytes = 400;
    const sealer = createStateSealer(ring, createFakeClock(), { maxBytes });
    let longest = 0;
    for (let length = 0; length < 300; length++) {
      const state = { answers: {}, memos: { m: "x".repeat(length) }, round: 1 };
      const token = await sealer.seal(state, binding).catch(() => undefined);
      if (token === undefined) break;
      longest = token.length;
      expect(await sealer.open(token, binding)).toEqual(state);
    }
    expect(longest).toBeGreaterThan(maxBytes - 4);
    expect(longest).toBeLessThanOrEqual(maxBytes);
  });

  it("does no work for a longer token", async () => {
    const find = vi.fn(() => undefined);
    const sealer = createStateSealer({ current: ring.current, find }, createFakeClock());
    await refusal(sealer.open("A".repeat(16_385), binding));
    await refusal(sealer.open("AgQ", binding));
    expect(find).not.toHaveBeenCalled();
  });

  it("a ring that cannot be asked is not mistaken for a bad state", async () => {
    const away = { current: ring.current, find: () => Promise.reject(new Error("ring away")) };
    const sealer = createStateSealer(away, createFakeClock());
    const token = await sealer.seal(payload, binding);
    await expect(sealer.open(token, binding)).rejects.toThrow("ring away");
  });

  it("every flipped bit of the token is refused", async () => {
    const sealer = createStateSealer(ring, createFakeClock());
    const token = await sealer.seal({ answers: {}, memos: {}, round: 1 }, binding);
    for (let index = 0; index < token.length; index++) {
      for (let bit = 0; bit < 7; bit++) {
        const flipped = String.fromCharCode(token.charCodeAt(index) ^ (1 << bit));
        const changed = token.slice(0, index) + flipped + token.slice(index + 1);
        await refusal(sealer.open(changed, binding));
      }
    }
  });

  it("every flipped bit of the bytes is refused", async () => {
    const sealer = createStateSealer(ring, createFakeClock());
    const bytes = Buffer.from(await sealer.seal(payload, binding), "base64url");
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        await refusal(sealer.open(changed.toString("base64url"), binding));
      }),
      { numRuns: 300 },
    );
  });

  it("no other text is a state: truncated, extended, padded, random, empty", async () => {
    const sealer = createStateSealer(ring, createFakeClock());
    const token = await sealer.seal(payload, binding);
    for (const text of [
      "",
      "A",
      `${token}A`,
      `${token}=`,
      ` ${token}`,
      `${token}\n`,
      token.slice(1),
    ]) {
      await refusal(sealer.open(text, binding));
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.string(), async (length, text) => {
        await refusal(sealer.open(token.slice(0, length), binding));
        await refusal(sealer.open(text, binding));
        await refusal(sealer.open(Buffer.from(text).toString("base64url"), binding));
      }),
    );
  });

  it("round trip and foreign binding, for any payload and any pair of bindings", async () => {
    const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor"));
    const anyBinding = fc.record({
      principalKey: fc.string(),
      method: fc.constantFrom("tools/call", "prompts/get"),
      name: fc.string({ maxLength: 2 }),
      arguments: fc.oneof(fc.constant(undefined), fc.dictionary(key, fc.jsonValue())),
    });
    // Through JSON: on the way -0 becomes 0, as it does everywhere on the wire.
    const anyPayload = fc
      .record({
        answers: fc.dictionary(key, fc.record({ ask: fc.string(), result: fc.jsonValue() })),
        memos: fc.dictionary(key, fc.jsonValue()),
        round: fc.nat(),
      })
      .map((value) => JSON.parse(JSON.stringify(value)) as StatePayload);
    const sealer = createStateSealer(ring, createFakeClock(), { maxBytes: 1_000_000 });
    await fc.assert(
      fc.asyncProperty(anyPayload, anyBinding, anyBinding, async (state, own, other) => {
        const token = await sealer.seal(state, own);
        expect(await sealer.open(token, own)).toEqual(state);
        const text = (value: StateBinding): string =>
          JSON.stringify([value.principalKey, value.method, value.name, value.arguments ?? "none"]);
        if (text(own) !== text(other)) await refusal(sealer.open(token, other));
      }),
    );
  });
});
