/** What a host does when the server asks it something; the same for every client under test. */
export interface Host {
  elicit(params: Record<string, unknown>): ElicitAnswer;
  sample(params: Record<string, unknown>): SampleAnswer;
  roots(): readonly { readonly uri: string; readonly name?: string }[];
}

export interface ElicitAnswer {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Record<string, string | number | boolean | string[]>;
}

export interface SampleAnswer {
  readonly role: "assistant";
  readonly model: string;
  readonly stopReason: string;
  readonly content: { readonly type: "text"; readonly text: string };
}

export interface ToolResult {
  readonly content: readonly { readonly type: string; readonly [member: string]: unknown }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean | undefined;
}

export interface Notification {
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

export interface CallOptions {
  readonly onProgress?: (progress: { progress: number; total?: number | undefined }) => void;
  readonly signal?: AbortSignal;
  /** Log messages from this level up are wanted for the call. */
  readonly logLevel?: "debug" | "info" | "warning" | "error";
}

/** What to be told of. */
export interface Watch {
  readonly lists?: boolean;
  readonly uris?: readonly string[];
}

type Entry = Readonly<Record<string, unknown>>;

/** The features of an MCP client, whichever implementation and era is behind it. */
export interface InteropClient {
  readonly era: "legacy" | "modern";
  readonly protocolVersion: string | undefined;
  readonly serverName: string | undefined;
  readonly serverCapabilities: Entry | undefined;
  readonly instructions: string | undefined;
  listTools(): Promise<readonly Entry[]>;
  callTool(name: string, args?: Entry, options?: CallOptions): Promise<ToolResult>;
  listPrompts(): Promise<readonly Entry[]>;
  getPrompt(name: string, args?: Record<string, string>): Promise<{ messages: readonly Entry[] }>;
  listResources(): Promise<readonly Entry[]>;
  listResourceTemplates(): Promise<readonly Entry[]>;
  readResource(uri: string): Promise<{ contents: readonly Entry[] }>;
  complete(ref: Entry, argument: { name: string; value: string }): Promise<readonly string[]>;
  /** Resolves once the server was asked to tell of changes. @returns what ends it. */
  watch(watch: Watch): Promise<() => Promise<void>>;
  /** Notifications so far, without those of progress. */
  readonly notifications: Notification[];
  /** `ping` itself is legacy only; a client may ask for life in another way in the modern era. */
  ping(): Promise<unknown>;
  readonly pingsInEveryEra?: boolean;
  close(): Promise<void>;
}

/** Which implementation of a client, in which mode. */
export interface ClientKind {
  readonly name: string;
  readonly era: "legacy" | "modern";
  connect(target: Target, host: Partial<Host>): Promise<InteropClient>;
}

/** Where the server is. */
export type Target =
  | { readonly kind: "http" | "sse"; readonly url: string }
  | { readonly kind: "stdio"; readonly script: string; readonly args: readonly string[] };

export const logLevelKey = "io.modelcontextprotocol/logLevel";

/** Only what a host can do is declared: the server must not ask for the rest. */
export function capabilitiesOf(host: Partial<Host>) {
  return {
    ...(host.elicit && { elicitation: { form: {}, url: {} } }),
    ...(host.sample && { sampling: {} }),
    ...(host.roots && { roots: { listChanged: true } }),
  };
}
