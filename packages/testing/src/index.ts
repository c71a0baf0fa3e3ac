export { createFakeClock, type FakeClock } from "@backplane/protocol/test-suite";
export {
  type AnswerScript,
  AnswerScriptError,
  type AskedQuestion,
  accept,
  cancel,
  decline,
  type ScriptedAnswer,
  type ScriptedAnswers,
  says,
} from "./answers.ts";
export {
  type ChaosFaults,
  type ChaosTransport,
  type ChaosTransportOptions,
  chaosTransport,
  type InjectedFault,
} from "./chaos-transport.ts";
export { ContractError, type ContractOptions, checkContract } from "./contract.ts";
export type { AsymmetricMatcher, ExpectedOutput } from "./expected-value.ts";
export {
  type LoadAct,
  type LoadLatency,
  type LoadOptions,
  type LoadReport,
  type LoadToolOptions,
  loadTool,
  runLoad,
} from "./load.ts";
export { MCPTestClient } from "./mcp-test-client.ts";
export type {
  ReceivedNotification,
  TrafficEntry,
  TrafficHttp,
  TrafficMessage,
} from "./recorder.ts";
export type { ServerLogEntry } from "./server-log.ts";
export { type ServerSurface, surfaceOf } from "./surface.ts";
export { compareSurfaces, formatChanges, type SurfaceChange } from "./surface-diff.ts";
export type {
  MCPTestClientOptions,
  ToolCallOptions,
  ToolValueOptions,
} from "./test-client-options.ts";
export type {
  ServerInstance,
  ServerUnderTest,
  TestServerContext,
  TestTarget,
} from "./test-server.ts";
export {
  type NodeMock,
  type OutputMismatch,
  WorkflowTester,
  type WorkflowTesterOptions,
  type WorkflowTestOptions,
  type WorkflowTestResult,
  type WorkflowUnderTest,
} from "./workflow-tester.ts";
