// The contract of stores stands beside their seam, in protocol, since caches are not its only users.
export {
  ChaosError,
  type ChaosOptions,
  type Chaotic,
  type ChaoticStore,
  chaotic,
  chaoticStore,
  createFakeClock,
  type FakeClock,
  type KeyValueStoreSuiteOptions,
  keyValueStoreChaosSuite,
  keyValueStoreSuite,
  type PassTime,
  STORE_LIES,
  type StoreChaosContext,
  type StoreLie,
  type SuiteContext,
  type SuiteExpectation,
  type SuiteRunner,
} from "@backplane/protocol/test-suite";
export { type CacheChaosContext, cacheChaosSuite } from "./cache-chaos-suite.ts";
