import type { Prompt, ServerCapabilities, Tool } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import { asFailure } from "../internal/as-failure.ts";
import { untilAborted } from "../internal/until-aborted.ts";
import type { MCPClient } from "../mcp-client.ts";
import type { RequestOptions } from "../request-options.ts";
import type { ServerFailure } from "./multi-client-error.ts";
import type { Names } from "./names.ts";
import type { ServerSlot } from "./server-slot.ts";

/** Something of one of several servers. `name` is what it is shown and called by here. */
export type OfServer<Item> = Item & {
  /** The server's name in the configuration. */
  readonly server: string;
  /** Its name at the server. */
  readonly originalName: string;
};

/** A list of several servers, and those that gave none of it. */
export interface MultiList<Item> {
  /** In the order of the configuration, and of each server's own list. */
  readonly items: readonly OfServer<Item>[];
  /** Servers that are not ready, or failed to answer: what they have is missing. */
  readonly failures: readonly ServerFailure[];
}

/** What is called by its name. */
export type NamedKind = "tools" | "prompts";

interface Named {
  readonly name: string;
}

type ListOf<Item> = (client: MCPClient, options: RequestOptions) => Promise<readonly Item[]>;

const LISTS: Readonly<Record<NamedKind, ListOf<Tool | Prompt>>> = {
  tools: (client, options) => client.listTools(options),
  prompts: (client, options) => client.listPrompts(options),
};

/** What several servers have, and whose it is. */
export class Catalog {
  readonly #slots: ReadonlyMap<string, ServerSlot>;
  readonly #names: Names;
  readonly #listTimeoutMs: number;
  /** By kind and server: the own name of each shown one. A server that was never listed is missing. */
  readonly #known: Readonly<Record<NamedKind, Map<string, ReadonlyMap<string, string>>>> = {
    tools: new Map(),
    prompts: new Map(),
  };

  constructor(slots: ReadonlyMap<string, ServerSlot>, names: Names, listTimeoutMs: number) {
    this.#slots = slots;
    this.#names = names;
    this.#listTimeoutMs = listTimeoutMs;
  }

  /**
   * A list of all servers that are ready.
   * @param capability without which a server has nothing of the kind. Resources keep their names behind the
   * prefix; tools and prompts have legal ones.
   */
  async list<Item extends Named>(
    capability: NamedKind | "resources",
    options: RequestOptions,
    list: ListOf<Item>,
  ): Promise<MultiList<Item>> {
    const lists = await Promise.all(
      [...this.#slots.values()].map(async (slot): Promise<MultiList<Item>> => {
        try {
          return { items: await this.#listOne(slot, capability, options, list), failures: [] };
        } catch (error) {
          return { items: [], failures: [{ server: slot.name, error: asFailure(error) }] };
        }
      }),
    );
    return {
      items: lists.flatMap(({ items }) => items),
      failures: lists.flatMap(({ failures }) => failures),
    };
  }

  /**
   * The server that a shown name belongs to, and its name there.
   * @throws {MCPClientError} `not_supported` when no server's prefix begins it.
   */
  async find(
    kind: NamedKind,
    shown: string,
    { signal }: RequestOptions,
  ): Promise<readonly [ServerSlot, string]> {
    const read = this.#names.read(shown);
    if (read === undefined) {
      throw new MCPClientError(
        "not_supported",
        `"${shown}" begins with the prefix of no server: ${[...this.#names.prefixes.values()].join(", ")}`,
      );
    }
    const { server, rest } = read;
    const slot = this.#slots.get(server) as ServerSlot;
    const known = this.#known[kind];
    if (!known.has(server)) {
      try {
        await (signal === undefined ? slot.settled() : untilAborted(signal, slot.settled()));
        await this.#listOne(slot, kind, signal === undefined ? {} : { signal }, LISTS[kind]);
      } catch {
        // The request itself will say what is wrong with the server.
      }
    }
    // A name that was not listed is for the server to refuse.
    return [slot, known.get(server)?.get(shown) ?? rest];
  }

  /** The list of one server. One that is not ready is not asked: nobody waits for it. */
  async #listOne<Item extends Named>(
    slot: ServerSlot,
    capability: NamedKind | "resources",
    options: RequestOptions,
    list: ListOf<Item>,
  ): Promise<readonly OfServer<Item>[]> {
    const { name: server, status } = slot;
    if (status.state !== "ready") {
      throw (
        status.error ?? new MCPClientError("connection_failed", `${server} has not answered yet`)
      );
    }
    const capabilities: ServerCapabilities = slot.client.server?.capabilities ?? {};
    if (capabilities[capability] === undefined) return [];
    const limitMs = this.#listTimeoutMs;
    const bounded = { timeoutMs: limitMs, maxTotalTimeoutMs: limitMs, ...options };
    const items = (await slot.use((client) => list(client, bounded))).map((item) => ({
      ...item,
      name:
        capability === "resources"
          ? `${this.#names.prefixes.get(server)}${item.name}`
          : this.#names.shownName(server, item.name),
      server,
      originalName: item.name,
    }));
    if (capability !== "resources") {
      // Of two that a server makes share a name, the first stays.
      const names = items.map(({ name, originalName }) => [name, originalName] as const);
      this.#known[capability].set(server, new Map(names.reverse()));
    }
    return items;
  }
}
