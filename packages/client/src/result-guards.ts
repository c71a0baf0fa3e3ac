import { isJsonObject, type JsonObject } from "@backplane/protocol";

/** Says what is wrong with a result, or undefined when it can be used. */
type ResultGuard = (result: JsonObject) => string | undefined;

/**
 * What each result must hold before a caller sees it: its required members, by the 2025-11-25 and 2026-07-28
 * schemas. Written by hand because it stands on the path of every call; members that only a caller looks at
 * are left to it.
 */
const RESULT_GUARDS: Readonly<Record<string, ResultGuard>> = {
  "tools/call": (result) => {
    if (result.isError !== undefined && typeof result.isError !== "boolean") {
      return "isError is no boolean";
    }
    return typedBlocks(result, "content");
  },
  "tools/list": (result) =>
    listOf(
      result,
      "tools",
      (tool) => typeof tool.name === "string" && isJsonObject(tool.inputSchema),
    ),
  "prompts/list": (result) =>
    listOf(result, "prompts", (prompt) => typeof prompt.name === "string"),
  "prompts/get": (result) =>
    listOf(
      result,
      "messages",
      ({ role, content }) =>
        (role === "user" || role === "assistant") &&
        isJsonObject(content) &&
        typeof content.type === "string",
    ),
  "resources/list": (result) => listOf(result, "resources", hasUri),
  "resources/templates/list": (result) =>
    listOf(result, "resourceTemplates", ({ uriTemplate }) => typeof uriTemplate === "string"),
  "resources/read": (result) =>
    listOf(
      result,
      "contents",
      (part) => hasUri(part) && (typeof part.text === "string" || typeof part.blob === "string"),
    ),
  "completion/complete": ({ completion }) =>
    isJsonObject(completion) &&
    Array.isArray(completion.values) &&
    completion.values.every((value) => typeof value === "string")
      ? undefined
      : "completion.values is no array of strings",
};

/** What is wrong with the result of a method, or undefined when it can be used. */
export function problemOf(method: string, result: JsonObject): string | undefined {
  return RESULT_GUARDS[method]?.(result);
}

function listOf(
  result: JsonObject,
  member: string,
  isItem: (item: Readonly<Record<string, unknown>>) => boolean,
): string | undefined {
  const items = result[member];
  if (!Array.isArray(items)) return `${member} is no array`;
  const wrong = items.findIndex((item) => !isJsonObject(item) || !isItem(item));
  if (wrong !== -1) return `${member}[${wrong}] is not what the protocol describes`;
  const { nextCursor } = result;
  return nextCursor === undefined || typeof nextCursor === "string"
    ? undefined
    : "nextCursor is no string";
}

function typedBlocks(result: JsonObject, member: string): string | undefined {
  const blocks = result[member];
  if (!Array.isArray(blocks)) return `${member} is no array`;
  for (let index = 0; index < blocks.length; index++) {
    const block: unknown = blocks[index];
    if (!isJsonObject(block) || typeof block.type !== "string") {
      return `${member}[${index}] has no type`;
    }
  }
  return undefined;
}

function hasUri({ uri }: Readonly<Record<string, unknown>>): boolean {
  return typeof uri === "string";
}
