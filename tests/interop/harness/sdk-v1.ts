import { createSdkTransport } from "@backplane/client/sdk-v1";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type CompleteRequest,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import {
  type CallOptions,
  type ClientKind,
  capabilitiesOf,
  type Host,
  type InteropClient,
  type Notification,
  type Target,
  type ToolResult,
  type Watch,
} from "./interop-client.ts";

function openTransport(target: Target): Transport {
  // The SDK's own transports are not assignable to its interface under exactOptionalPropertyTypes.
  switch (target.kind) {
    case "http":
      return new StreamableHTTPClientTransport(new URL(target.url)) as Transport;
    case "sse":
      return new SSEClientTransport(new URL(target.url)) as Transport;
    case "stdio":
      return new StdioClientTransport({
        command: process.execPath,
        args: [target.script, ...target.args],
        stderr: "ignore",
      });
  }
}

function answerFor(client: Client, host: Partial<Host>): void {
  const elicit = host.elicit?.bind(host);
  const sample = host.sample?.bind(host);
  const roots = host.roots?.bind(host);
  if (elicit) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ ...elicit(params) }));
  }
  if (sample) {
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
      ...sample(params),
    }));
  }
  if (roots)
    client.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: [...roots()],
    }));
}

class SdkV1Client implements InteropClient {
  readonly era = "legacy";
  readonly notifications: Notification[] = [];
  readonly #client: Client;
  readonly #protocolVersion: () => string | undefined;

  constructor(client: Client, protocolVersion: () => string | undefined) {
    this.#client = client;
    this.#protocolVersion = protocolVersion;
    client.fallbackNotificationHandler = async (notification) => {
      this.notifications.push(notification as Notification);
    };
  }

  get protocolVersion() {
    return this.#protocolVersion();
  }

  get serverName() {
    return this.#client.getServerVersion()?.name;
  }

  get serverCapabilities() {
    return this.#client.getServerCapabilities();
  }

  get instructions() {
    return this.#client.getInstructions();
  }

  async listTools() {
    return (await this.#client.listTools()).tools;
  }

  async callTool(name: string, args = {}, options: CallOptions = {}): Promise<ToolResult> {
    if (options.logLevel) await this.#client.setLoggingLevel(options.logLevel);
    const result = await this.#client.callTool({ name, arguments: args }, undefined, {
      ...(options.onProgress && { onprogress: options.onProgress }),
      ...(options.signal && { signal: options.signal }),
    });
    return result as ToolResult;
  }

  async listPrompts() {
    return (await this.#client.listPrompts()).prompts;
  }

  getPrompt(name: string, args: Record<string, string> = {}) {
    return this.#client.getPrompt({ name, arguments: args });
  }

  async listResources() {
    return (await this.#client.listResources()).resources;
  }

  async listResourceTemplates() {
    return (await this.#client.listResourceTemplates()).resourceTemplates;
  }

  readResource(uri: string) {
    return this.#client.readResource({ uri });
  }

  async complete(
    ref: Readonly<Record<string, unknown>>,
    argument: { name: string; value: string },
  ) {
    const params = { ref, argument } as CompleteRequest["params"];
    return (await this.#client.complete(params)).completion.values;
  }

  async watch({ uris = [] }: Watch) {
    for (const uri of uris) await this.#client.subscribeResource({ uri });
    return async () => {
      for (const uri of uris) await this.#client.unsubscribeResource({ uri });
    };
  }

  ping() {
    return this.#client.ping();
  }

  close() {
    return this.#client.close();
  }
}

function sdkV1Over(name: string, open: (target: Target) => Transport): ClientKind {
  return {
    name,
    era: "legacy",
    async connect(target, host) {
      const capabilities = capabilitiesOf(host);
      const client = new Client({ name: "interop-v1", version: "1.0.0" }, { capabilities });
      answerFor(client, host);
      const transport = open(target);
      let version: string | undefined;
      const { setProtocolVersion } = transport;
      transport.setProtocolVersion = (negotiated) => {
        version = negotiated;
        setProtocolVersion?.call(transport, negotiated);
      };
      await client.connect(transport);
      return new SdkV1Client(client, () => version);
    },
  };
}

/** The client of the SDK's first major version, which knows legacy revisions only. */
export const sdkV1: ClientKind = sdkV1Over("SDK v1", openTransport);

/** The same over Backplane's HTTP transport. */
export const sdkV1OverBackplane: ClientKind = sdkV1Over("SDK v1 on Backplane", (target) =>
  createSdkTransport({ url: (target as Target & { url: string }).url }),
);
