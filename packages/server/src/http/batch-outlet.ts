import {
  invalidRequest,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type LegacyRevision,
  messageKind,
  salvageId,
} from "@backplane/protocol";
import type { AnswerText } from "../large-text.ts";
import type { LiveSessions } from "../live-sessions.ts";
import type { RunningCall, SessionOutlet } from "../local-session.ts";
import { PendingRequests } from "../pending-requests.ts";
import { encodeFailure } from "../response-encoder.ts";
import type { HttpExchange } from "./exchange.ts";
import { Refusal } from "./refusal.ts";

/** One member of a batch. */
export type BatchEntry =
  | { readonly kind: "request"; readonly message: JsonRpcRequest }
  | { readonly kind: "notification"; readonly message: JsonRpcNotification }
  | { readonly kind: "response"; readonly message: JsonRpcResponse }
  /** What it is answered with. */
  | { readonly kind: "invalid"; readonly text: string };

/**
 * Reads a posted array. Batches came with 2025-03-26 and went with 2025-06-18.
 * @throws {Refusal} 400 when the revision has none, it is empty or too long, or it holds `initialize`.
 */
export function readBatch(
  messages: readonly unknown[],
  revision: LegacyRevision,
  maxBatch: number,
): readonly BatchEntry[] {
  if (revision !== "2025-03-26") {
    throw refused(`batches are part of revision 2025-03-26 only, and this is ${revision}`);
  }
  if (messages.length === 0 || messages.length > maxBatch) {
    throw refused(`a batch holds 1 to ${maxBatch} messages`);
  }
  const entries = messages.map(readEntry);
  if (entries.some((entry) => entry.kind === "request" && entry.message.method === "initialize")) {
    throw refused("initialize must not be part of a batch");
  }
  return entries;
}

function readEntry(message: unknown): BatchEntry {
  const kind = messageKind(message);
  switch (kind) {
    case "request":
      return { kind, message: message as JsonRpcRequest };
    case "notification":
      return { kind, message: message as JsonRpcNotification };
    case "result":
    case "failure":
      return { kind: "response", message: message as JsonRpcResponse };
    case "invalid": {
      const error = invalidRequest("not a JSON-RPC request, notification or response");
      return { kind, text: encodeFailure(salvageId(message), error.toErrorObject()) };
    }
  }
}

function refused(reason: string): Refusal {
  return new Refusal(400, invalidRequest(reason));
}

/** What carries a batch's messages once something precedes its answers. */
export interface BatchStream {
  send(text: string): void;
  notify(text: string): void;
  end(): unknown;
}

/**
 * The answer to one batch (2025-03-26, basic/transports): one JSON array, unless something must be sent
 * before it is complete; then each message as an event of its own.
 */
export class BatchReply {
  readonly #exchange: HttpExchange;
  readonly #openStream: () => BatchStream;
  readonly #answers: string[] = [];
  /** One for each request, and one until the whole batch was looked at. */
  #open = 1;
  #stream: BatchStream | undefined;

  constructor(exchange: HttpExchange, openStream: () => BatchStream) {
    this.#exchange = exchange;
    this.#openStream = openStream;
  }

  /** Expects one more answer. */
  expect(): void {
    this.#open++;
  }

  /** The whole batch was looked at: it is answered as soon as nothing is expected. */
  seal(): void {
    this.#close();
  }

  answer(text: string): void {
    if (this.#stream === undefined) this.#answers.push(text);
    else this.#stream.send(text);
    this.#close();
  }

  /** A cancelled request is not answered. */
  skip(): void {
    this.#close();
  }

  stream(): BatchStream {
    if (this.#stream === undefined) {
      this.#stream = this.#openStream();
      for (const text of this.#answers) this.#stream.send(text);
    }
    return this.#stream;
  }

  #close(): void {
    if (--this.#open > 0) return;
    if (this.#stream !== undefined) this.#stream.end();
    else if (this.#answers.length > 0) this.#exchange.respond(200, `[${this.#answers.join(",")}]`);
    else this.#exchange.respond(202, undefined);
  }
}

/** One request's place in a batch. */
export class BatchOutlet implements SessionOutlet {
  running: RunningCall | undefined = undefined;
  readonly #reply: BatchReply;
  readonly #live: LiveSessions;
  readonly #pending: PendingRequests;

  constructor(reply: BatchReply, live: LiveSessions) {
    this.#reply = reply;
    this.#live = live;
    this.#pending = new PendingRequests((text) => reply.stream().send(text));
  }

  request(method: string, params: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    return this.#pending.send(method, params, signal);
  }

  finish(text: AnswerText): void {
    this.#live.untrack(this);
    this.#reply.answer(String(text));
  }

  abandon(): void {
    this.#live.untrack(this);
    this.#reply.skip();
  }

  notify(text: string): void {
    this.#reply.stream().notify(text);
  }

  answer(response: JsonRpcResponse): boolean {
    return this.#pending.settle(response);
  }

  openIfSilent(): void {
    this.#reply.stream();
  }
}
