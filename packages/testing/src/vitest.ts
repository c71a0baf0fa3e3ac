export type { BackplaneMatchers, ExpectedFailure, ExpectedProgress } from "./vitest/declare.ts";
export { type MatcherOutcome, type MatcherState, matchers } from "./vitest/matchers.ts";
