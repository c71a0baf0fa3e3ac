import { invalidParams } from "../../errors.ts";
import {
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
} from "../../meta.ts";
import { isLogLevel } from "../../types/peers.ts";
import {
  decodeCapabilities,
  decodeImplementation,
  decodeProgressToken,
  type RequestClaims,
} from "../claims.ts";

/**
 * Reads what a modern request says of itself.
 * @throws {MCPError} −32602 that names what is missing or malformed (spec: basic/index, `_meta`).
 */
export function decodeClaims(meta: Readonly<Record<string, unknown>> | undefined): RequestClaims {
  if (meta === undefined) {
    throw invalidParams(
      `_meta must carry ${META_PROTOCOL_VERSION} and ${META_CLIENT_CAPABILITIES}`,
    );
  }
  if (typeof meta[META_PROTOCOL_VERSION] !== "string") {
    throw invalidParams(`_meta must carry the string ${META_PROTOCOL_VERSION}`);
  }
  const capabilities = meta[META_CLIENT_CAPABILITIES];
  if (capabilities === undefined) {
    throw invalidParams(`_meta must carry ${META_CLIENT_CAPABILITIES}`);
  }
  const info = meta[META_CLIENT_INFO];
  const logLevel = meta[META_LOG_LEVEL];
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    throw invalidParams(`_meta ${META_LOG_LEVEL} is not a log level`);
  }
  return {
    progressToken: decodeProgressToken(meta.progressToken),
    capabilities: decodeCapabilities(capabilities, META_CLIENT_CAPABILITIES),
    clientInfo: info === undefined ? undefined : decodeImplementation(info, META_CLIENT_INFO),
    logLevel,
  };
}
