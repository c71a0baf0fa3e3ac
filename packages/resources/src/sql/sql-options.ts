import { checkMembers, checkMethods, wholeNumber } from "@backplane/protocol";
import { checkUriPrefix } from "../internal/uri.ts";
import type { SqlPool } from "./sql-pool.ts";

/** Rows of a table or view, each a resource: a JSON object. */
export interface SqlTable {
  /** Its name, or schema and name; not quoted. Default: the name in the URIs. */
  readonly table?: string | readonly [schema: string, table: string];
  /** The columns that name a row, unique together and not null. Letters, digits and `_`. */
  readonly key: string | readonly string[];
  /** The columns that are shown. Default all. */
  readonly columns?: readonly string[];
  readonly title?: string;
  readonly description?: string;
}

/** A query whose result is a resource: a JSON array of objects. */
export interface SqlQuery {
  /** One `SELECT`, without a semicolon, with `$1` and so on for the parameters. */
  readonly text: string;
  /** Names of the parameters in order; they stand in the URI's query. Letters, digits and `_`. Default none. */
  readonly parameters?: readonly string[];
  /** Tables of this provider whose changes change the result. Default none. */
  readonly dependsOn?: readonly string[];
  readonly title?: string;
  readonly description?: string;
}

/** What `new SqlResourceProvider` takes. */
export interface SqlResourceProviderOptions {
  /** A `Pool` of `pg`, which stays yours. A watch keeps one of its connections. */
  readonly pool: SqlPool;
  /** Unique at a server. Default `sql`. */
  readonly name?: string;
  /** What the URIs begin with, ending with `/`. Default `sql://` and the name and `/`. */
  readonly uriPrefix?: string;
  /** By the name that follows the prefix in the URIs: letters, digits, `_` and `-`. */
  readonly tables?: Readonly<Record<string, SqlTable>>;
  /** By the name that follows the prefix in the URIs, as for tables. */
  readonly queries?: Readonly<Record<string, SqlQuery>>;
  /** The channel of `NOTIFY` on which changes are told, as `triggerSql` makes it. Default: changes are not watched. */
  readonly channel?: string;
  /** For each statement, in milliseconds, a whole number of 1 or more. Default 5,000. */
  readonly statementTimeoutMs?: number;
  /** Rows of a query's result at most; more is refused. A whole number of 1 or more. Default 1,000. */
  readonly maxRows?: number;
  /** Bytes of a row or result at most, refused before they leave the database. A whole number of 1 or more. Default 10 MiB. */
  readonly maxBytes?: number;
}

export interface TableSettings {
  readonly kind: "table";
  readonly name: string;
  /** Quoted. */
  readonly relation: string;
  readonly key: readonly string[];
  /** Quoted, or `*`. */
  readonly columns: string;
  readonly title: string | undefined;
  readonly description: string | undefined;
}

export interface QuerySettings {
  readonly kind: "query";
  readonly name: string;
  readonly text: string;
  readonly parameters: readonly string[];
  readonly dependsOn: ReadonlySet<string>;
  readonly title: string | undefined;
  readonly description: string | undefined;
}

export type SqlSource = TableSettings | QuerySettings;

/** {@link SqlResourceProviderOptions}, complete. */
export interface SqlSettings {
  readonly pool: SqlPool;
  readonly name: string;
  readonly uriPrefix: string;
  /** In the order of their names. */
  readonly sources: readonly SqlSource[];
  readonly channel: string | undefined;
  readonly statementTimeoutMs: number;
  readonly maxRows: number;
  readonly maxBytes: number;
}

const SUBJECT = "SqlResourceProvider";
const KNOWN: readonly string[] = [
  "pool",
  "name",
  "uriPrefix",
  "tables",
  "queries",
  "channel",
  "statementTimeoutMs",
  "maxRows",
  "maxBytes",
] satisfies (keyof SqlResourceProviderOptions)[];
const TABLE_KNOWN: readonly string[] = [
  "table",
  "key",
  "columns",
  "title",
  "description",
] satisfies (keyof SqlTable)[];
const QUERY_KNOWN: readonly string[] = [
  "text",
  "parameters",
  "dependsOn",
  "title",
  "description",
] satisfies (keyof SqlQuery)[];
const SOURCE_NAME = /^[\w-]+$/;
const VARIABLE = /^\w+$/;
/** `NAMEDATALEN` less one: PostgreSQL cuts what is longer, and two names could become one. */
const MAX_IDENTIFIER_BYTES = 63;

