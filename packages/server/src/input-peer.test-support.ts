import {
  type ClientCapabilities,
  META_CLIENT_CAPABILITIES,
  META_PROTOCOL_VERSION,
  type MessageTransport,
  type Revision,
} from "@backplane/protocol";
import { MCPServer } from "./mcp-server.ts";
import type { MCPServerOptions } from "./options.ts";

export type Members = Record<string, unknown>;

/** A message as it stands on the wire. */
export interface WireMessage {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Members;
  readonly result?: {
    readonly resultType?: string;
    readonly inputRequests?: Record<string, { method: string; params: Members }>;
    readonly requestState?: string;
    readonly content?: readonly { readonly text: string }[];
    readonly isError?: boolean;
  };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Members };
}

/** Answers one question; a thrown error is the client's JSON-RPC error. */
export type Answer = (method: string, params: Members) => unknown;

export const ALL_CAPABILITIES: ClientCapabilities = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: {},
};

/** A server whose log is kept, and read by nobody but a test. */
export function quietServer(logged: unknown[], options: Partial<MCPServerOptions> = {}): MCPServer {
  const log = (fields: object): void => void logged.push(fields);
  const logger = { debug: log, info: log, warn: log, error: log };
  return new MCPServer({ name: "asking", version: "1", logger, ...options });
}

/** The client's end of an in-memory connection, message by message. */
export class InputPeer {
  readonly #transport: MessageTransport;
  readonly #waiting = new Map<string, (message: WireMessage) => void>();
  readonly notifications: WireMessage[] = [];
  /** What the server asked over a legacy connection. */
  readonly asked: WireMessage[] = [];
  answer: Answer = () => new Promise(() => {});
  capabilities: ClientCapabilities = ALL_CAPABILITIES;
  #nextId = 1;

  constructor(transport: MessageTransport) {
    this.#transport = transport;
    transport.start({
      onMessage: (text) => this.#receive(JSON.parse(text) as WireMessage),
      onClose: () => {},
    });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  notify(method: string, params: Members): void {
    this.#transport.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  /** @returns the id that the request got, and its answer. */
  start(method: string, params: Members): { id: string; done: Promise<WireMessage> } {
    const id = `c${this.#nextId++}`;
    const done = new Promise<WireMessage>((resolve) => this.#waiting.set(id, resolve));
    this.#transport.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return { id, done };
  }

  request(method: string, params: Members): Promise<WireMessage> {
    return this.start(method, params).done;
  }

  /** Begins a legacy connection. */
  async initialize(revision: Revision): Promise<this> {
    const { capabilities } = this;
    const clientInfo = { name: "peer", version: "1" };
    await this.request("initialize", { protocolVersion: revision, capabilities, clientInfo });
    this.notify("notifications/initialized", {});
    return this;
  }

  modern(method: string, params: Members): Promise<WireMessage> {
    return this.request(method, {
      ...params,
      _meta: {
        [META_PROTOCOL_VERSION]: "2026-07-28",
        [META_CLIENT_CAPABILITIES]: this.capabilities,
      },
    });
  }

  /** Sends a modern request again with answers to all that it asks, until it asks no more. */
  async untilDone(
    method: string,
    params: Members,
    answers: (
      asked: Record<string, { method: string; params: Members }>,
      round: number,
    ) => Members | Promise<Members>,
  ): Promise<{ message: WireMessage; rounds: number }> {
    let message = await this.modern(method, params);
    let rounds = 0;
    while (message.result?.resultType === "input_required") {
      const { inputRequests = {}, requestState } = message.result;
      const inputResponses = await answers(inputRequests, rounds);
      rounds++;
      message = await this.modern(method, { ...params, inputResponses, requestState });
    }
    return { message, rounds };
  }

  #receive(message: WireMessage): void {
    if (message.method === undefined) {
      this.#waiting.get(message.id as string)?.(message);
      return;
    }
    if (message.id === undefined) this.notifications.push(message);
    else void this.#reply(message);
  }

  async #reply({ id, method = "", params = {} }: WireMessage): Promise<void> {
    this.asked.push({ method, params });
    let outcome: object;
    try {
      outcome = { result: await this.answer(method, params) };
    } catch (error) {
      const { code, message } = error as { code: number; message: string };
      outcome = { error: { code, message } };
    }
    this.#transport.send(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }));
  }
}

/** The text of a tool's result. */
export function textOf(message: WireMessage): string | undefined {
  return message.result?.content?.[0]?.text;
}
