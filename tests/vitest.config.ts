import { mergeConfig } from "vitest/config";
import base from "../vitest.config.ts";

export default mergeConfig(base, {
  // These tests spawn servers, builds and clients: they wait more than they compute, so that two files at
  // once are quicker on two cores, where vitest by itself would run one after another.
  test: {
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Of the tests of one file that say they may run beside one another.
    maxConcurrency: 3,
  },
});
