/** The revision of a request. Header names are in lower case, as Node and `Headers` give them (spec: transports/streamable-http). */
export const HEADER_PROTOCOL_VERSION = "mcp-protocol-version";
/** The method, as in the body. */
export const HEADER_METHOD = "mcp-method";
/** The tool, prompt or resource that a request is for. */
export const HEADER_NAME = "mcp-name";
/** Legacy only. */
export const HEADER_SESSION_ID = "mcp-session-id";
/** Legacy only; the WHATWG name of an SSE cursor. */
export const HEADER_LAST_EVENT_ID = "last-event-id";
/** Followed by the lower-case value of an `x-mcp-header` annotation. */
export const PARAM_HEADER_PREFIX = "mcp-param-";

const SENTINEL_PREFIX = "=?base64?";
const SENTINEL_SUFFIX = "?=";
const SENTINEL_LENGTH = SENTINEL_PREFIX.length + SENTINEL_SUFFIX.length;

const TAB = 0x09;
const SPACE = 0x20;
const TILDE = 0x7e;
const EQUALS = 0x3d;

// Canonical base64: the right padding, and nothing else.
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;
const INTEGER = /^-?\d+(?:\.0+)?$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The header form of a string: itself when it is header-safe, else `=?base64?…?=` over its UTF-8
 * (spec: transports/streamable-http, value encoding). Non-ASCII and control characters, white space at
 * an edge and what looks like the sentinel are encoded.
 * @throws {TypeError} when `value` holds half a surrogate pair, which has no UTF-8.
 */
export function encodeHeaderValue(value: string): string {
  if (isLiteral(value)) return value;
  if (LONE_SURROGATE.test(value)) {
    throw new TypeError("a string with half a surrogate pair cannot be carried in a header");
  }
  let binary = "";
  for (const byte of new TextEncoder().encode(value)) binary += String.fromCharCode(byte);
  return SENTINEL_PREFIX + btoa(binary) + SENTINEL_SUFFIX;
}

/**
 * The string that a header carries, or undefined when it is malformed: characters that no encoder
 * leaves in clear, base64 that is not canonical, bytes that are not UTF-8. An incomplete sentinel is a
 * literal. `raw` must come without the white space around it, as HTTP parsers give it.
 */
export function decodeHeaderValue(raw: string): string | undefined {
  if (isSentinel(raw)) {
    const encoded = raw.slice(SENTINEL_PREFIX.length, -SENTINEL_SUFFIX.length);
    return BASE64.test(encoded) ? decodeBase64(encoded) : undefined;
  }
  for (let index = 0; index < raw.length; index++) {
    const code = raw.charCodeAt(index);
    if ((code < SPACE && code !== TAB) || code > TILDE) return undefined;
  }
  return raw;
}

/**
 * Whether a header says the same as the body. A value that is null or absent expects nothing of its
 * header (spec: transports/streamable-http). Numbers are compared as numbers (`42` and `42.0` are
 * equal), and only in the safe range; booleans are `true` and `false`. Objects and arrays match nothing.
 */
export function headerMatches(
  raw: string | undefined,
  value: unknown,
  type: "string" | "integer" | "boolean" = "string",
): boolean {
  if (value === undefined || value === null) return true;
  if (raw === undefined) return false;
  if (typeof value === "string") {
    // The path of `Mcp-Method` and `Mcp-Name` on every request: one comparison and one scan.
    if (raw === value) return isLiteral(raw) || decodeHeaderValue(raw) === value;
    return isSentinel(raw) && decodeHeaderValue(raw) === value;
  }
  const decoded = decodeHeaderValue(raw);
  if (decoded === undefined) return false;
  if (typeof value === "boolean") return decoded === (value ? "true" : "false");
  if (typeof value !== "number") return false;
  if (type === "integer" && Number.isInteger(value)) {
    // Digits that only rounding makes equal would tell a gateway something else than the tool.
    return Number.isSafeInteger(value) && INTEGER.test(decoded) && Number(decoded) === value;
  }
  return DECIMAL.test(decoded) && Number(decoded) === value;
}

/** Whether a string stands in a header as it is. */
function isLiteral(value: string): boolean {
  const length = value.length;
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index);
    if (code < SPACE || code > TILDE) return false;
  }
  if (value.charCodeAt(0) === SPACE || value.charCodeAt(length - 1) === SPACE) return false;
  // `=?base64?=` is no sentinel here, but peers that overlap its two halves would decode it.
  return !(
    value.charCodeAt(0) === EQUALS &&
    value.startsWith(SENTINEL_PREFIX) &&
    value.endsWith(SENTINEL_SUFFIX)
  );
}

function isSentinel(raw: string): boolean {
  return (
    raw.charCodeAt(0) === EQUALS &&
    raw.length >= SENTINEL_LENGTH &&
    raw.startsWith(SENTINEL_PREFIX) &&
    raw.endsWith(SENTINEL_SUFFIX)
  );
}

function decodeBase64(encoded: string): string | undefined {
  const binary = atob(encoded);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  // Canonical also means that the spare bits of the last character are zero.
  if (btoa(binary) !== encoded) return undefined;
  try {
    // Without `ignoreBOM` the decoder would swallow a leading U+FEFF that the body has.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
