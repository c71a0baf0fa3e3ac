// The contract of stores stands beside their seam, in protocol, since caches are not its only users.
export {
  ChaosError,
  type ChaosOptions,
  type Chaotic,
  chaotic,
  createFakeClock,
  type FakeClock,
  type KeyValueStoreSuiteOptions,
  keyValueStoreSuite,
  type PassTime,
  type SuiteContext,
  type SuiteExpectation,
  type SuiteRunner,
} from "@backplane/protocol/test-suite";
