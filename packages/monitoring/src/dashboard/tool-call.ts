import { type HttpEventStream, isJsonObject, type JsonObject } from "@backplane/protocol";
import type { ServerClient } from "./server-client.ts";

/** What of a result is sent to the page. */
const MAX_RESULT_LENGTH = 500_000;
/** Progress and log lines are left out for a page that does not keep up. */
const MAX_QUEUED_BYTES = 65_536;

/** What the form sends. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
  /** The answers of an earlier round of the same call, with the state that came with its questions. */
  readonly inputResponses?: JsonObject;
  readonly requestState?: string;
}

/** @returns a sentence for a body that is no call. */
export function readToolCall(body: string): ToolCall | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return "The body must be JSON";
  }
  if (!isJsonObject(value)) return "The body must be an object";
  const { name, arguments: given = {}, inputResponses, requestState } = value;
  if (typeof name !== "string") return 'The member "name" must be a string';
  if (!isJsonObject(given)) return 'The member "arguments" must be an object';
  if (inputResponses !== undefined && !isJsonObject(inputResponses)) {
    return 'The member "inputResponses" must be an object';
  }
  if (requestState !== undefined && typeof requestState !== "string") {
    return 'The member "requestState" must be a string';
  }
  return {
    name,
    arguments: given as JsonObject,
    ...(inputResponses !== undefined && { inputResponses: inputResponses as JsonObject }),
    ...(requestState !== undefined && { requestState }),
  };
}

/**
 * Calls a tool and tells the page how it goes: `progress`, `log`, and at the end one of `result`, `ask` and
 * `error`. Nothing of a call that asks is kept: the state comes back with the answers.
 */
export async function callTool(
  client: ServerClient,
  call: ToolCall,
  stream: HttpEventStream,
): Promise<void> {
  stream.onClose(() => client.close());
  const startedAtMs = performance.now();
  const answer = await client.request("tools/call", { ...call } as JsonObject, (method, params) => {
    const event = method === "notifications/progress" ? "progress" : "log";
    if (stream.closed || stream.queuedBytes > MAX_QUEUED_BYTES) return;
    stream.send({ event, data: JSON.stringify(params) });
  });
  if (!stream.closed) {
    const durationMs = performance.now() - startedAtMs;
    stream.send(endOf(answer, durationMs));
  }
  stream.close();
}

function endOf(
  answer: Awaited<ReturnType<ServerClient["request"]>>,
  durationMs: number,
): { readonly event: string; readonly data: string } {
  if ("error" in answer) return { event: "error", data: bounded({ ...answer, durationMs }) };
  const { result } = answer;
  const event = result["resultType"] === "input_required" ? "ask" : "result";
  return { event, data: bounded({ result, durationMs }) };
}

/** JSON of any size is shown as the beginning of its text. */
function bounded(value: object): string {
  const json = JSON.stringify(value);
  if (json.length <= MAX_RESULT_LENGTH) return json;
  const { durationMs } = value as { durationMs: number };
  return JSON.stringify({
    durationMs,
    length: json.length,
    beginning: json.slice(0, MAX_RESULT_LENGTH),
  });
}
