import {
  isAtLeast,
  isJsonObject,
  missingClientCapability,
  type Revision,
  type SampleParams,
  type SampleResult,
  type SamplingContent,
  type SamplingMessage,
} from "@backplane/protocol";
import type { Asked, ParsedAnswer, PreparedAsk } from "./asks.ts";

/**
 * @throws {MCPError} −32021 when the client declared no sampling, or not the part of it that is used.
 * @throws {TypeError} for messages that break the rules of tool use (spec: client/sampling).
 */
export function prepareSample(params: SampleParams, asked: Asked): PreparedAsk<SampleResult> {
  checkCapabilities(params, asked);
  checkParams(params);
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
  if (usesTools(params) && !(knowsTools && sampling.tools !== undefined)) {
    throw missingClientCapability({ sampling: { tools: {} } });
  }
  const { includeContext = "none" } = params;
  // Older revisions have no capability for it (2025-11-25, client/sampling).
  if (includeContext !== "none" && knowsTools && sampling.context === undefined) {
    throw missingClientCapability({ sampling: { context: {} } });
  }
}

function usesTools({ tools, toolChoice, messages }: SampleParams): boolean {
  return (
    tools !== undefined ||
    toolChoice !== undefined ||
    (Array.isArray(messages) &&
      messages.some((message) => blocksOf(message).some((block) => isToolType(block?.type))))
  );
}

function checkParams({ messages, maxTokens }: SampleParams): void {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new TypeError('sample: "messages" must hold at least one message');
  }
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new TypeError('sample: "maxTokens" must be a whole number of 1 or more');
  }
  messages.forEach((message: SamplingMessage, index) => {
    checkMessage(message, messages[index - 1], `sample: messages[${index}]`);
  });
  const last = messages[messages.length - 1] as SamplingMessage;
  if (toolUseIds(last).length > 0) {
    throw new TypeError(
      `sample: messages[${messages.length - 1}] uses a tool whose result does not follow`,
    );
  }
}

/** Each tool use is answered by tool results alone, in the next user message (spec: client/sampling). */
function checkMessage(
  message: SamplingMessage,
  before: SamplingMessage | undefined,
  where: string,
): void {
  if (message?.role !== "user" && message?.role !== "assistant") {
    throw new TypeError(`${where}: "role" must be "user" or "assistant"`);
  }
  const blocks = blocksOf(message);
  if (blocks.length === 0 || !blocks.every((block) => isSamplingContent(block))) {
    throw new TypeError(`${where}: "content" must be text, image, audio, tool_use or tool_result`);
  }
  const results = blocks.filter(({ type }) => type === "tool_result") as ToolResult[];
  if (results.length > 0 && (message.role !== "user" || results.length < blocks.length)) {
    throw new TypeError(`${where}: tool results stand alone in a user message`);
  }
  if (message.role === "user" && blocks.some(({ type }) => type === "tool_use")) {
    throw new TypeError(`${where}: only the assistant uses tools`);
  }
  const used = before === undefined ? [] : toolUseIds(before);
  const answered = results.map(({ toolUseId }) => toolUseId);
  if (!sameIds(used, answered)) {
    throw new TypeError(
      `${where}: must answer exactly the tool uses of the message before it (${used.join(", ") || "none"})`,
    );
  }
}

type ToolResult = Extract<SamplingContent, { type: "tool_result" }>;
type ToolUse = Extract<SamplingContent, { type: "tool_use" }>;

function toolUseIds(message: SamplingMessage): readonly string[] {
  return blocksOf(message)
    .filter((block): block is ToolUse => block.type === "tool_use")
    .map(({ id }) => id);
}

function sameIds(used: readonly string[], answered: readonly string[]): boolean {
  return (
    used.length === answered.length &&
    new Set(used).size === used.length &&
    new Set([...used, ...answered]).size === used.length
  );
}

function isToolType(type: unknown): boolean {
  return type === "tool_use" || type === "tool_result";
}

function blocksOf(message: SamplingMessage): readonly SamplingContent[] {
  const content = message?.content as SamplingContent | readonly SamplingContent[] | undefined;
  if (content === undefined || content === null) return [];
  return Array.isArray(content) ? content : [content as SamplingContent];
}

/** Before 2025-11-25 a message holds one block: several become several messages of the same role. */
function messagesFor(
  revision: Revision,
  messages: readonly SamplingMessage[],
): readonly SamplingMessage[] {
  if (isAtLeast(revision, "2025-11-25")) return messages;
  return messages.flatMap((message) =>
    blocksOf(message).map((content) => ({ ...message, content })),
  );
}

function parseSample(answer: unknown): ParsedAnswer<SampleResult> {
  if (!isJsonObject(answer)) return { reason: "it is not an object" };
  const { role, model, content, stopReason } = answer;
  if (role !== "user" && role !== "assistant") {
    return { reason: "its role is not user or assistant" };
  }
  if (typeof model !== "string") return { reason: "its model is not a string" };
  if (stopReason !== undefined && typeof stopReason !== "string") {
    return { reason: "its stopReason is not a string" };
  }
  const blocks = Array.isArray(content) ? content : [content];
  return blocks.every(isSamplingContent)
    ? { value: answer as unknown as SampleResult }
    : { reason: "its content is not text, image, audio, tool_use or tool_result" };
}

const BLOCK_CHECKS: Readonly<Record<string, (block: Record<string, unknown>) => boolean>> = {
  text: ({ text }) => typeof text === "string",
  image: isMedia,
  audio: isMedia,
  tool_use: ({ id, name, input }) =>
    typeof id === "string" && typeof name === "string" && isJsonObject(input),
  tool_result: ({ toolUseId, content }) => typeof toolUseId === "string" && Array.isArray(content),
};

function isMedia({ data, mimeType }: Record<string, unknown>): boolean {
  return typeof data === "string" && typeof mimeType === "string";
}

function isSamplingContent(value: unknown): value is SamplingContent {
  if (!isJsonObject(value) || typeof value.type !== "string") return false;
  return Object.hasOwn(BLOCK_CHECKS, value.type) && BLOCK_CHECKS[value.type]?.(value) === true;
}
