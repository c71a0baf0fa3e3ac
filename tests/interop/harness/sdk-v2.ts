import { createSdkTransport } from "@backplane/client/sdk-v2";
import {
  Client,
  type CompleteRequest,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
  type VersionNegotiationMode,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import {
  type CallOptions,
  type ClientKind,
  capabilitiesOf,
  type Host,
  type InteropClient,
  logLevelKey,
  type Notification,
  type Target,
  type ToolResult,
  type Watch,
} from "./interop-client.ts";

function openTransport(target: Target): Transport {
  switch (target.kind) {
    case "http":
      return new StreamableHTTPClientTransport(new URL(target.url));
    case "sse":
      return new SSEClientTransport(new URL(target.url));
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
    client.setRequestHandler("elicitation/create", ({ params }) => ({
      ...elicit({ ...params }),
    }));
  }
  if (sample) {
    client.setRequestHandler("sampling/createMessage", ({ params }) => ({
      ...sample({ ...params }),
    }));
  }
  if (roots) client.setRequestHandler("roots/list", () => ({ roots: [...roots()] }));
}

class SdkV2Client implements InteropClient {
  readonly era: "legacy" | "modern";
  readonly notifications: Notification[] = [];
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
    this.era = client.getProtocolEra() === "modern" ? "modern" : "legacy";
    client.fallbackNotificationHandler = async (notification) => {
      this.notifications.push(notification as Notification);
    };
  }

  get protocolVersion() {
    return this.#client.getNegotiatedProtocolVersion();
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
    const { logLevel } = options;
    if (logLevel && this.era === "legacy") await this.#client.setLoggingLevel(logLevel);
    const _meta = logLevel && this.era === "modern" ? { [logLevelKey]: logLevel } : undefined;
    return this.#client.callTool(
      { name, arguments: args, ...(_meta && { _meta }) },
      {
        ...(options.onProgress && { onprogress: options.onProgress }),
        ...(options.signal && { signal: options.signal }),
      },
    );
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

  async watch({ lists = false, uris = [] }: Watch) {
    if (this.era === "modern") {
      const subscription = await this.#client.listen({
        ...(lists && {
          toolsListChanged: true,
          promptsListChanged: true,
          resourcesListChanged: true,
        }),
        ...(uris.length > 0 && { resourceSubscriptions: [...uris] }),
      });
      return () => subscription.close();
    }
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

/** The client of the SDK's second major version in one of its three modes. */
function sdkV2(
  name: string,
  era: "legacy" | "modern",
  mode: VersionNegotiationMode,
  open: (target: Target) => Transport = openTransport,
): ClientKind {
  return {
    name: `SDK v2, ${name}`,
    era,
    async connect(target, host) {
      const client = new Client(
        { name: "interop-v2", version: "1.0.0" },
        { capabilities: capabilitiesOf(host), versionNegotiation: { mode } },
      );
      answerFor(client, host);
      await client.connect(open(target));
      return new SdkV2Client(client);
    },
  };
}

export const sdkV2Legacy: ClientKind = sdkV2("legacy", "legacy", "legacy");
export const sdkV2Auto: ClientKind = sdkV2("auto", "modern", "auto");
export const sdkV2Pinned: ClientKind = sdkV2("pinned", "modern", { pin: "2026-07-28" });

const onBackplane = (target: Target): Transport =>
  createSdkTransport({ url: (target as Target & { url: string }).url });

/** The same over Backplane's HTTP transport. */
export const sdkV2OverBackplane: readonly ClientKind[] = [
  sdkV2("legacy, on Backplane", "legacy", "legacy", onBackplane),
  sdkV2("auto, on Backplane", "modern", "auto", onBackplane),
  sdkV2("pinned, on Backplane", "modern", { pin: "2026-07-28" }, onBackplane),
];
