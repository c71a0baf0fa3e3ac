import type {
  CallToolResult,
  Clock,
  GetPromptResult,
  JsonObject,
  JsonSchema,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  StandardSchemaV1,
  Tool,
} from "@backplane/protocol";
import type { CallOptions, CallValue } from "./client-methods.ts";
import type { EraCache } from "./era-cache.ts";
import { keepAwake } from "./internal/wait-awake.ts";
import { MCPClient } from "./mcp-client.ts";
import { Catalog, type MultiList } from "./multi/catalog.ts";
import { type McpServersConfig, readConfig, type ServerEntry } from "./multi/config.ts";
import { MultiClientError, type ServerFailure } from "./multi/multi-client-error.ts";
import { type MultiClientOptions, resolveMultiOptions } from "./multi/multi-options.ts";
import { createNames } from "./multi/names.ts";
import { ServerSlot, type ServerStatus } from "./multi/server-slot.ts";
import type { ClientBehaviour } from "./options.ts";
import type { RequestOptions } from "./request-options.ts";

/** Makes a client begin with HTTP+SSE: the newer transport may answer at the same URL. */
const SSE_FIRST: EraCache = {
  get: () => ({ era: "legacy", revision: "2024-11-05", transport: "sse", at: Date.now() }),
  set: () => {},
  delete: () => {},
};

/**
 * Several servers of an `mcpServers` configuration in one namespace. Each connects, fails and comes back by
 * itself; none waits for another.
 *
 * Security: a configuration runs commands. Take it from nobody but the user, or show it first (spec:
 * security_best_practices). No server can name a tool so that it stands for another server's.
 */
export class MultiClient {
  readonly #slots: ReadonlyMap<string, ServerSlot>;
  readonly #catalog: Catalog;
  readonly #connectWaitMs: number;
  readonly #timers: Pick<Clock, "after">;
  #started: Promise<unknown> | undefined = undefined;

