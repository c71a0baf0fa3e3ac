import {
  META_CLIENT_CAPABILITIES,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
  type Principal,
} from "@backplane/protocol";
import {
  ALL_CAPABILITIES,
  type Answer,
  InputPeer,
  type Members,
  quietServer,
  type WireMessage,
} from "./input-peer.test-support.ts";
import type { HostedSdkServer } from "./internal/sdk-host.ts";
import type { HostSdkServerOptions } from "./internal/sdk-host-options.ts";
import type { SdkServer } from "./internal/sdk-shapes.ts";
import type { MCPServer } from "./mcp-server.ts";
import type { MCPServerOptions } from "./options.ts";
import type { HostedFixture } from "./sdk-fixture.test-support.ts";

export type Era = "modern" | "legacy";
export const ERAS: readonly Era[] = ["modern", "legacy"];

export type HostFunction = (
  server: MCPServer,
  sdkServer: SdkServer | (() => SdkServer | Promise<SdkServer>),
  options?: HostSdkServerOptions,
) => Promise<HostedSdkServer>;

export interface HostingSdk {
  readonly makeFixture: () => HostedFixture;
  readonly hostSdkServer: HostFunction;
}

/** A result as loosely as a test reads it. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever arrived
export type Loose = any;

export interface CallParams {
  readonly args?: Members;
  readonly meta?: Members;
}

/** A client of one era, which answers questions in the way of that era. */
export class EraClient {
  readonly peer: InputPeer;
  readonly era: Era;
  /** How often a tool call was sent until it was answered for good. */
  rounds = 0;

  constructor(peer: InputPeer, era: Era) {
    this.peer = peer;
    this.era = era;
  }

  set answer(answer: Answer) {
    this.peer.answer = answer;
  }

  start(
    method: string,
    params: Members = {},
    meta: Members = {},
  ): { id: string; done: Promise<WireMessage> } {
    const claims =
      this.era === "modern"
        ? {
            [META_PROTOCOL_VERSION]: "2026-07-28",
            [META_CLIENT_CAPABILITIES]: this.peer.capabilities,
          }
        : {};
    return this.peer.start(method, { ...params, _meta: { ...claims, ...meta } });
  }

  async request(method: string, params?: Members, meta?: Members): Promise<WireMessage> {
    return this.start(method, params, meta).done;
  }

  async list(method: string, member: string): Promise<Members[]> {
    return ((await this.request(method)).result as Loose)[member];
  }

  /** Calls a tool, answering what it asks. */
  async call(name: string, { args = {}, meta = {} }: CallParams = {}): Promise<WireMessage> {
    const params = { name, arguments: args };
    let message = await this.request("tools/call", params, meta);
    this.rounds = 1;
    while (message.result?.resultType === "input_required") {
      const { inputRequests = {}, requestState } = message.result;
      const inputResponses: Members = {};
      for (const [key, asked] of Object.entries(inputRequests)) {
        inputResponses[key] = await this.peer.answer(asked.method, asked.params);
      }
      message = await this.request("tools/call", { ...params, inputResponses, requestState }, meta);
      this.rounds++;
    }
    return message;
  }

  /** Starts a call whose answer may never come. */
  startCall(name: string, args: Members = {}): { id: string; done: Promise<WireMessage> } {
    return this.start("tools/call", { name, arguments: args });
  }

  cancel(id: string): void {
    this.peer.notify("notifications/cancelled", { requestId: id, reason: "changed my mind" });
  }

  received(method: string): Members[] {
    return this.peer.notifications
      .filter((notification) => notification.method === method)
      .map(({ params = {} }) => params);
  }
}

/** The `_meta` with which a modern request asks for log messages. */
export const WANTS_LOGS: Members = { [META_LOG_LEVEL]: "warning" };

/** A hosted server, the Backplane server in front of it, and its clients. */
export interface Rig {
  readonly server: MCPServer;
  readonly hosted: HostedSdkServer;
  readonly fixture: HostedFixture;
  /** What both loggers were told. */
  readonly logged: Loose[];
  client(era: Era, principal?: Principal, capabilities?: Members): Promise<EraClient>;
}

/** Makes rigs, and takes them down again. */
export class Rigs {
  readonly #sdk: HostingSdk;
  readonly #open: (() => Promise<unknown>)[] = [];

  constructor(sdk: HostingSdk) {
    this.#sdk = sdk;
  }

  async open(
    options: HostSdkServerOptions = {},
    serverOptions: Partial<MCPServerOptions> = {},
  ): Promise<Rig> {
    const logged: Loose[] = [];
    const fixture = this.#sdk.makeFixture();
    const server = quietServer(logged, serverOptions);
    const log = (fields: object, message: string): void => void logged.push({ ...fields, message });
    const logger = { debug: log, info: log, warn: log, error: log };
    const hosted = await this.#sdk.hostSdkServer(server, fixture.sdkServer, { logger, ...options });
    this.#open.push(async () => {
      await server.stop();
      await hosted.close({ drainTimeoutMs: 0 });
    });
    return {
      server,
      hosted,
      fixture,
      logged,
      client: async (era, principal, capabilities = ALL_CAPABILITIES as Members) => {
        const peer = new InputPeer(
          server.connectInMemory(principal === undefined ? {} : { principal }),
        );
        peer.capabilities = capabilities;
        return new EraClient(era === "legacy" ? await peer.initialize("2025-11-25") : peer, era);
      },
    };
  }

  async close(): Promise<void> {
    for (const close of this.#open.splice(0)) await close();
  }
}
