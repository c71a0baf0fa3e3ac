import {
  type CacheHint,
  decodeImplementation,
  type Implementation,
  isJsonObject,
  type JsonObject,
  META_SERVER_INFO,
  type ServerCapabilities,
} from "@backplane/protocol";
import type { ServerDescription } from "../server-description.ts";

/** What a result of `server/discover` or `initialize` says; a string says what is wrong with it. */
export interface Claims {
  readonly server: ServerDescription;
  /** `supportedVersions`, or the one `protocolVersion`. */
  readonly versions: readonly string[];
}

/** Reads a result of `server/discover` (spec: server/discover). */
export function readDiscovery(result: JsonObject): Claims | string {
  const { supportedVersions, resultType, _meta } = result;
  if (resultType !== undefined && resultType !== "complete") {
    return `it has the resultType ${JSON.stringify(resultType)}`;
  }
  if (!isStrings(supportedVersions)) return "supportedVersions is not an array of strings";
  const info = isJsonObject(_meta) ? _meta[META_SERVER_INFO] : undefined;
  return { server: describe(result, info), versions: supportedVersions };
}

/** Reads a result of `initialize` (2025-11-25, basic/lifecycle). */
export function readInitialization(result: JsonObject): Claims | string {
  const { protocolVersion, serverInfo } = result;
  if (typeof protocolVersion !== "string") return "protocolVersion is not a string";
  return { server: describe(result, serverInfo), versions: [protocolVersion] };
}

/** What a server says of itself besides; what is not as the protocol has it counts as not said. */
function describe(result: JsonObject, info: unknown): ServerDescription {
  const { capabilities, instructions } = result;
  return {
    info: implementation(info),
    capabilities: isJsonObject(capabilities) ? declared(capabilities) : {},
    instructions: typeof instructions === "string" ? instructions : undefined,
    hint: cacheHint(result),
  };
}

function implementation(info: unknown): Implementation | undefined {
  try {
    return decodeImplementation(info, "serverInfo");
  } catch {
    return undefined;
  }
}

/** Capabilities are objects; some servers write null for what they do not have. */
function declared(capabilities: Readonly<Record<string, unknown>>): ServerCapabilities {
  const objects = Object.entries(capabilities).filter(([, value]) => isJsonObject(value));
  return Object.fromEntries(objects) as ServerCapabilities;
}

function cacheHint({ ttlMs, cacheScope }: JsonObject): CacheHint | undefined {
  const isTime = typeof ttlMs === "number" && ttlMs >= 0;
  const isScope = cacheScope === "public" || cacheScope === "private";
  return isTime && isScope ? { ttlMs, cacheScope } : undefined;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
