export {
  type ConformanceLeg,
  INAPPLICABLE,
  readRequirements,
  scoredScenarios,
} from "./conformance/requirements.ts";
export {
  judgeScenario,
  readResults,
  type ScenarioVerdict,
  type SuiteCheck,
  type SuiteResult,
} from "./conformance/results.ts";
export {
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceRevision,
  formatConformance,
  runConformance,
} from "./conformance/run-conformance.ts";
export { ConformanceSetupError, findNode, findSuite, runSuite } from "./conformance/suite.ts";
