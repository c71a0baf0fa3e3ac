/** How many cases each fuzz test runs; `npm run test:full` sets 100,000. */
export const fuzzRuns: number = wholeNumber("FUZZ_RUNS", 5_000);

/** Where the cases begin. A report names the seed that reproduces it with `FUZZ_RUNS` 250. */
export const fuzzSeed: number = wholeNumber("FUZZ_SEED", 20_260_728);

/** Enough for a slow machine; what hangs has a deadline of its own. */
export const fuzzTimeoutMs: number = 60_000 + fuzzRuns * 60;

function wholeNumber(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `${name} must be a whole number of 1 or more, not ${JSON.stringify(text)}`,
    );
  }
  return value;
}
