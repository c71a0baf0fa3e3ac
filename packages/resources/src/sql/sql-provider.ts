import { invalidParams, type RequestContext, type Resource } from "@backplane/protocol";
import type {
  Completion,
  ProvidedContents,
  ProvidedTemplate,
  ResourceListRequest,
  ResourcePage,
  ResourceProvider,
  StopWatching,
  TemplateCompletionRequest,
} from "@backplane/server";
import { ChangeListener } from "./change-listener.ts";
import {
  resolveSqlOptions,
  type SqlResourceProviderOptions,
  type SqlSettings,
  type SqlSource,
  type TableSettings,
} from "./sql-options.ts";
import { SqlReader } from "./sql-reader.ts";
import { decodeAll, isValue, targetOf, templateOf, uriOf } from "./sql-uris.ts";
import { triggerSqlFor } from "./trigger-sql.ts";

const MAX_COMPLETIONS = 100;
const MIME_TYPE = "application/json";

/**
 * Rows and query results of PostgreSQL as JSON, through a pool of `pg`. Every statement runs in a read-only
 * transaction with a timeout; what comes from a client is a parameter, never a part of a statement. With
 * `channel`, changes are heard of by `LISTEN`.
 *
 * Rows are listed, and queries without parameters; queries with parameters are templates. The pool's user
 * should have no more than `SELECT`: a function can do more than its caller, even in a read-only transaction.
 */
export class SqlResourceProvider implements ResourceProvider {
  readonly name: string;
  /** Present with the option `channel`. */
  readonly watch?: (uri: string, onChange: () => void) => Promise<StopWatching>;
  /** Present with the option `channel`. */
  readonly watchList?: (onChange: () => void) => Promise<StopWatching>;
  readonly #settings: SqlSettings;
  readonly #reader: SqlReader;

