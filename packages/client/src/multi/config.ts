import { checkMembers } from "@backplane/protocol";
import type { ClientTarget } from "../options.ts";

/** A local server: started as a process, which the configuration's author can make do anything. */
export interface StdioServerConfig {
  readonly type?: "stdio";
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A server over HTTP; `sse` is the transport of 2024-11-05, which is found without being named, too. */
export interface HttpServerConfig {
  readonly type?: "http" | "streamable-http" | "sse";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The usual JSON configuration of MCP hosts. In its strings `${NAME}` and `${NAME:-default}` are expanded. */
export interface McpServersConfig {
  readonly mcpServers: Readonly<Record<string, StdioServerConfig | HttpServerConfig>>;
}

/** Values for what a configuration leaves open. */
export type ConfigVariables = Readonly<Record<string, string | undefined>>;

/** One server, ready to be connected to. */
export interface ServerEntry {
  readonly target: ClientTarget;
  readonly headers: Readonly<Record<string, string>>;
  /** Begin with HTTP+SSE. */
  readonly sse: boolean;
}

const SUBJECT = "MultiClient";
const STDIO_KEYS: readonly string[] = ["type", "command", "args", "env", "cwd"];
const HTTP_KEYS: readonly string[] = ["type", "url", "headers"];
const HTTP_TYPES: readonly unknown[] = ["http", "streamable-http", "sse"];
const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * Reads a configuration.
 * @throws {TypeError} that names the server and the key: an unknown key, a wrong value, a missing variable.
 */
export function readConfig(
  config: McpServersConfig,
  variables: ConfigVariables,
): ReadonlyMap<string, ServerEntry> {
  checkMembers(`${SUBJECT}: the configuration`, config, ["mcpServers"]);
  const { mcpServers } = config;
  if (!isRecord(mcpServers)) throw wrong("mcpServers", "an object of servers by name");
  return new Map(
    Object.entries(mcpServers).map(([name, entry]) => {
      const at = `mcpServers[${JSON.stringify(name)}]`;
      if (name === "") throw wrong(at, "under a name that is not empty");
      if (!isRecord(entry)) throw wrong(at, 'an object with "command" or "url"');
      return [name, readEntry(at, entry, variables)];
    }),
  );
}

function readEntry(
  at: string,
  entry: Readonly<Record<string, unknown>>,
  variables: ConfigVariables,
): ServerEntry {
  if ("command" in entry === "url" in entry) {
    throw new TypeError(
      `${SUBJECT}: ${at} needs either "command" (a local server) or "url" (one over HTTP)`,
    );
  }
  const local = "command" in entry;
  checkMembers(`${SUBJECT}: ${at}`, entry, local ? STDIO_KEYS : HTTP_KEYS);
  const { type } = entry;
  if (type !== undefined && (local ? type !== "stdio" : !HTTP_TYPES.includes(type))) {
    const takes = local
      ? '"stdio", as it has a command'
      : HTTP_TYPES.map((one) => `"${one}"`).join(", ");
    throw wrong(`${at}.type`, takes);
  }
  const text = (key: string): string => expand(`${at}.${key}`, entry[key], variables);
  const record = (key: string): Readonly<Record<string, string>> => {
    const given = entry[key] ?? {};
    if (!isRecord(given)) throw wrong(`${at}.${key}`, "an object of strings");
    return Object.fromEntries(
      Object.entries(given).map(([name, value]) => [
        name,
        expand(`${at}.${key}.${name}`, value, variables),
      ]),
    );
  };
  if (!local) {
    return { target: { url: text("url") }, headers: record("headers"), sse: type === "sse" };
  }
  const { args = [] } = entry;
  if (!Array.isArray(args)) throw wrong(`${at}.args`, "a list of strings");
  const stdio = {
    command: text("command"),
    args: args.map((arg, index) => expand(`${at}.args[${index}]`, arg, variables)),
    env: record("env"),
    ...(entry.cwd !== undefined && { cwd: text("cwd") }),
  };
  return { target: { stdio }, headers: {}, sse: false };
}

/** The values may be secrets: an error names the place and the variable, and shows neither. */
function expand(at: string, value: unknown, variables: ConfigVariables): string {
  if (typeof value !== "string") throw wrong(at, "a string");
  return value.replace(VARIABLE, (_whole, name: string, otherwise: string | undefined) => {
    const found = Object.hasOwn(variables, name) ? variables[name] : undefined;
    const text = found ?? otherwise;
    if (text !== undefined) return text;
    throw new TypeError(
      `${SUBJECT}: ${at} needs the variable ${name}, which option "variables" does not have`,
    );
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(at: string, takes: string): TypeError {
  return new TypeError(`${SUBJECT}: ${at} must be ${takes}`);
}
