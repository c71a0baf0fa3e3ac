import { homedir } from "node:os";
import { messagesOf, SseParser } from "../protocol/harness/sse.ts";
import type { RenderedRequest } from "./http-case.ts";
import type { Answer } from "./http-peer.ts";
import { isId, isObject, judgeMessage, leakIn, nesting } from "./message-rules.ts";

/** The deepest nesting that the server is configured to read: its default. */
const MAX_DEPTH = 64;

const UNAVAILABLE = -1503;
const REASONS: readonly unknown[] = [
  "draining",
  "overloaded",
  "too_many_sessions",
  "too_many_streams",
  "store_unavailable",
];
const MASKED = -32603;

/** Headers that our server sets, or node:http. Any other would have been injected. */
const RESPONSE_HEADERS: ReadonlySet<string> = new Set([
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "access-control-max-age",
  "allow",
  "cache-control",
  "connection",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "mcp-session-id",
  "retry-after",
  "transfer-encoding",
  "vary",
  "x-accel-buffering",
]);

/** Statuses of refusals before the body is read or its shape is known: nothing says whose they are. */
const ANONYMOUS: ReadonlySet<number> = new Set([403, 404, 405, 406, 413, 415, 417, 431]);

const SECRETS: readonly string[] = [process.cwd(), homedir()].filter((path) => path.length > 1);

/** Everything that is wrong with the answer to a request, as sentences. */
export function violations(request: RenderedRequest, answer: Answer): string[] {
  const found = [...transportViolations(answer)];
  if (found.length > 0 || answer.ended === "dropped-early") return found;
  const sent = sentText(request);
  const leak = leakIn(answer.body + JSON.stringify(answer.headers), sent, SECRETS);
  if (leak !== undefined) found.push(leak);
  const foreign = Object.keys(answer.headers).find((name) => !RESPONSE_HEADERS.has(name));
  if (foreign !== undefined) found.push(`sets the header ${foreign}`);
  const messages = messagesIn(request, answer);
  if (typeof messages === "string") found.push(messages);
  else found.push(...messageViolations(request, answer, messages));
  return found;
}

function transportViolations(answer: Answer): string[] {
  if (answer.ended === "silent") return ["does not answer"];
  if (answer.ended === "reset") return ["breaks the connection"];
  if (answer.status >= 500 && answer.status !== 503)
    return [`answers with status ${answer.status}`];
  return [];
}

/** The messages of an answer, or what keeps it from being read. */
function messagesIn(request: RenderedRequest, answer: Answer): unknown[] | string {
  const { status, body, headers } = answer;
  const type = headers["content-type"];
  if (type === "text/event-stream") return streamMessages(answer);
  if (body === "") return emptyAllowed(request, answer) ? [] : `answers ${status} without a body`;
  if (type !== "application/json") return `answers with the type ${type}`;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return "answers with a body that is not JSON";
  }
  if (/^\/(?:health|ready)(?:\?|$)/.test(request.target)) return [];
  if (!Array.isArray(value)) return [value];
  if (!Array.isArray(parsed(request))) return "answers with a batch";
  return value.length === 0 ? "answers with an empty batch" : value;
}

function emptyAllowed({ method, target }: RenderedRequest, { status, headers }: Answer): boolean {
  if (method === "HEAD") return true;
  // What is no endpoint of MCP says by headers alone which methods it takes (RFC 9110, 15.5.6).
  if (status === 405) return !target.startsWith("/mcp") && headers["allow"] !== undefined;
  if (status === 202 || status === 417) return true;
  // A preflight, or a stream that has nothing more to say: clients must not come back (WHATWG, 9.2.3).
  if (status === 204) return method === "OPTIONS" || method === "GET";
  if (status === 200) return method === "DELETE";
  // What node:http refuses by itself.
  return [400, 408, 431].includes(status) && headers["connection"] === "close";
}

function streamMessages(answer: Answer): unknown[] | string {
  const parser = new SseParser();
  parser.push(answer.body);
  try {
    return messagesOf(parser.events.filter(({ event }) => event !== "endpoint")).flat();
  } catch {
    return "streams an event that is not JSON";
  }
}

