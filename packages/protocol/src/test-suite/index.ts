export { ChaosError, type ChaosOptions, type Chaotic, chaotic, seededRandom } from "./chaotic.ts";
export { type ChaoticStore, chaoticStore, STORE_LIES, type StoreLie } from "./chaotic-store.ts";
export { eventBusSuite, type MakeBuses } from "./event-bus-suite.ts";
export {
  type EventLogSuiteContext,
  type EventLogSuiteOptions,
  eventLogSuite,
} from "./event-log-suite.ts";
export { createFakeClock, type FakeClock } from "./fake-clock.ts";
export { keyRingSuite } from "./key-ring-suite.ts";
export { keyValueStoreChaosSuite, type StoreChaosContext } from "./key-value-store-chaos-suite.ts";
export { type KeyValueStoreSuiteOptions, keyValueStoreSuite } from "./key-value-store-suite.ts";
export { type RateLimitStoreSuiteOptions, rateLimitStoreSuite } from "./rate-limit-store-suite.ts";
export {
  eventually,
  type PassTime,
  type SuiteContext,
  type SuiteExpectation,
  type SuiteRunner,
  using,
} from "./runner.ts";
export {
  type SessionStoreSuiteContext,
  type SessionStoreSuiteOptions,
  sessionStoreSuite,
} from "./session-store-suite.ts";
