import { mergeConfig } from "vitest/config";
import base from "../vitest.config.ts";

export default mergeConfig(base, {
  // These tests spawn servers, builds and clients: they wait more than they compute.
  test: { include: ["**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000 },
});