  /** @throws {TypeError} that names the server and the key of the configuration, or the option. */
  constructor(config: McpServersConfig, options: MultiClientOptions = {}) {
    const resolved = resolveMultiOptions(options);
    const { clock, logger, onState, behaviourOf } = resolved;
    this.#connectWaitMs = resolved.connectWaitMs;
    this.#timers = keepAwake(clock);
    const entries = readConfig(config, resolved.variables);
    const names = createNames(entries.keys(), resolved.separator);
    this.#slots = new Map(
      [...entries].map(([name, entry]) => {
        const client = clientOf(name, entry, behaviourOf(name));
        return [name, new ServerSlot({ name, client, clock, logger, onState })];
      }),
    );
    this.#catalog = new Catalog(this.#slots, names, resolved.listTimeoutMs);
  }

  /** Each server as it is now, by its name in the configuration. */
  get servers(): ReadonlyMap<string, ServerStatus> {
    return new Map([...this.#slots].map(([name, { status }]) => [name, status]));
  }

  /** The client of one server, for everything that is not offered here. @throws {TypeError} for an unknown name. */
  client(server: string): MCPClient {
    return this.#slot(server).client;
  }

  /**
   * Connects to all servers at once. Resolves when each has answered or failed, or after `connectWaitMs`: those
   * that are slower, and those that failed in a way that may pass, become ready in the background.
   * @throws {MultiClientError} when every one of them failed.
   */
  async connect(): Promise<void> {
    this.#started ??= Promise.all([...this.#slots.values()].map((slot) => slot.check()));
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#timers.after(this.#connectWaitMs, resolve);
    });
    await Promise.race([this.#started, late]);
    cancel();
    const failures = this.#failures();
    if (failures.length > 0 && failures.length === this.#slots.size) {
      throw new MultiClientError(failures);
    }
  }

  /** Asks every server whether it answers, with a real request. @returns those that do not. */
  async check(): Promise<readonly ServerFailure[]> {
    this.#started = Promise.all([...this.#slots.values()].map((slot) => slot.check()));
    await this.#started;
    return this.#failures();
  }

  /** All tools of all servers that are ready. Like every list, it connects first where nobody has. */
  async listTools(options: RequestOptions = {}): Promise<MultiList<Tool>> {
    await this.#start();
    return this.#catalog.list("tools", options, (client, bounded) => client.listTools(bounded));
  }

  /** All prompts of all servers that are ready. */
  async listPrompts(options: RequestOptions = {}): Promise<MultiList<Prompt>> {
    await this.#start();
    return this.#catalog.list("prompts", options, (client, bounded) => client.listPrompts(bounded));
  }

  /** All resources of all servers that are ready. Their URIs stay as they are: read them by server and URI. */
  async listResources(options: RequestOptions = {}): Promise<MultiList<Resource>> {
    await this.#start();
    return this.#catalog.list("resources", options, (client, bounded) =>
      client.listResources(bounded),
    );
  }

  /** All resource templates of all servers that are ready. */
  async listResourceTemplates(options: RequestOptions = {}): Promise<MultiList<ResourceTemplate>> {
    await this.#start();
    return this.#catalog.list("resources", options, (client, bounded) =>
      client.listResourceTemplates(bounded),
    );
  }

  /**
   * Calls a tool by the name that it is shown by.
   * @throws {MCPClientError} `not_supported` when no server's prefix begins the name. Else as `MCPClient.callTool`.
   */
  async callTool(
    name: string,
    args: JsonObject = {},
    options: RequestOptions = {},
  ): Promise<CallToolResult> {
    const [slot, own] = await this.#catalog.find("tools", name, options);
    return slot.use((client) => client.callTool(own, args, options));
  }

  /** Calls a tool by the name that it is shown by, and gives its value. Throws as `MCPClient.call`. */
  async call<const Output extends StandardSchemaV1 | JsonSchema = JsonSchema>(
    name: string,
    args: JsonObject = {},
    options: CallOptions<Output> = {},
  ): Promise<CallValue<Output>> {
    const [slot, own] = await this.#catalog.find("tools", name, options);
    return slot.use((client) => client.call(own, args, options));
  }

  /** A prompt by the name that it is shown by. */
  async getPrompt(
    name: string,
    args: Readonly<Record<string, string>> = {},
    options: RequestOptions = {},
  ): Promise<GetPromptResult> {
    const [slot, own] = await this.#catalog.find("prompts", name, options);
    return slot.use((client) => client.getPrompt(own, args, options));
  }

  /** Reads a resource of one server. @throws {TypeError} for an unknown server. */
  async readResource(
    server: string,
    uri: string,
    options: RequestOptions = {},
  ): Promise<ReadResourceResult> {
    return this.#slot(server).use((client) => client.readResource(uri, options));
  }

  /** Closes every client. Idempotent; this cannot be used again. */
  async close(): Promise<void> {
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    if (this.#started === undefined) await this.connect();
  }

  #slot(server: string): ServerSlot {
    const slot = this.#slots.get(server);
    if (slot !== undefined) return slot;
    const known = [...this.#slots.keys()].join(", ");
    throw new TypeError(`MultiClient: there is no server "${server}"; known: ${known}`);
  }

  #failures(): readonly ServerFailure[] {
    return [...this.#slots.values()].flatMap(({ name, status: { error } }) =>
      error === undefined ? [] : [{ server: name, error }],
    );
  }
}

function clientOf(name: string, entry: ServerEntry, behaviour: ClientBehaviour): MCPClient {
  const headers = { ...behaviour.headers, ...entry.headers };
  try {
    return new MCPClient({
      ...behaviour,
      ...entry.target,
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(entry.sse && { eraCache: SSE_FIRST }),
    });
  } catch (cause) {
    const { message } = cause as Error;
    throw new TypeError(`MultiClient: mcpServers[${JSON.stringify(name)}]: ${message}`, { cause });
  }
}
