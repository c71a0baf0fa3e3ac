export { ChaosError, type ChaosOptions, type Chaotic, chaotic, seededRandom } from "./chaotic.ts";
export { eventBusSuite, type MakeBuses } from "./event-bus-suite.ts";
export {
  type EventLogSuiteContext,
  type EventLogSuiteOptions,
  eventLogSuite,
} from "./event-log-suite.ts";
export { createFakeClock, type FakeClock } from "./fake-clock.ts";
export { keyRingSuite } from "./key-ring-suite.ts";
export { type KeyValueStoreSuiteOptions, keyValueStoreSuite } from "./key-value-store-suite.ts";
export { type RateLimitStoreSuiteOptions, rateLimitStoreSuite } from "./rate-limit-store-suite.ts";
export type { PassTime, SuiteContext, SuiteExpectation, SuiteRunner } from "./runner.ts";
export {
  type SessionStoreSuiteContext,
  type SessionStoreSuiteOptions,
  sessionStoreSuite,
} from "./session-store-suite.ts";
