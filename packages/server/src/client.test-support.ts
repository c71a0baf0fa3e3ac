import {
  LATEST_MODERN_REVISION,
  META_CLIENT_CAPABILITIES,
  META_PROTOCOL_VERSION,
  type MessageTransport,
} from "@backplane/protocol";
import type { MCPServer } from "./mcp-server.ts";

export interface Answer {
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export type EraName = "modern" | "legacy";
export const ERAS: readonly EraName[] = ["modern", "legacy"];

/** A raw client in memory, of one era: it adds what the era demands and nothing else. */
export class RawClient {
  readonly #transport: MessageTransport;
  readonly #era: EraName;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly notifications: { method: string; params?: Record<string, unknown> }[] = [];
  #nextId = 1;

  private constructor(transport: MessageTransport, era: EraName) {
    this.#transport = transport;
    this.#era = era;
    transport.start({ onMessage: (text) => this.#receive(text), onClose: () => {} });
  }

  static async connect(
    server: MCPServer,
    era: EraName,
    revision = "2025-11-25",
  ): Promise<RawClient> {
    const client = new RawClient(server.connectInMemory(), era);
    if (era === "legacy") {
      await client.request("initialize", {
        protocolVersion: revision,
        capabilities: {},
        clientInfo: { name: "raw", version: "1" },
      });
      client.send({ method: "notifications/initialized" });
    }
    return client;
  }

  /** Sends a request and resolves with its answer. */
  request(
    method: string,
    params: Record<string, unknown> = {},
    meta: Record<string, unknown> = {},
  ): Promise<Answer> {
    const id = this.#nextId++;
    const own =
      this.#era === "modern"
        ? { [META_PROTOCOL_VERSION]: LATEST_MODERN_REVISION, [META_CLIENT_CAPABILITIES]: {} }
        : {};
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.send({ id, method, params: { ...params, _meta: { ...own, ...meta } } });
    return answer;
  }

  /** The result of a request that must succeed. */
  async result(
    method: string,
    params?: Record<string, unknown>,
    meta?: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const { result, error } = await this.request(method, params, meta);
    if (result === undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  /** The result of a tool call that must succeed. */
  call(name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    return this.result("tools/call", { name, arguments: args });
  }

  send(message: Record<string, unknown>): void {
    this.#transport.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as Answer & { id?: number; method?: string };
    if (message.method !== undefined) {
      this.notifications.push(message as { method: string });
      return;
    }
    const { id = 0 } = message;
    this.#waiting.get(id)?.(message);
    this.#waiting.delete(id);
  }
}
