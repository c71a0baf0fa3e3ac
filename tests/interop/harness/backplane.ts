import { type EraCache, MCPClient, type MCPClientOptions } from "@backplane/client";
import type { CompletionReference, JsonObject, Revision } from "@backplane/protocol";
import type {
  CallOptions,
  ClientKind,
  Host,
  InteropClient,
  Notification,
  Target,
  ToolResult,
  Watch,
} from "./interop-client.ts";

/** Makes a client begin with HTTP+SSE: it would find the newer transport at the same URL. */
export const onlySse: EraCache = {
  get: () => ({ era: "legacy", revision: "2025-11-25", transport: "sse", at: Date.now() }),
  set: () => undefined,
  delete: () => undefined,
};

function targetOptions(target: Target): Partial<MCPClientOptions> {
  switch (target.kind) {
    case "http":
      return { url: target.url };
    case "sse":
      return { url: target.url, eraCache: onlySse };
    case "stdio": {
      const args = [target.script, ...target.args];
      return { stdio: { command: process.execPath, args, stderr: "ignore" } };
    }
  }
}

function handlersFor(host: Partial<Host>): NonNullable<MCPClientOptions["handlers"]> {
  const { elicit, sample, roots } = host;
  const ask = (params: object) => (elicit as Host["elicit"]).call(host, { ...params });
  return {
    ...(elicit && { elicit: { form: ask, url: ask } }),
    ...(sample && { sample: (params) => sample.call(host, { ...params }) }),
    ...(roots && { roots: () => roots.call(host) }),
  };
}

class BackplaneClient implements InteropClient {
  readonly notifications: Notification[] = [];
  readonly pingsInEveryEra = true;
  readonly #client: MCPClient;

  constructor(client: MCPClient) {
    this.#client = client;
  }

  get era() {
    return this.#client.era as "legacy" | "modern";
  }

  get protocolVersion() {
    return this.#client.revision;
  }

  get serverName() {
    return this.#client.server?.info?.name;
  }

  get serverCapabilities() {
    return this.#client.server?.capabilities as Readonly<Record<string, unknown>> | undefined;
  }

  get instructions() {
    return this.#client.server?.instructions;
  }

  async listTools() {
    return (await this.#client.listTools()) as unknown as Readonly<Record<string, unknown>>[];
  }

  async callTool(name: string, args = {}, options: CallOptions = {}): Promise<ToolResult> {
    const { onProgress, signal, logLevel } = options;
    const result = await this.#client.callTool(name, args as JsonObject, {
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
      ...(logLevel && {
        logLevel,
        onLog: (entry) =>
          this.notifications.push({ method: "notifications/message", params: { ...entry } }),
      }),
    });
    return result as unknown as ToolResult;
  }

  async listPrompts() {
    return (await this.#client.listPrompts()) as unknown as Readonly<Record<string, unknown>>[];
  }

  async getPrompt(name: string, args: Record<string, string> = {}) {
    const { messages } = await this.#client.getPrompt(name, args);
    return { messages: messages as unknown as Readonly<Record<string, unknown>>[] };
  }

  async listResources() {
    return (await this.#client.listResources()) as unknown as Readonly<Record<string, unknown>>[];
  }

  async listResourceTemplates() {
    const templates = await this.#client.listResourceTemplates();
    return templates as unknown as Readonly<Record<string, unknown>>[];
  }

  async readResource(uri: string) {
    const { contents } = await this.#client.readResource(uri);
    return { contents: contents as unknown as Readonly<Record<string, unknown>>[] };
  }

  async complete(
    ref: Readonly<Record<string, unknown>>,
    argument: { name: string; value: string },
  ) {
    const completion = await this.#client.complete(ref as unknown as CompletionReference, argument);
    return completion.values;
  }

  async watch({ lists = false, uris = [] }: Watch) {
    const listening = await this.#client.listen(
      {
        ...(lists && {
          toolsListChanged: true,
          promptsListChanged: true,
          resourcesListChanged: true,
        }),
        ...(uris.length > 0 && { resourceSubscriptions: uris }),
      },
      {
        onChange: (event) =>
          this.notifications.push(
            event.kind === "resource"
              ? { method: "notifications/resources/updated", params: { uri: event.uri } }
              : { method: `notifications/${event.kind}/list_changed` },
          ),
      },
    );
    return () => listening.close();
  }

  async ping() {
    await this.#client.ping();
    return {};
  }

  close() {
    return this.#client.close();
  }
}

function backplane(
  name: string,
  era: "legacy" | "modern",
  protocol: "auto" | Revision,
): ClientKind {
  return {
    name: `Backplane, ${name}`,
    era,
    async connect(target, host) {
      const client = new MCPClient({
        ...targetOptions(target),
        info: { name: "interop-backplane", version: "1.0.0" },
        protocol,
        handlers: handlersFor(host),
      });
      await client.connect();
      return new BackplaneClient(client);
    },
  };
}

export const backplaneAuto: ClientKind = backplane("auto", "modern", "auto");
export const backplaneLegacy: ClientKind = backplane("legacy", "legacy", "2025-11-25");
export const backplaneSse: ClientKind = backplane("HTTP+SSE", "legacy", "auto");
