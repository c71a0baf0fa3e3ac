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
export { MCPTestClient } from "./mcp-test-client.ts";
export type {
  ReceivedNotification,
  TrafficEntry,
  TrafficHttp,
  TrafficMessage,
} from "./recorder.ts";
export type { ServerLogEntry } from "./server-log.ts";
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