function messageViolations(
  request: RenderedRequest,
  answer: Answer,
  messages: readonly unknown[],
): string[] {
  const body = parsed(request);
  const requests = (Array.isArray(body) ? body : [body]).filter(isRequest);
  const usable = new Set(requests.map(({ id }) => id));
  const ids = (Array.isArray(body) ? body : [body]).map(idOf);
  const found: string[] = [];
  const answered = new Map<unknown, number>();
  for (const message of messages) {
    const judged = judgeMessage(message);
    if (typeof judged === "string") found.push(`sends ${judged}`);
    else if (judged.kind === "response" || judged.kind === "error") {
      if (judged.id !== undefined && !ids.includes(judged.id)) {
        found.push(`answers with the id ${JSON.stringify(judged.id)}, which was not sent`);
      }
      if (judged.id === undefined && usable.size > 0 && !mayForgetId(request, answer)) {
        found.push("answers without the id of the request");
      }
      if (judged.code === MASKED && !request.body?.includes("test_masked_error")) {
        found.push("fails unexpectedly (−32603)");
      }
      answered.set(judged.id, (answered.get(judged.id) ?? 0) + 1);
    } else if (judged.kind === "request" && isModern(body)) {
      found.push("sends a request in the modern era");
    }
  }
  for (const [id, count] of answered) {
    const asked = ids.filter((each) => each === id).length;
    if (id !== undefined && count > asked) {
      found.push(`answers ${count} times to ${JSON.stringify(id)}`);
    }
  }
  if (answer.status === 503) found.push(...unavailableViolations(answer, messages));
  found.push(...completenessViolations(request, answer, usable, answered));
  return found;
}

/** A 503 has to be one of ours: it names its reason and says when to come back. */
function unavailableViolations(answer: Answer, messages: readonly unknown[]): string[] {
  const judged = judgeMessage(messages[0]);
  if (typeof judged === "string") return ["answers 503 without saying why"];
  const { code, data } = judged;
  if (code !== UNAVAILABLE || !REASONS.includes(data?.["reason"])) {
    return ["answers with a 503 that has no name of ours"];
  }
  const named = Number.isSafeInteger(data?.["retryAfterMs"]) && answer.headers["retry-after"];
  return named ? [] : ["answers 503 without saying when to come back"];
}

/** Whoever asks and waits to the end gets an answer: one message per request, or a refusal. */
function completenessViolations(
  request: RenderedRequest,
  answer: Answer,
  usable: ReadonlySet<unknown>,
  answered: ReadonlyMap<unknown, number>,
): string[] {
  if (answer.ended !== "complete" || usable.size === 0) return [];
  if (answered.size > 0) return [];
  // HTTP+SSE answers on its stream; a cancelled legacy call ends its stream without an answer; a request
  // that node:http refused was never read.
  if (answer.status === 202 && request.target.includes("sessionId=")) return [];
  if (answer.headers["content-type"] === "text/event-stream" && !isModern(parsed(request))) {
    return [];
  }
  if (answer.status === 417 || answer.headers["connection"] === "close") return [];
  if (/^\/(?:health|ready)(?:\?|$)/.test(request.target)) return [];
  return [`answers ${answer.status} to a request without a response in it`];
}

function mayForgetId(request: RenderedRequest, { status }: Answer): boolean {
  return ANONYMOUS.has(status) || Array.isArray(parsed(request)) || tooDeep(request);
}

function tooDeep({ body }: RenderedRequest): boolean {
  return body !== undefined && nesting(body.toString("utf8")) > MAX_DEPTH;
}

/** The body as the server reads it: only that of a POST is read. */
function parsed({ method, body }: RenderedRequest): unknown {
  if (method !== "POST") return undefined;
  try {
    return JSON.parse(body?.toString("utf8") ?? "");
  } catch {
    return undefined;
  }
}

function isRequest(value: unknown): value is { readonly id: string | number } {
  return isObject(value) && typeof value["method"] === "string" && isId(value["id"]);
}

function idOf(value: unknown): unknown {
  return isObject(value) && isId(value["id"]) ? value["id"] : undefined;
}

function isModern(body: unknown): boolean {
  const params = isObject(body) ? body["params"] : undefined;
  const meta = isObject(params) ? params["_meta"] : undefined;
  return isObject(meta) && typeof meta["io.modelcontextprotocol/protocolVersion"] === "string";
}

/** What the client said, in the spellings in which an answer may repeat it. */
function sentText({ target, headers, body }: RenderedRequest): string {
  const text = `${target}\n${headers.flat().join("\n")}\n${body?.toString("utf8") ?? ""}`;
  let decoded = "";
  try {
    decoded = decodeURIComponent(text);
  } catch {
    // Nothing to decode: the text as it is stands in the result.
  }
  return `${text}\n${decoded}`;
}