  /** @throws {TypeError} for an option that is unknown or illegal; the message names it. */
  constructor(options: SqlResourceProviderOptions) {
    this.#settings = resolveSqlOptions(options);
    this.#reader = new SqlReader(this.#settings);
    this.name = this.#settings.name;
    const { channel } = this.#settings;
    if (channel !== undefined) {
      const changes = new ChangeListener(this.#settings, channel);
      this.watch = (uri, onChange) => changes.watch(uri, onChange);
      this.watchList = (onChange) => changes.watchList(onChange);
    }
  }

  locate(uri: string): string | undefined {
    const target = targetOf(this.#settings, uri);
    return target && uriOf(this.#settings, target);
  }

  async list(request: ResourceListRequest): Promise<ResourcePage> {
    const { limit, prefix = "" } = request;
    const { sources } = this.#settings;
    let [name, after] = readCursor(request.cursor);
    const resources: Resource[] = [];
    for (const source of sources) {
      if (name !== undefined && source.name < name) continue;
      if (resources.length === limit) {
        return { resources, nextCursor: JSON.stringify([source.name]) };
      }
      const continued = source.name === name ? after : undefined;
      const room = limit - resources.length;
      const keys = await this.#keysOf(source, prefix, continued, room);
      for (const values of keys.slice(0, room)) resources.push(this.#describe(source, values));
      if (keys.length > room) {
        const last = keys[room - 1] as readonly string[];
        return { resources, nextCursor: JSON.stringify([source.name, ...last]) };
      }
      [name, after] = [undefined, undefined];
    }
    return { resources };
  }

  async read(uri: string, { signal }: RequestContext): Promise<ProvidedContents | undefined> {
    signal.throwIfAborted();
    const target = targetOf(this.#settings, uri);
    const body = target && (await this.#reader.read(target, uri));
    return body === undefined ? undefined : { body, mimeType: MIME_TYPE };
  }

  templates(): readonly ProvidedTemplate[] {
    return this.#settings.sources.flatMap((source) => {
      const uriTemplate = templateOf(this.#settings, source);
      if (uriTemplate === undefined) return [];
      return [{ uriTemplate, name: source.name, mimeType: MIME_TYPE, ...described(source) }];
    });
  }

  /** Keys that begin with what was typed, one column after the other. */
  async complete({
    uriTemplate,
    variable,
    value,
    chosen,
  }: TemplateCompletionRequest): Promise<Completion> {
    const source = this.#settings.sources.find(
      (each) => templateOf(this.#settings, each) === uriTemplate,
    );
    if (source?.kind !== "table" || !isValue(value)) return [];
    const index = source.key.indexOf(variable);
    const equal = source.key.slice(0, index).map((name) => chosen[name]);
    if (index === -1 || !equal.every(isValue)) return [];
    const request = { equal, prefix: value, after: undefined, limit: MAX_COMPLETIONS };
    const keys = await this.#reader.keys(source, request);
    return [...new Set(keys.map((key) => key[index] as string))];
  }

  /**
   * SQL that makes a table tell of its changes on the channel; for a migration, run by the table's owner. PostgreSQL 11
   * or later. @throws {TypeError} for a name that is no table here, or without the option `channel`.
   */
  triggerSql(table: string): string {
    const { sources, channel } = this.#settings;
    const source = sources.find(({ name }) => name === table);
    if (source?.kind !== "table" || channel === undefined) {
      throw new TypeError(
        `SqlResourceProvider: triggerSql needs a name of the option "tables", and the option "channel"`,
      );
    }
    return triggerSqlFor(source, channel);
  }

  /** One key more than the limit when there are more. */
  async #keysOf(
    source: SqlSource,
    prefix: string,
    after: readonly string[] | undefined,
    limit: number,
  ): Promise<readonly (readonly string[])[]> {
    if (source.kind === "query") {
      const isListed = source.parameters.length === 0 && after === undefined;
      const uri = uriOf(this.#settings, { source, values: [] });
      return isListed && uri.startsWith(prefix) ? [[]] : [];
    }
    const place = this.#placeOf(source, prefix);
    if (place === undefined) return [];
    if (after !== undefined && after.length !== source.key.length) throw notOurs();
    try {
      return await this.#reader.keys(source, { ...place, after, limit: limit + 1 });
    } catch (error) {
      if (error instanceof RangeError) throw notOurs();
      throw error;
    }
  }

  /** How keys begin whose URIs begin with a prefix; undefined when none do. */
  #placeOf(
    source: TableSettings,
    prefix: string,
  ): { readonly equal: readonly string[]; readonly prefix: string } | undefined {
    const base = `${this.#settings.uriPrefix}${source.name}/`;
    if (base.startsWith(prefix)) return { equal: [], prefix: "" };
    if (!prefix.startsWith(base)) return undefined;
    const parts = decodeAll(prefix.slice(base.length).split("/"));
    if (parts === undefined || parts.length > source.key.length || !parts.every(isValue)) {
      return undefined;
    }
    return { equal: parts.slice(0, -1), prefix: parts.at(-1) as string };
  }

  #describe(source: SqlSource, values: readonly string[]): Resource {
    return {
      uri: uriOf(this.#settings, { source, values }),
      name: [source.name, ...values].join(" "),
      mimeType: MIME_TYPE,
      ...(source.kind === "query" && described(source)),
    };
  }
}

function described({ title, description }: SqlSource): {
  readonly title?: string;
  readonly description?: string;
} {
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
  };
}

/** The source, and the key after which it goes on. */
function readCursor(
  cursor: string | undefined,
): [name: string | undefined, after: readonly string[] | undefined] {
  if (cursor === undefined) return [undefined, undefined];
  try {
    const parts: unknown = JSON.parse(cursor);
    if (Array.isArray(parts) && parts.length > 0 && parts.every(isValue)) {
      const [name, ...after] = parts as string[];
      return [name, after.length === 0 ? undefined : after];
    }
  } catch {
    // Whoever made it, it was not this provider.
  }
  throw notOurs();
}

function notOurs(): Error {
  return invalidParams("the cursor is not one that this server gave");
}
