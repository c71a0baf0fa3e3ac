import { describe, expect, it } from "vitest";
import { asVerdict, createEraCache, type EraVerdict, httpEraKey } from "./era-cache.ts";

const verdict: EraVerdict = { era: "modern", revision: "2026-07-28", transport: "http", at: 0 };

describe("createEraCache", () => {
  it("keeps a verdict for its time", () => {
    let now = 0;
    const cache = createEraCache({ ttlMs: 100, clock: { now: () => now } });
    cache.set("a", verdict);
    now = 99;
    expect(cache.get("a")).toEqual(verdict);
    now = 100;
    expect(cache.get("a")).toBeUndefined();
    now = 0;
    expect(cache.get("a")).toBeUndefined();
  });

  it("forgets the oldest when it is full, and what is deleted", () => {
    const cache = createEraCache({ maxEntries: 2, clock: { now: () => 0 } });
    cache.set("a", verdict);
    cache.set("b", verdict);
    cache.set("a", verdict);
    cache.set("c", verdict);
    expect(cache.get("b")).toBeUndefined();
    expect(cache.get("a")).toEqual(verdict);
    cache.delete("a");
    expect(cache.get("a")).toBeUndefined();
  });

  it("refuses limits that are none", () => {
    expect(() => createEraCache({ maxEntries: 0 })).toThrow('option "maxEntries"');
    expect(() => createEraCache({ ttlMs: Number.NaN })).toThrow('option "ttlMs"');
  });
});

describe("httpEraKey", () => {
  it("leaves out what may be a credential", () => {
    expect(httpEraKey(new URL("https://mcp.example:8443/a/mcp?token=x#y"))).toBe(
      "https://mcp.example:8443/a/mcp",
    );
  });
});

describe("asVerdict", () => {
  it("survives JSON", () => {
    expect(asVerdict(JSON.parse(JSON.stringify(verdict)))).toEqual(verdict);
    const sse = { era: "legacy", revision: "2024-11-05", transport: "sse", at: 5 };
    expect(asVerdict(sse)).toEqual(sse);
  });

  it.each([
    undefined,
    null,
    "modern",
    {},
    { ...verdict, era: "legacy" },
    { ...verdict, revision: "2030-01-01" },
    { ...verdict, transport: "carrier pigeon" },
    { ...verdict, transport: "sse" },
    { ...verdict, at: "yesterday" },
  ])("takes %j for none", (value) => {
    expect(asVerdict(value)).toBeUndefined();
  });
});
