import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { MCPClient, type MCPClientOptions } from "@backplane/client";
import { CHANNELS, type GaugeEvent, type RequestEvent } from "@backplane/protocol";
import { MCPServer, type MCPServerOptions } from "@backplane/server";
import { closing, revisionOf, type WireEra } from "./clients.ts";

export const carriers = ["http", "in-memory"] as const;
export type Carrier = (typeof carriers)[number];

/** Every era over every way to a server that lives in this process. */
export const legs: readonly (readonly [WireEra, Carrier])[] = (
  ["modern", "legacy"] as const
).flatMap((era) => carriers.map((carrier) => [era, carrier] as const));

/** A Backplane server, and what it saw. */
export class RealServer {
  /** Methods of the requests that it dispatched. */
  readonly requests: string[] = [];
  readonly #make: () => MCPServer;
  readonly #carrier: Carrier;
  readonly #onRequest: (event: unknown) => void;
  readonly #onGauge: (event: unknown) => void;
  #server: MCPServer;
  #streams = 0;
  #port = 0;

  private constructor(carrier: Carrier, make: () => MCPServer) {
    this.#carrier = carrier;
    this.#make = make;
    this.#server = make();
    this.#onRequest = (event) => {
      const { serverId, context } = event as RequestEvent;
      if (serverId === this.#server.serverId) this.requests.push(context.method);
    };
    this.#onGauge = (event) => {
      const { serverId, kind, delta } = event as GaugeEvent;
      if (serverId === this.#server.serverId && kind === "stream") this.#streams += delta;
    };
    subscribe(CHANNELS.requestStart.name, this.#onRequest);
    subscribe(CHANNELS.gauge.name, this.#onGauge);
  }

  static async start(
    carrier: Carrier,
    setup: (server: MCPServer) => void,
    options: Partial<MCPServerOptions> = {},
  ): Promise<RealServer> {
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const real = new RealServer(carrier, () => {
      const server = new MCPServer({ name: "real", version: "1", logger: quiet, ...options });
      setup(server);
      return server;
    });
    await real.#listen();
    return closing(real);
  }

  /** The server object that runs now. */
  get server(): MCPServer {
    return this.#server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  /** Streams that are open at the server now. */
  get streams(): number {
    return this.#streams;
  }

  count(method: string): number {
    return this.requests.filter((one) => one === method).length;
  }

  client(era: WireEra, options: Partial<MCPClientOptions> = {}): MCPClient {
    const target =
      this.#carrier === "http" ? { url: this.url } : { transport: this.#server.connectInMemory() };
    return closing(new MCPClient({ ...target, protocol: revisionOf[era], ...options }));
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** Another server object where the last one was (HTTP). */
  async begin(): Promise<void> {
    this.#server = this.#make();
    this.#streams = 0;
    await this.#listen();
  }

  async close(): Promise<void> {
    await this.stop();
    unsubscribe(CHANNELS.requestStart.name, this.#onRequest);
    unsubscribe(CHANNELS.gauge.name, this.#onGauge);
  }

  async #listen(): Promise<void> {
    if (this.#carrier !== "http") return;
    const { port } = await this.#server.start({ port: this.#port, drainTimeoutMs: 2_000 });
    this.#port = port as number;
  }
}
