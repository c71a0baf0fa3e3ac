import type { SqlSettings, SqlSource } from "./sql-options.ts";

/** What a URI of the provider names: a row by its key, or a query by its parameters. */
export interface SqlTarget {
  readonly source: SqlSource;
  /** One for each column of the key, or each parameter. */
  readonly values: readonly string[];
}

/** What a client can make the database look for: longer keys are no keys (a `btree` takes 2,704 bytes). */
const MAX_VALUE_LENGTH = 2_704;

export function uriOf({ uriPrefix }: SqlSettings, { source, values }: SqlTarget): string {
  const base = uriPrefix + source.name;
  const encoded = values.map(encodeURIComponent);
  if (source.kind === "table") return `${base}/${encoded.join("/")}`;
  if (encoded.length === 0) return base;
  return `${base}?${encoded.map((value, index) => `${source.parameters[index]}=${value}`).join("&")}`;
}

/** Undefined for what is no URI of this provider. */
export function targetOf(settings: SqlSettings, uri: string): SqlTarget | undefined {
  if (!uri.startsWith(settings.uriPrefix) || uri.includes("#")) return undefined;
  const rest = uri.slice(settings.uriPrefix.length);
  const name = /^[\w-]+/.exec(rest)?.[0];
  const source = settings.sources.find((each) => each.name === name);
  if (source === undefined) return undefined;
  const tail = rest.slice(source.name.length);
  const values =
    source.kind === "table" ? keyIn(tail, source.key) : parametersIn(tail, source.parameters);
  return values?.every(isValue) === true ? { source, values } : undefined;
}

export function templateOf({ uriPrefix }: SqlSettings, source: SqlSource): string | undefined {
  const base = uriPrefix + source.name;
  if (source.kind === "table") return `${base}/${source.key.map((name) => `{${name}}`).join("/")}`;
  return source.parameters.length === 0 ? undefined : `${base}{?${source.parameters.join(",")}}`;
}

function keyIn(tail: string, key: readonly string[]): readonly string[] | undefined {
  if (!tail.startsWith("/") || tail.includes("?")) return undefined;
  const parts = tail.slice(1).split("/");
  return parts.length === key.length ? decodeAll(parts) : undefined;
}

function parametersIn(tail: string, parameters: readonly string[]): readonly string[] | undefined {
  if (parameters.length === 0) return tail === "" ? [] : undefined;
  if (!tail.startsWith("?")) return undefined;
  const given = new Map<string, string>();
  for (const pair of tail.slice(1).split("&")) {
    const [name, value] = /^(\w+)=(.*)$/s.exec(pair)?.slice(1) ?? [];
    if (name === undefined || value === undefined || given.has(name)) return undefined;
    given.set(name, value);
  }
  const values = parameters.map((name) => given.get(name));
  const complete = values.every((value) => value !== undefined);
  return complete && given.size === parameters.length ? decodeAll(values) : undefined;
}

export function decodeAll(parts: readonly string[]): readonly string[] | undefined {
  try {
    const decoded = parts.map(decodeURIComponent);
    // A lone surrogate is no text of the database, nor of a URI.
    decoded.map(encodeURIComponent);
    return decoded;
  } catch {
    return undefined;
  }
}

/** PostgreSQL has no null character in texts. */
export function isValue(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_VALUE_LENGTH && !value.includes("\0");
}
