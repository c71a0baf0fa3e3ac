import { isJsonObject } from "../../json.ts";
import { isAtLeast, type LegacyRevision } from "../../revisions.ts";
import type { ContentBlock } from "../../types/content.ts";
import type { CallToolResult, GetPromptResult, JsonSchema, Tool } from "../../types/primitives.ts";

/** The JSON text of a result: 2025 revisions have neither `resultType` nor cache hints. */
export function encodeResult(result: object): string {
  return JSON.stringify(result);
}

/**
 * Output that is not an object travels under one key, because legacy `structuredContent` and
 * `outputSchema` are objects (2025-11-25, schema: Tool, CallToolResult).
 */
const WRAPPED_OUTPUT_MEMBER = "result";

/** A tool as a legacy revision lists it. */
export function encodeTool(tool: Tool): Tool {
  const { outputSchema } = tool;
  if (outputSchema === undefined || outputSchema.type === "object") return tool;
  return { ...tool, outputSchema: wrapSchema(outputSchema) };
}

function wrapSchema(schema: JsonSchema): JsonSchema {
  // `$defs` and `$schema` keep their place at the root, or the refs of the wrapped part would break.
  const { $defs, $schema, ...rest } = schema;
  return {
    ...($schema !== undefined && { $schema }),
    ...($defs !== undefined && { $defs }),
    type: "object",
    properties: { [WRAPPED_OUTPUT_MEMBER]: rest },
    required: [WRAPPED_OUTPUT_MEMBER],
  };
}

/** A result as a legacy revision carries it: tool results and prompt messages hold content. */
export function encodeBody(
  method: string,
  result: object,
  objectOutput: boolean | undefined,
  revision: LegacyRevision,
): object {
  if (method === "tools/call") {
    return encodeToolResult(result as CallToolResult, revision, objectOutput);
  }
  return method === "prompts/get"
    ? encodePromptResult(result as GetPromptResult, revision)
    : result;
}

function encodePromptResult(prompt: GetPromptResult, revision: LegacyRevision): GetPromptResult {
  const messages = prompt.messages.map((message) => ({
    ...message,
    content: encodeContentBlock(message.content, revision),
  }));
  return { ...prompt, messages };
}

/**
 * A tool's result as a legacy revision carries it.
 * @param objectOutput whether the tool's declared output is an object; undefined without declaration.
 */
function encodeToolResult(
  result: CallToolResult,
  revision: LegacyRevision,
  objectOutput: boolean | undefined,
): CallToolResult {
  const structured = result.structuredContent;
  const wrap =
    structured !== undefined && !((objectOutput ?? true) ? isJsonObject(structured) : false);
  const content = encodeContent(result.content, revision);
  if (!wrap && content === result.content) return result;
  return {
    ...result,
    content,
    ...(wrap && { structuredContent: { [WRAPPED_OUTPUT_MEMBER]: structured } }),
  };
}

/** Content as a legacy revision carries it: what it has no kind for becomes the nearest it has. */
function encodeContent(
  content: readonly ContentBlock[],
  revision: LegacyRevision,
): readonly ContentBlock[] {
  if (isAtLeast(revision, "2025-06-18")) return content;
  return content.every((block) => isKnown(block, revision))
    ? content
    : content.map((block) => encodeContentBlock(block, revision));
}

function isKnown(block: ContentBlock, revision: LegacyRevision): boolean {
  return (
    block.type !== "resource_link" && (block.type !== "audio" || isAtLeast(revision, "2025-03-26"))
  );
}

/** One block; a link becomes text that names it, audio an embedded resource with the same bytes. */
function encodeContentBlock(block: ContentBlock, revision: LegacyRevision): ContentBlock {
  if (isKnown(block, revision)) return block;
  if (block.type === "resource_link") {
    return { type: "text", text: `[${block.title ?? block.name}](${block.uri})` };
  }
  if (block.type === "audio") {
    return {
      type: "resource",
      resource: { uri: "about:audio", mimeType: block.mimeType, blob: block.data },
    };
  }
  return block;
}
