import { isJsonObject } from "@backplane/protocol";

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const ROLES: ReadonlySet<unknown> = new Set(["user", "assistant"]);

/**
 * Checks a prompt's message before it is sent (spec: server/prompts: media are base64 with a MIME type,
 * resources have a URI and text or blob).
 * @param where names the prompt and the place in what its handler returned.
 * @throws {TypeError} which is masked like any other mistake of a handler.
 */
export function checkPromptMessage(message: unknown, where: string): void {
  if (!isJsonObject(message) || !ROLES.has(message.role)) {
    throw new TypeError(`${where}: a message needs the role "user" or "assistant"`);
  }
  checkContentBlock(message.content, `${where}.content`);
}

function checkContentBlock(block: unknown, where: string): void {
  if (!isJsonObject(block)) throw new TypeError(`${where}: a content block must be an object`);
  switch (block.type) {
    case "text":
      checkText(block, "text", where);
      break;
    case "image":
    case "audio":
      checkBase64(block, "data", where);
      checkText(block, "mimeType", where);
      break;
    case "resource":
      checkResourceContents(block.resource, `${where}.resource`);
      break;
    case "resource_link":
      checkText(block, "uri", where);
      checkText(block, "name", where);
      break;
    default:
      throw new TypeError(`${where}: "${String(block.type)}" is no type of content`);
  }
}

/** @throws {TypeError} for resource contents without a URI, or without either text or base64. */
export function checkResourceContents(contents: unknown, where: string): void {
  if (!isJsonObject(contents)) throw new TypeError(`${where}: contents must be an object`);
  checkText(contents, "uri", where);
  if (contents.blob === undefined) checkText(contents, "text", where);
  else checkBase64(contents, "blob", where);
}

function checkText(object: Record<string, unknown>, member: string, where: string): void {
  if (typeof object[member] !== "string") {
    throw new TypeError(`${where}.${member}: must be a string`);
  }
}

function checkBase64(object: Record<string, unknown>, member: string, where: string): void {
  const value = object[member];
  if (typeof value !== "string" || value.length % 4 !== 0 || !BASE64.test(value)) {
    throw new TypeError(`${where}.${member}: must be base64`);
  }
}
