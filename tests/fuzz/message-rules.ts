/** What a JSON-RPC message that a server may send is, written down apart from the code under test. */

type Json = Readonly<Record<string, unknown>>;

export type MessageKind = "response" | "error" | "request" | "notification";

export interface JudgedMessage {
  readonly kind: MessageKind;
  /** Undefined in an error whose request's id could not be read, and in notifications. */
  readonly id: string | number | undefined;
  readonly code: number | undefined;
  readonly data: Json | undefined;
}

/** What is wrong with a value as a message of a server, or what it is. */
export function judgeMessage(value: unknown): JudgedMessage | string {
  if (!isObject(value)) return "a message that is no object";
  if (value["jsonrpc"] !== "2.0") return 'a message without jsonrpc "2.0"';
  const { id, method, params, result, error } = value;
  const known = ["jsonrpc", "id", "method", "params", "result", "error"];
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) return `a message with a member ${JSON.stringify(unknown)}`;
  if ("id" in value && !isId(id)) return `a message with the id ${JSON.stringify(id)}`;
  const judged = { id: id as string | number | undefined, code: undefined, data: undefined };
  if ("method" in value) {
    if (typeof method !== "string") return "a method that is no string";
    if ("result" in value || "error" in value) return "a method with a result or an error";
    if ("params" in value && !isObject(params)) return "params that are no object";
    return { ...judged, kind: "id" in value ? "request" : "notification" };
  }
  if ("result" in value) {
    if ("error" in value) return "a result with an error";
    if (!("id" in value)) return "a result without an id";
    return isObject(result) ? { ...judged, kind: "response" } : "a result that is no object";
  }
  return isObject(error) ? judgeError(error, judged) : "neither a method, a result nor an error";
}

function judgeError(error: Json, judged: Omit<JudgedMessage, "kind">): JudgedMessage | string {
  const { code, message, data } = error;
  if (!Number.isSafeInteger(code)) return "an error whose code is no integer";
  if (typeof message !== "string" || message === "") return "an error without a message";
  const unknown = Object.keys(error).find((key) => !["code", "message", "data"].includes(key));
  if (unknown !== undefined) return `an error with a member ${JSON.stringify(unknown)}`;
  return {
    ...judged,
    kind: "error",
    code: code as number,
    data: isObject(data) ? data : undefined,
  };
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isId(value: unknown): value is string | number {
  return typeof value === "string" || Number.isSafeInteger(value);
}

/** What must be in no answer, unless the client said it first. */
const LEAKS: readonly RegExp[] = [
  /a detail that no client may see/,
  /\n\s+at /,
  /\\n\s+at /,
  /node:internal/,
  /node_modules/,
  /\/(?:dist|src)\/[\w./-]*\.[mc]?[jt]s/,
  /\.[mc]?[jt]s:\d+:\d+/,
  /\b(?:Type|Range|Reference|Syntax|Eval|URI)Error\b/,
  /Cannot read propert|is not a function|is not iterable|is not defined|not valid JSON at|Unexpected token/,
  /Maximum call stack|Invalid array length|Invalid string length|circular structure/,
  /\b(?:ENOENT|EACCES|ECONNREFUSED|EPIPE|ERR_[A-Z_]+)\b/,
];

/** Internals in an answer, or undefined. `sent` is what the client had said itself. */
export function leakIn(text: string, sent: string, secrets: readonly string[]): string | undefined {
  for (const pattern of LEAKS) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined && !sent.includes(found)) return `leaks ${JSON.stringify(found)}`;
  }
  const secret = secrets.find((each) => text.includes(each) && !sent.includes(each));
  return secret === undefined ? undefined : `leaks the path ${secret}`;
}

/** How deep a text nests, strings apart. */
export function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return deepest;
}
