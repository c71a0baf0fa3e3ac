import {
  canonicalJson,
  ErrorCode,
  isJsonObject,
  type Logger,
  MCPError,
  type ServerCapabilities,
  UriTemplate,
} from "@backplane/protocol";
import type { RegistrationHandle } from "../primitive-table.ts";
import type { ListKind } from "../registry.ts";

type Definition = Readonly<Record<string, unknown>>;

/** One list of the hosted server. */
export interface HostedList {
  readonly kind: ListKind;
  readonly method: string;
  /** The member of the result that holds the entries. */
  readonly member: string;
  /** The member that identifies an entry. */
  readonly key: "name" | "uri" | "uriTemplate";
}

const HOSTED_LISTS: readonly HostedList[] = [
  { kind: "tools", method: "tools/list", member: "tools", key: "name" },
  { kind: "prompts", method: "prompts/list", member: "prompts", key: "name" },
  { kind: "resources", method: "resources/list", member: "resources", key: "uri" },
  {
    kind: "resources",
    method: "resources/templates/list",
    member: "resourceTemplates",
    key: "uriTemplate",
  },
];

/** A hosted server whose cursors go on for longer than this is broken, not large. */
const MAX_PAGES = 1_000;

interface Registered {
  readonly identity: string;
  readonly handle: RegistrationHandle;
  readonly template: UriTemplate | undefined;
}

export interface CatalogDependencies {
  /** Asks the hosted server on the host's own account. */
  readonly request: (method: string, params: Definition) => Promise<Definition>;
  readonly register: (list: HostedList, definition: Definition) => RegistrationHandle;
  readonly logger: Logger;
}

/** What of the hosted server is registered in Backplane, kept equal to its lists. */
export class HostedCatalog {
  readonly #deps: CatalogDependencies;
  /** By the method of their list and their key. */
  readonly #registered = new Map<string, Registered>();
  readonly #stale = new Set<ListKind>();
  #refreshing = false;
  #closed = false;

  constructor(deps: CatalogDependencies) {
    this.#deps = deps;
  }

  /** Registers everything. @throws the first reason why a list or an entry cannot be served. */
  async load(capabilities: ServerCapabilities): Promise<void> {
    // A change that comes meanwhile waits, or an older list could be applied after a newer one.
    this.#refreshing = true;
    for (const list of HOSTED_LISTS) {
      if (capabilities[list.kind] === undefined) continue;
      this.#apply(list, await this.#list(list), (error) => {
        throw error;
      });
    }
    void this.#refresh();
  }

  /** The hosted server said that a list has changed. Changes that come meanwhile cost one more look. */
  changed(kind: ListKind): void {
    this.#stale.add(kind);
    if (!this.#refreshing) void this.#refresh();
  }

  /** Whether the hosted server serves this resource. */
  ownsResource(uri: string): boolean {
    if (this.#registered.has(`resources/list ${uri}`)) return true;
    for (const { template } of this.#registered.values()) {
      if (template?.match(uri) !== undefined) return true;
    }
    return false;
  }

  /** Takes every registration back; clients are told. */
  close(): void {
    this.#closed = true;
    for (const { handle } of this.#registered.values()) handle.remove();
    this.#registered.clear();
  }

  async #refresh(): Promise<void> {
    this.#refreshing = true;
    while (this.#stale.size > 0 && !this.#closed) {
      const kinds = new Set(this.#stale);
      this.#stale.clear();
      for (const list of HOSTED_LISTS) {
        if (kinds.has(list.kind)) await this.#follow(list);
      }
    }
    this.#refreshing = false;
  }

  async #follow(list: HostedList): Promise<void> {
    const { logger } = this.#deps;
    try {
      this.#apply(list, await this.#list(list), (error, key) => {
        logger.error({ err: error, [list.key]: key }, "a hosted primitive cannot be served");
      });
    } catch (error) {
      if (this.#closed) return;
      logger.error({ err: error, method: list.method }, "a hosted list cannot be followed");
    }
  }

  #apply(
    list: HostedList,
    listed: ReadonlyMap<string, Definition>,
    onError: (error: unknown, key: string) => void,
  ): void {
    if (this.#closed) return;
    const prefix = `${list.method} `;
    for (const [id, { handle }] of this.#registered) {
      if (!id.startsWith(prefix) || listed.has(id.slice(prefix.length))) continue;
      handle.remove();
      this.#registered.delete(id);
    }
    for (const [key, definition] of listed) {
      const id = prefix + key;
      const identity = canonicalJson(definition);
      const before = this.#registered.get(id);
      if (before?.identity === identity) continue;
      before?.handle.remove();
      this.#registered.delete(id);
      try {
        const template = list.key === "uriTemplate" ? new UriTemplate(key) : undefined;
        const handle = this.#deps.register(list, definition);
        this.#registered.set(id, { identity, handle, template });
      } catch (error) {
        onError(error, key);
      }
    }
  }

  /** All pages of a list. A capability promises the list methods of its kind, but servers leave some out. */
  async #list({ method, member, key }: HostedList): Promise<Map<string, Definition>> {
    const listed = new Map<string, Definition>();
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page++) {
      let result: Definition;
      try {
        result = await this.#deps.request(method, cursor === undefined ? {} : { cursor });
      } catch (error) {
        if (isMethodNotFound(error)) return listed;
        throw error;
      }
      const entries = result[member];
      if (!Array.isArray(entries)) throw new TypeError(`${method}: no array "${member}"`);
      for (const entry of entries as readonly unknown[]) {
        const id = isJsonObject(entry) ? entry[key] : undefined;
        if (typeof id !== "string") throw new TypeError(`${method}: an entry without "${key}"`);
        if (!listed.has(id)) listed.set(id, entry as Definition);
      }
      cursor = result.nextCursor;
      if (cursor === undefined) return listed;
    }
    throw new Error(`${method}: more than ${MAX_PAGES} pages`);
  }
}

function isMethodNotFound(error: unknown): boolean {
  return MCPError.isInstance(error) && error.code === ErrorCode.methodNotFound;
}
