import { isJsonObject } from "@backplane/protocol";
import type { APIKeys } from "./api-key-entry.ts";

/**
 * Keys from a JSON file, in the form of the option `apiKeys`; with `digest` in the place of `key` the file
 * holds no secret.
 * @throws {Error} that names the file, and nothing of what it holds.
 */
export async function apiKeysFromFile(path: string): Promise<APIKeys> {
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`apiKeysFromFile: cannot read ${JSON.stringify(path)}`, { cause });
  }
  return parse(text, `apiKeysFromFile: ${JSON.stringify(path)}`);
}

/**
 * Keys from an environment variable: JSON in the form of the option `apiKeys`, or `client=key` pairs
 * separated by commas.
 * @throws {Error} that names the variable, and nothing of what it holds.
 */
export function apiKeysFromEnvironment(
  variable: string,
  environment: Readonly<Record<string, string | undefined>> = globalThis.process?.env ?? {},
): APIKeys {
  const text = environment[variable]?.trim() ?? "";
  const subject = `apiKeysFromEnvironment: the variable ${variable}`;
  if (text === "") throw new Error(`${subject} is not set`);
  if (text.startsWith("{")) return parse(text, subject);
  const pairs = text.split(",").map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1)
      throw new Error(`${subject} must hold JSON, or client=key pairs with commas between`);
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const;
  });
  const keys: Record<string, string[]> = Object.create(null);
  for (const [client, key] of pairs) keys[client] = [...(keys[client] ?? []), key];
  return { ...keys };
}

function parse(text: string, subject: string): APIKeys {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without the cause: the parser's message quotes what it read.
    throw new Error(`${subject} is not valid JSON`);
  }
  if (!isJsonObject(value)) throw new Error(`${subject} must hold a JSON object`);
  return value as APIKeys;
}
