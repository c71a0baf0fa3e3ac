import {
  checkSampleParams,
  isJsonObject,
  type SampleParams,
  type SampleResult,
  sampleResultFault,
  samplesWithTools,
  samplingBlocks,
} from "@backplane/protocol";
import type { InputHandlers, InputRequestContext } from "../input-handlers.ts";
import { handlerFault, RefusedQuestion, runHandler } from "./question.ts";

const CONTEXTS: ReadonlySet<unknown> = new Set(["none", "thisServer", "allServers"]);
const CHOICES: ReadonlySet<unknown> = new Set(["auto", "required", "none"]);

/** The members that may be missing, and what they are when they are not (schema: CreateMessageRequest). */
const OPTIONAL_MEMBERS: readonly (readonly [keyof SampleParams, (value: unknown) => boolean])[] = [
  ["systemPrompt", (value) => typeof value === "string"],
  ["temperature", Number.isFinite],
  [
    "stopSequences",
    (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  ],
  ["modelPreferences", isJsonObject],
  ["includeContext", (value) => CONTEXTS.has(value)],
  ["metadata", isJsonObject],
  [
    "tools",
    (value) =>
      Array.isArray(value) &&
      value.every((tool) => isJsonObject(tool) && typeof tool.name === "string"),
  ],
  [
    "toolChoice",
    (value) => isJsonObject(value) && (value.mode === undefined || CHOICES.has(value.mode)),
  ],
];

/**
 * Asks the model (spec: client/sampling).
 * @throws {RefusedQuestion} for what may not be asked, or not of this client.
 * @throws {MCPClientError} `input_refused` when the handler fails or its answer does not fit the question.
 */
export async function answerSample(
  params: unknown,
  { sample, sampleTools = false }: InputHandlers,
  context: InputRequestContext,
): Promise<SampleResult> {
  if (sample === undefined) {
    throw new RefusedQuestion("no_handler", "sampling/createMessage: there is no handlers.sample");
  }
  const asked = readParams(params);
  if (!sampleTools && samplesWithTools(asked)) {
    throw new RefusedQuestion(
      "no_mode",
      "sampling/createMessage: tools are not offered; handlers.sampleTools is not true",
    );
  }
  const answer = await runHandler("sample", context, () => sample(asked, context));
  const fault = sampleResultFault(answer) ?? toolFault(answer, asked);
  if (fault !== undefined) throw handlerFault("sample", `gave a bad answer: ${fault}`);
  const { content } = answer;
  // Before 2025-11-25 a message holds one block; a list of one says the same.
  return Array.isArray(content) && content.length === 1
    ? { ...answer, content: content[0] }
    : answer;
}

function readParams(params: unknown): SampleParams {
  if (!isJsonObject(params)) throw malformed("there are no params");
  const asked = params as unknown as SampleParams;
  for (const [member, fits] of OPTIONAL_MEMBERS) {
    if (asked[member] !== undefined && !fits(asked[member])) {
      throw malformed(`"${member}" is not what it must be`);
    }
  }
  try {
    checkSampleParams(asked);
  } catch (error) {
    throw malformed((error as TypeError).message);
  }
  return asked;
}

/** Whether the model used tools as `tools` and `toolChoice` let it. */
function toolFault(answer: SampleResult, { tools, toolChoice }: SampleParams): string | undefined {
  const used = samplingBlocks(answer).filter(({ type }) => type === "tool_use");
  const mode = toolChoice?.mode ?? "auto";
  if (used.length === 0) {
    // A model that ran out of tokens had no chance to.
    return mode === "required" && answer.stopReason !== "maxTokens"
      ? "it uses no tool, and toolChoice demands one"
      : undefined;
  }
  if (tools === undefined || tools.length === 0) return "it uses a tool, and none was offered";
  return mode === "none" ? "it uses a tool, and toolChoice forbids it" : undefined;
}

function malformed(reason: string): RefusedQuestion {
  return new RefusedQuestion("malformed", `sampling/createMessage: ${reason}`);
}
