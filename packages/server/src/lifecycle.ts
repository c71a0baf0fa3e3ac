import {
  type ClientCapabilities,
  decodeCapabilities,
  decodeImplementation,
  type Implementation,
  invalidParams,
  isLegacyRevision,
  LATEST_LEGACY_REVISION,
  type LegacyRevision,
  type MCPError,
  META_CLIENT_CAPABILITIES,
  META_PROTOCOL_VERSION,
  MODERN_REVISIONS,
  unsupportedProtocolVersion,
} from "@backplane/protocol";
import type { ResolvedOptions } from "./options.ts";
import type { Registry } from "./registry.ts";

/**
 * Most characters of what a client says of itself, which its session keeps and reads again for each
 * request: icons as data URIs fit, a body of `maxBodyBytes` would make every `ping` as dear as itself.
 */
const MAX_CLIENT_CHARS = 65_536;

/** What an `initialize` request settles for the rest of its session or connection. */
export interface Initialized {
  readonly revision: LegacyRevision;
  readonly clientInfo: Implementation;
  readonly capabilities: ClientCapabilities;
  /** The result to answer with. */
  readonly result: object;
}

/**
 * Settles a legacy handshake: the version asked for if it is spoken here, else the newest legacy one,
 * which the client may refuse (2025-11-25, basic/lifecycle).
 * @throws {MCPError} −32602 when the params are not those of `initialize`.
 */
export function initialize(
  params: Readonly<Record<string, unknown>> | undefined,
  options: ResolvedOptions,
  registry: Registry,
): Initialized {
  const requested = params?.protocolVersion;
  if (typeof requested !== "string") throw invalidParams("params.protocolVersion must be a string");
  const revision = isLegacyRevision(requested) ? requested : LATEST_LEGACY_REVISION;
  const clientInfo = decodeImplementation(params?.clientInfo, "params.clientInfo");
  const capabilities = decodeCapabilities(params?.capabilities, "params.capabilities");
  if (JSON.stringify([clientInfo, capabilities]).length > MAX_CLIENT_CHARS) {
    throw invalidParams(
      `params.clientInfo and params.capabilities hold more than ${MAX_CLIENT_CHARS} characters`,
    );
  }
  return {
    revision,
    clientInfo,
    capabilities,
    result: {
      protocolVersion: revision,
      capabilities: registry.capabilities(),
      serverInfo: options.serverInfo,
      ...(options.instructions !== undefined && { instructions: options.instructions }),
    },
  };
}

/**
 * What a legacy message is told where only modern revisions are served: the versions, if it names one of
 * its own, so that its user can be told; else what it lacks (spec: basic/versioning, basic/index).
 */
export function legacyRefused(requested: unknown): MCPError {
  return typeof requested === "string"
    ? unsupportedProtocolVersion(requested, MODERN_REVISIONS)
    : invalidParams(`_meta must carry ${META_PROTOCOL_VERSION} and ${META_CLIENT_CAPABILITIES}`);
}
