import type { ReceivedRequest, ScriptedServer } from "./scripted-server.ts";

type Json = Readonly<Record<string, unknown>>;

export const metaKey = "io.modelcontextprotocol/";

/** The requests of one method, in the order in which they came. */
export function requestsOf(server: ScriptedServer, method: string): ReceivedRequest[] {
  return server.received.filter(({ name }) => name === method);
}

/** The `_meta` of a request. */
export function metaOf({ message }: ReceivedRequest): Json {
  return (message.params?.["_meta"] ?? {}) as Json;
}

/** Ends a request with questions (modern). */
export function askFor(request: ReceivedRequest, members: Json): void {
  const result = { resultType: "input_required", ...members };
  request.json({ jsonrpc: "2.0", id: request.message.id, result });
}

/** A question for a form with these fields. */
export function formQuestion(properties: Json = {}): Json {
  const requestedSchema = { type: "object", properties };
  return { method: "elicitation/create", params: { message: "?", requestedSchema } };
}

export const done: Json = { content: [{ type: "text", text: "done" }] };
