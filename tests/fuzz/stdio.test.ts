import { describe, expect, it } from "vitest";
import { everythingMain } from "../protocol/harness/everything.ts";
import { fuzzRuns, fuzzSeed, fuzzTimeoutMs } from "./settings.ts";
import { fuzzStdio } from "./stdio-fuzz.ts";

describe("apps/everything over stdio", () => {
  it.each(["modern", "2025-11-25", "2025-03-26"] as const)(
    "answers mutated lines of a client as it must: %s",
    { timeout: fuzzTimeoutMs },
    async (era) => {
      const runs = Math.ceil(fuzzRuns / 3);
      const campaign = { script: everythingMain, args: ["--stdio"], era, seed: fuzzSeed, runs };
      expect(await fuzzStdio(campaign)).toBeUndefined();
    },
  );
});
