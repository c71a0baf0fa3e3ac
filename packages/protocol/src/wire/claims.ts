import { invalidParams } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import type { ProgressToken } from "../json-rpc.ts";
import type { ClientCapabilities, Implementation, LogLevel } from "../types/peers.ts";

/** What a request's `_meta` says about the request, after its era's decoding. */
export interface RequestClaims {
  readonly progressToken: ProgressToken | undefined;
  /** Modern only: in the legacy era the session holds these three. */
  readonly capabilities: ClientCapabilities | undefined;
  readonly clientInfo: Implementation | undefined;
  readonly logLevel: LogLevel | undefined;
}

const CAPABILITY_MEMBERS = [
  "experimental",
  "extensions",
  "roots",
  "sampling",
  "elicitation",
  "tasks",
] as const;

/** @throws {MCPError} −32602 when a member that exists is not an object. */
export function decodeCapabilities(value: unknown, subject: string): ClientCapabilities {
  if (!isJsonObject(value)) throw invalidParams(`${subject} must be an object`);
  for (const member of CAPABILITY_MEMBERS) {
    if (value[member] !== undefined && !isJsonObject(value[member])) {
      throw invalidParams(`${subject}.${member} must be an object`);
    }
  }
  return value as ClientCapabilities;
}

/** @throws {MCPError} −32602 when `name` or `version` is not a string. */
export function decodeImplementation(value: unknown, subject: string): Implementation {
  if (!isJsonObject(value) || typeof value.name !== "string" || typeof value.version !== "string") {
    throw invalidParams(`${subject} must be an object with the strings name and version`);
  }
  return value as unknown as Implementation;
}

/** Longest progress token: every report repeats it, so that a long one multiplies what a client sent. */
const MAX_PROGRESS_TOKEN_LENGTH = 1_024;

/** @throws {MCPError} −32602 when it is neither a string nor an integer, or longer than 1,024 characters. */
export function decodeProgressToken(value: unknown): ProgressToken | undefined {
  if (typeof value === "string" && value.length > MAX_PROGRESS_TOKEN_LENGTH) {
    throw invalidParams(
      `_meta.progressToken is longer than ${MAX_PROGRESS_TOKEN_LENGTH} characters`,
    );
  }
  if (value === undefined || typeof value === "string" || Number.isSafeInteger(value)) {
    return value as ProgressToken | undefined;
  }
  throw invalidParams("_meta.progressToken must be a string or an integer");
}
