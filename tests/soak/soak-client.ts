import type { RenderedRequest } from "../fuzz/http-case.ts";
import { type Answer, type ExchangeOptions, HttpPeer } from "../fuzz/http-peer.ts";
import type { HeaderList } from "../fuzz/seed-messages.ts";
import {
  fullCapabilities,
  metaLogLevel,
  modernHeaders,
  modernRequest,
  type Params,
  type WireMessage,
} from "../protocol/harness/messages.ts";
import { messagesOf, SseParser } from "../protocol/harness/sse.ts";

// Reached only when something hangs.
const lingerMs = 60_000;

const JSON_HEADERS: HeaderList = [
  ["Content-Type", "application/json"],
  ["Accept", "application/json, text/event-stream"],
];

/** A legacy session: the headers that its requests carry. */
export type SessionHeaders = HeaderList;

/** One client of many at a server under soak; its connections are kept. */
export class SoakClient {
  /** Requests sent so far. */
  calls = 0;
  /** Sessions begun. */
  sessions = 0;
  refusedSessions = 0;
  readonly #peer: HttpPeer;
  #id = 0;

  constructor(url: string, maxSockets: number) {
    this.#peer = new HttpPeer(url, maxSockets);
  }

  close(): void {
    this.#peer.close();
  }

  /** A modern request, read to its end. */
  async modern(method: string, params: Params = {}, meta: Params = {}): Promise<WireMessage> {
    return this.#last(await this.#send(this.#modernRequest(method, params, meta)));
  }

  /** A modern request whose client goes away after `dropMs`, if it is not answered before. */
  async droppedModern(method: string, params: Params, dropMs: number): Promise<void> {
    const request = this.#modernRequest(method, params, { progressToken: "p" });
    await this.#send(request, { signal: AbortSignal.timeout(dropMs) });
  }

  /** Begins a session that nobody will end. @returns undefined when the server is full of them. */
  async openSession(): Promise<SessionHeaders | undefined> {
    const params = {
      protocolVersion: "2025-11-25",
      capabilities: { elicitation: {} },
      clientInfo: { name: "soak", version: "1" },
    };
    const message = { jsonrpc: "2.0", id: this.#newId(), method: "initialize", params };
    const answer = await this.#send(post(message, JSON_HEADERS));
    if (answer.status === 503) {
      this.refusedSessions++;
      return undefined;
    }
    this.sessions++;
    const id = answer.headers["mcp-session-id"];
    if (typeof id !== "string") throw new Error(`initialize: ${answer.status} ${answer.body}`);
    return [...JSON_HEADERS, ["Mcp-Session-Id", id], ["MCP-Protocol-Version", "2025-11-25"]];
  }

  /** A request of a session, read to its end; `answer` is what the client says when it is asked. */
  async legacy(
    session: SessionHeaders,
    method: string,
    params: Params,
    answer?: Params,
  ): Promise<WireMessage> {
    const parser = new SseParser();
    const onText = (text: string): void => {
      for (const message of messagesOf(parser.push(text))) {
        if (message.method === undefined || message.id === undefined || answer === undefined)
          continue;
        void this.#send(post({ jsonrpc: "2.0", id: message.id, result: answer }, session));
      }
    };
    return this.#last(await this.#send(this.#legacyRequest(session, method, params), { onText }));
  }

  /** A request of a session whose client goes away after `dropMs`, if it is not answered before. */
  async droppedLegacy(
    session: SessionHeaders,
    method: string,
    params: Params,
    dropMs: number,
  ): Promise<void> {
    const request = this.#legacyRequest(session, method, params);
    await this.#send(request, { signal: AbortSignal.timeout(dropMs) });
  }

  /** A GET stream, read for a while. @returns the last event id that was seen. */
  async get(headers: HeaderList, dropMs: number): Promise<string | undefined> {
    const accept: HeaderList = [["Accept", "text/event-stream"]];
    const kept = headers.filter(([name]) => name !== "Accept" && name !== "Content-Type");
    const request = { method: "GET", target: "/mcp", headers: [...accept, ...kept] };
    const parser = new SseParser();
    await this.#send(
      { ...request, body: undefined, chunked: false },
      { signal: AbortSignal.timeout(dropMs), onText: (text) => parser.push(text) },
    );
    return parser.events.findLast(({ id }) => id !== undefined)?.id;
  }

  async #send(request: RenderedRequest, options: Partial<ExchangeOptions> = {}): Promise<Answer> {
    this.calls++;
    const answer = await this.#peer.send(request, { lingerMs, ...options });
    if (answer.ended === "silent" || answer.ended === "reset" || answer.ended === "dropped") {
      throw new Error(`${request.method} ${request.body?.toString() ?? ""}: ${answer.ended}`);
    }
    return answer;
  }

  #modernRequest(method: string, params: Params, meta: Params): RenderedRequest {
    const capabilities = fullCapabilities;
    const message = modernRequest(method, params, { id: this.#newId(), capabilities, meta });
    return post(message, Object.entries(modernHeaders(message)));
  }

  #legacyRequest(session: SessionHeaders, method: string, params: Params): RenderedRequest {
    return post({ jsonrpc: "2.0", id: this.#newId(), method, params }, session);
  }

  #last(answer: Answer): WireMessage {
    if (answer.headers["content-type"] !== "text/event-stream") {
      return JSON.parse(answer.body) as WireMessage;
    }
    const parser = new SseParser();
    parser.push(answer.body);
    const last = messagesOf(parser.events).at(-1);
    if (last === undefined) throw new Error("a stream without a message");
    return last;
  }

  #newId(): number {
    return ++this.#id;
  }
}

/** The modern `_meta` of a client that wants to hear everything. */
export const CHATTY: Params = { progressToken: "p", [metaLogLevel]: "debug" };

function post(message: unknown, headers: HeaderList): RenderedRequest {
  const body = Buffer.from(JSON.stringify(message));
  return { method: "POST", target: "/mcp", headers, body, chunked: false };
}