/** @throws {TypeError} that names the option. */
export function resolveSqlOptions(options: SqlResourceProviderOptions): SqlSettings {
  checkMembers(SUBJECT, options, KNOWN);
  if (options.pool === undefined) throw new TypeError(`${SUBJECT}: option "pool" is required`);
  checkMethods(SUBJECT, "pool", options.pool, ["connect"]);
  const { name = "sql", tables = {}, queries = {}, channel } = options;
  const uriPrefix = checkUriPrefix(SUBJECT, options.uriPrefix ?? `sql://${name}/`);
  if (!uriPrefix.endsWith("/") || uriPrefix.includes("?")) {
    throw new TypeError(`${SUBJECT}: option "uriPrefix" must end with "/" and hold no query`);
  }
  const sources = [
    ...Object.entries(tables).map(([key, table]) => readTable(key, table)),
    ...Object.entries(queries).map(([key, query]) => readQuery(key, query, tables)),
  ].sort((left, right) => (left.name < right.name ? -1 : 1));
  if (sources.length === 0) {
    throw new TypeError(`${SUBJECT}: give it the option "tables" or "queries"`);
  }
  const twice = sources.find(({ name: each }, index) => sources[index + 1]?.name === each);
  if (twice !== undefined) {
    throw new TypeError(`${SUBJECT}: "${twice.name}" is both a table and a query`);
  }
  if (channel !== undefined) checkIdentifier("channel", channel);
  const number = (
    option: "statementTimeoutMs" | "maxRows" | "maxBytes",
    fallback: number,
  ): number => wholeNumber(SUBJECT, option, options[option] ?? fallback);
  return {
    pool: options.pool,
    name,
    uriPrefix,
    sources,
    channel,
    statementTimeoutMs: number("statementTimeoutMs", 5_000),
    maxRows: number("maxRows", 1_000),
    maxBytes: number("maxBytes", 10 * 1024 * 1024),
  };
}

/** An identifier that holds anything (PostgreSQL, 4.1.1). */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function readTable(name: string, table: SqlTable): TableSettings {
  const option = `tables.${name}`;
  checkName(option, name);
  checkMembers(`${SUBJECT}: option "${option}"`, table, TABLE_KNOWN);
  const key = typeof table.key === "string" ? [table.key] : table.key;
  checkVariables(`${option}.key`, key);
  if (key.length === 0) throw new TypeError(`${SUBJECT}: option "${option}.key" names no column`);
  const relation = [table.table ?? name].flat();
  for (const part of [...relation, ...key, ...(table.columns ?? [])]) checkIdentifier(option, part);
  if (table.columns?.length === 0) {
    throw new TypeError(`${SUBJECT}: option "${option}.columns" names no column`);
  }
  return {
    kind: "table",
    name,
    relation: relation.map(quoteIdentifier).join("."),
    key,
    columns: table.columns?.map(quoteIdentifier).join(", ") ?? "*",
    title: table.title,
    description: table.description,
  };
}

function readQuery(
  name: string,
  query: SqlQuery,
  tables: Readonly<Record<string, SqlTable>>,
): QuerySettings {
  const option = `queries.${name}`;
  checkName(option, name);
  checkMembers(`${SUBJECT}: option "${option}"`, query, QUERY_KNOWN);
  const { text, parameters = [], dependsOn = [] } = query;
  checkVariables(`${option}.parameters`, parameters);
  if (typeof text !== "string" || text.trim() === "" || text.includes(";")) {
    throw new TypeError(`${SUBJECT}: option "${option}.text" must be one SELECT without ";"`);
  }
  const used = new Set([...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
  if (used.size !== parameters.length || parameters.some((_, index) => !used.has(index + 1))) {
    throw new TypeError(
      `${SUBJECT}: option "${option}" must use $1 to $${parameters.length}, one for each of its parameters`,
    );
  }
  const unknown = dependsOn.find((table) => !Object.hasOwn(tables, table));
  if (unknown !== undefined) {
    throw new TypeError(`${SUBJECT}: option "${option}.dependsOn" names no table: "${unknown}"`);
  }
  const { title, description } = query;
  const common = { kind: "query", name, text, parameters, title, description } as const;
  return { ...common, dependsOn: new Set(dependsOn) };
}

function checkName(option: string, name: string): void {
  if (SOURCE_NAME.test(name)) return;
  throw new TypeError(`${SUBJECT}: option "${option}": a name holds letters, digits, "_" and "-"`);
}

function checkVariables(option: string, names: readonly string[]): void {
  const isList = Array.isArray(names) && new Set(names).size === names.length;
  if (isList && names.every((name) => typeof name === "string" && VARIABLE.test(name))) return;
  throw new TypeError(
    `${SUBJECT}: option "${option}" must be different names of letters, digits and "_"`,
  );
}

function checkIdentifier(option: string, name: unknown): void {
  const isName = typeof name === "string" && name !== "" && !name.includes("\0");
  if (isName && new TextEncoder().encode(name).length <= MAX_IDENTIFIER_BYTES) return;
  throw new TypeError(
    `${SUBJECT}: option "${option}": "${String(name)}" is no identifier of 1 to ${MAX_IDENTIFIER_BYTES} bytes`,
  );
}
