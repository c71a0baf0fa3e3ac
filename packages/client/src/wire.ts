import {
  type ClientCapabilities,
  encodeHeaderValue,
  eraOf,
  HEADER_METHOD,
  HEADER_NAME,
  type Implementation,
  type JsonObject,
  type LogLevel,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
  type RequestId,
  type Revision,
} from "@backplane/protocol";

/** What every message of a connection repeats, as text made once. */
export interface MetaEncoder {
  /** The members of `_meta` that the era demands, without braces; empty in the legacy era. */
  readonly members: string;
  /** The text from `method` to the first member of `_meta`, by method. */
  readonly heads: Map<string, string>;
}

/** What of a request's `_meta` is its own. */
export interface RequestMeta {
  /** Further members; undefined for none. None of those that this file writes. */
  readonly meta: JsonObject | undefined;
  /** Asks for progress: the request's id becomes the token, so it is unique among those that run. */
  readonly wantsProgress: boolean;
  /** Modern: asks for log messages of this level and above. The legacy era has `logging/setLevel`. */
  readonly logLevel: LogLevel | undefined;
}

/** Methods whose head is kept: a caller may send any, and the map must not grow with what it makes up. */
const MAX_HEADS = 64;

const WRITTEN_HERE: ReadonlySet<string> = new Set([
  META_PROTOCOL_VERSION,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  "progressToken",
]);

/** What each modern request says of its client (spec: basic/index, `_meta`). */
function modernMeta(
  clientInfo: Implementation,
  capabilities: ClientCapabilities,
  revision: string,
): JsonObject {
  return {
    [META_PROTOCOL_VERSION]: revision,
    [META_CLIENT_INFO]: clientInfo as unknown as JsonObject,
    [META_CLIENT_CAPABILITIES]: capabilities as JsonObject,
  };
}

/**
 * Prepares the encoding of a connection's messages. The legacy era says who the client is in `initialize` only.
 * @throws {TypeError} when the description is not JSON.
 */
export function createMetaEncoder(
  clientInfo: Implementation,
  capabilities: ClientCapabilities,
  revision: Revision,
): MetaEncoder {
  const members =
    eraOf(revision) === "modern"
      ? JSON.stringify(modernMeta(clientInfo, capabilities, revision)).slice(1, -1)
      : "";
  return { members, heads: new Map() };
}

/**
 * The text of a request. Spliced rather than copied: `params` is stringified once, and joined to what all
 * requests of the connection share.
 * @param params without `_meta`.
 * @throws {TypeError} for what JSON cannot carry, and for a member of `own.meta` that is written here.
 */
export function encodeRequest(
  id: RequestId,
  method: string,
  params: JsonObject,
  encoder: MetaEncoder,
  own: RequestMeta,
): string {
  const idText = typeof id === "number" ? String(id) : JSON.stringify(id);
  const ownMembers =
    own.meta === undefined && !own.wantsProgress && own.logLevel === undefined
      ? ""
      : encodeOwn(idText, encoder, own);
  return `{"jsonrpc":"2.0","id":${idText}${encodeTail(method, params, encoder, ownMembers)}`;
}

/**
 * The text of a notification. A modern one claims its era like a request, because over stdio nothing else
 * says which it belongs to.
 * @param params without `_meta`.
 * @throws {TypeError} for what JSON cannot carry.
 */
export function encodeNotification(
  method: string,
  params: JsonObject | undefined,
  encoder: MetaEncoder,
): string {
  return `{"jsonrpc":"2.0"${encodeTail(method, params ?? {}, encoder, "")}`;
}

/**
 * The headers that mirror a modern request (spec: transports/streamable-http), names and values by turns.
 * @param target what the method is about: the name of a tool or prompt, or the URI of a resource.
 */
export function mirrorHeaders(method: string, target: string | undefined): readonly string[] {
  return target === undefined
    ? [HEADER_METHOD, method]
    : [HEADER_METHOD, method, HEADER_NAME, encodeHeaderValue(target)];
}

/** From the method to the end of the message. */
function encodeTail(
  method: string,
  params: JsonObject,
  encoder: MetaEncoder,
  ownMembers: string,
): string {
  const body = JSON.stringify(params);
  if (encoder.members === "" && ownMembers === "") {
    const head = `,"method":${JSON.stringify(method)}`;
    return body === "{}" ? `${head}}` : `${head},"params":${body}}`;
  }
  // `_meta` stands first: what precedes the caller's own members is then the same text every time.
  const rest = body === "{}" ? "}}}" : `},${body.slice(1)}}`;
  return headOf(method, encoder) + ownMembers + rest;
}

function headOf(method: string, encoder: MetaEncoder): string {
  const known = encoder.heads.get(method);
  if (known !== undefined) return known;
  const head = `,"method":${JSON.stringify(method)},"params":{"_meta":{${encoder.members}`;
  if (encoder.heads.size < MAX_HEADS) encoder.heads.set(method, head);
  return head;
}

function encodeOwn(idText: string, encoder: MetaEncoder, own: RequestMeta): string {
  let members = "";
  if (own.meta !== undefined) {
    for (const key of Object.keys(own.meta)) {
      if (!WRITTEN_HERE.has(key)) continue;
      throw new TypeError(`_meta: the member "${key}" is the protocol's and cannot be given`);
    }
    members = JSON.stringify(own.meta).slice(1, -1);
  }
  const join = (member: string): void => {
    members = members === "" ? member : `${members},${member}`;
  };
  if (own.wantsProgress) join(`"progressToken":${idText}`);
  if (own.logLevel !== undefined && encoder.members !== "") {
    join(`"${META_LOG_LEVEL}":"${own.logLevel}"`);
  }
  return members === "" || encoder.members === "" ? members : `,${members}`;
}
