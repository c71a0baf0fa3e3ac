import type { MCPError } from "../errors.ts";
import type { JsonRpcErrorObject } from "../json-rpc.ts";
import {
  type Era,
  LEGACY_REVISIONS,
  type LegacyRevision,
  MODERN_REVISIONS,
  type ModernRevision,
  type Revision,
} from "../revisions.ts";
import type { Implementation } from "../types/peers.ts";
import type { CacheHint, Tool } from "../types/primitives.ts";
import type { RequestClaims } from "./claims.ts";
import { decodeClaims as decodeLegacyClaims } from "./legacy/decode.ts";
import * as legacyEncode from "./legacy/encode.ts";
import * as legacyErrors from "./legacy/errors.ts";
import { LEGACY_METHODS } from "./legacy/methods.ts";
import type { MethodTable } from "./method-row.ts";
import { decodeClaims as decodeModernClaims } from "./modern/decode.ts";
import * as modernEncode from "./modern/encode.ts";
import * as modernErrors from "./modern/errors.ts";
import { MODERN_METHODS } from "./modern/methods.ts";

/** What a server puts around every result; made once per server object. */
export interface ResultEnvelope {
  readonly serverInfo: Implementation;
  readonly serverInfoMember: string;
}

/** The one door to an era's wire form. A row per revision; the layers above never ask which it is. */
export interface WireCodec {
  readonly era: Era;
  readonly revision: Revision;
  readonly methods: MethodTable;
  readonly resourceNotFoundCode: number;
  /** @throws {MCPError} −32602 when `_meta` is not what the era demands. */
  decodeClaims(meta: Readonly<Record<string, unknown>> | undefined): RequestClaims;
  /** The JSON text of a complete result. */
  encodeResult(result: object, envelope: ResultEnvelope, hint: CacheHint | undefined): string;
  encodeError(error: MCPError): JsonRpcErrorObject;
  encodeTool(tool: Tool): Tool;
  /**
   * The result of a method with content and structured output as the revision carries them.
   * @param objectOutput whether the called tool declares an object as output; undefined without declaration.
   */
  encodeBody(method: string, result: object, objectOutput: boolean | undefined): object;
  /** Whether the results of cacheable methods say how long they may be reused. */
  readonly carriesCacheHints: boolean;
  /** Whether a client answers what a call asks by sending the call again; else it answers each question. */
  readonly answersByRetry: boolean;
  /** Whether a request over HTTP repeats arguments of its tool in `Mcp-Param-*` headers. */
  readonly mirrorsArguments: boolean;
}

/** Prepares what a server puts around its results. */
export function createResultEnvelope(serverInfo: Implementation): ResultEnvelope {
  return { serverInfo, serverInfoMember: modernEncode.serverInfoMember(serverInfo) };
}

function modernCodec(revision: ModernRevision): WireCodec {
  return {
    era: "modern",
    revision,
    methods: MODERN_METHODS,
    resourceNotFoundCode: modernErrors.RESOURCE_NOT_FOUND_CODE,
    decodeClaims: decodeModernClaims,
    encodeResult: modernEncode.encodeResult,
    encodeError: modernErrors.encodeError,
    encodeTool: (tool) => tool,
    encodeBody: (_method, result) => result,
    carriesCacheHints: true,
    answersByRetry: true,
    mirrorsArguments: true,
  };
}

function legacyCodec(revision: LegacyRevision): WireCodec {
  return {
    era: "legacy",
    revision,
    methods: LEGACY_METHODS,
    resourceNotFoundCode: legacyErrors.RESOURCE_NOT_FOUND_CODE,
    decodeClaims: decodeLegacyClaims,
    encodeResult: legacyEncode.encodeResult,
    encodeError: legacyErrors.encodeError,
    encodeTool: legacyEncode.encodeTool,
    encodeBody: (method, result, objectOutput) =>
      legacyEncode.encodeBody(method, result, objectOutput, revision),
    carriesCacheHints: false,
    answersByRetry: false,
    mirrorsArguments: false,
  };
}

const codecs: ReadonlyMap<Revision, WireCodec> = new Map<Revision, WireCodec>([
  ...MODERN_REVISIONS.map((revision) => [revision, modernCodec(revision)] as const),
  ...LEGACY_REVISIONS.map((revision) => [revision, legacyCodec(revision)] as const),
]);

/** The codec of a supported revision. */
export function codecFor(revision: Revision): WireCodec {
  return codecs.get(revision) as WireCodec;
}
