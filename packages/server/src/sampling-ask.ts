import {
  checkSampleParams,
  isAtLeast,
  missingClientCapability,
  type Revision,
  type SampleParams,
  type SampleResult,
  type SamplingMessage,
  sampleResultFault,
  samplesWithTools,
  samplingBlocks,
} from "@backplane/protocol";
import type { Asked, ParsedAnswer, PreparedAsk } from "./asks.ts";

/**
 * @throws {MCPError} −32021 when the client declared no sampling, or not the part of it that is used.
 * @throws {TypeError} for messages that break the rules of tool use (spec: client/sampling).
 */
export function prepareSample(params: SampleParams, asked: Asked): PreparedAsk<SampleResult> {
  checkCapabilities(params, asked);
  // Legal on the wire, but a question that asks nothing is a mistake.
  if (params.messages?.length === 0) {
    throw new TypeError('sample: "messages" must hold at least one message');
  }
  checkSampleParams(params);
  const messages = messagesFor(asked.revision, params.messages);
  return {
    method: "sampling/createMessage",
    params: { ...params, messages },
    parse: parseSample,
  };
}

function checkCapabilities(params: SampleParams, { revision, capabilities }: Asked): void {
  const { sampling } = capabilities;
  if (sampling === undefined) throw missingClientCapability({ sampling: {} });
  const knowsTools = isAtLeast(revision, "2025-11-25");
  if (samplesWithTools(params) && !(knowsTools && sampling.tools !== undefined)) {
    throw missingClientCapability({ sampling: { tools: {} } });
  }
  const { includeContext = "none" } = params;
  // Older revisions have no capability for it (2025-11-25, client/sampling).
  if (includeContext !== "none" && knowsTools && sampling.context === undefined) {
    throw missingClientCapability({ sampling: { context: {} } });
  }
}

/** Before 2025-11-25 a message holds one block: several become several messages of the same role. */
function messagesFor(
  revision: Revision,
  messages: readonly SamplingMessage[],
): readonly SamplingMessage[] {
  if (isAtLeast(revision, "2025-11-25")) return messages;
  return messages.flatMap((message) =>
    samplingBlocks(message).map((content) => ({ ...message, content })),
  );
}

function parseSample(answer: unknown): ParsedAnswer<SampleResult> {
  const reason = sampleResultFault(answer);
  return reason === undefined ? { value: answer as SampleResult } : { reason };
}
