export { type RefreshLockSuiteOptions, refreshLockSuite } from "./refresh-lock-suite.ts";
export { tokenStoreSuite } from "./token-store-suite.ts";
