import { clip } from "./errors.ts";
import { isJsonObject } from "./json.ts";
import type { Root, SampleParams, SamplingContent, SamplingMessage } from "./types/interaction.ts";

/** Whether a request to sample needs the client's `sampling.tools` capability. Takes params of any shape. */
export function samplesWithTools({ tools, toolChoice, messages }: SampleParams): boolean {
  return (
    tools !== undefined ||
    toolChoice !== undefined ||
    (Array.isArray(messages) &&
      messages.some((message) => samplingBlocks(message).some((block) => isToolType(block?.type))))
  );
}

/**
 * Checks what a model is to be asked (spec: client/sampling). Takes params of any shape.
 * @throws {TypeError} for messages that are no list, unknown content, no `maxTokens`, and tool uses that are not answered by
 * tool results alone in the next user message.
 */
export function checkSampleParams({ messages, maxTokens }: SampleParams): void {
  if (!Array.isArray(messages)) throw new TypeError('sample: "messages" must be a list');
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new TypeError('sample: "maxTokens" must be a whole number of 1 or more');
  }
  messages.forEach((message: SamplingMessage, index) => {
    checkMessage(message, messages[index - 1], `sample: messages[${index}]`);
  });
  const last: SamplingMessage | undefined = messages[messages.length - 1];
  if (last !== undefined && toolUseIds(last).length > 0) {
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
  const blocks = samplingBlocks(message);
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
      `${where}: must answer exactly the tool uses of the message before it (${clip(used.join(", ")) || "none"})`,
    );
  }
}

type ToolResult = Extract<SamplingContent, { type: "tool_result" }>;
type ToolUse = Extract<SamplingContent, { type: "tool_use" }>;

function toolUseIds(message: SamplingMessage): readonly string[] {
  return samplingBlocks(message)
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

/** The content of a message as a list; empty for what is no content. */
export function samplingBlocks(message: SamplingMessage): readonly SamplingContent[] {
  const content = message?.content as SamplingContent | readonly SamplingContent[] | undefined;
  if (content === undefined || content === null) return [];
  return Array.isArray(content) ? content : [content as SamplingContent];
}

/** What is wrong with what a model is said to have answered; undefined for nothing. */
export function sampleResultFault(answer: unknown): string | undefined {
  if (!isJsonObject(answer)) return "it is not an object";
  const { role, model, content, stopReason } = answer;
  if (role !== "user" && role !== "assistant") return "its role is not user or assistant";
  if (typeof model !== "string") return "its model is not a string";
  if (stopReason !== undefined && typeof stopReason !== "string") {
    return "its stopReason is not a string";
  }
  const blocks = Array.isArray(content) ? content : [content];
  return blocks.every(isSamplingContent)
    ? undefined
    : "its content is not text, image, audio, tool_use or tool_result";
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

/** Whether a value is a root: a `file://` URI, with or without a name (spec: client/roots). */
export function isRoot(value: unknown): value is Root {
  return (
    isJsonObject(value) &&
    typeof value.uri === "string" &&
    value.uri.startsWith("file://") &&
    URL.canParse(value.uri) &&
    (value.name === undefined || typeof value.name === "string")
  );
}
