export {
  type ChaoticProvider,
  chaoticProvider,
  PROVIDER_LIES,
  type ProviderLie,
} from "./chaotic-provider.ts";
export {
  type MakeProviderChaotic,
  resourceProviderChaosSuite,
} from "./resource-provider-chaos-suite.ts";
export {
  type ProvidedText,
  type ResourceProviderSuiteContext,
  resourceProviderSuite,
} from "./resource-provider-suite.ts";
export { readText, suiteRequestContext } from "./suite-context.ts";
