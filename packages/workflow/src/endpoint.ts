import { hasOwn, listNames } from "./internal/records.ts";

/**
 * A place in a graph: `node.port`, and for an output also a way into its value, as in `weather.result.days.0.high`.
 * An array of the parts says the same, for names that hold a dot.
 */
export type Endpoint = string | readonly (string | number)[];

/** An {@link Endpoint} taken apart. */
export interface ParsedEndpoint {
  readonly node: string;
  /** Undefined for the node as a whole. */
  readonly port: string | undefined;
  readonly path: readonly string[];
  /** As it is written in messages. */
  readonly text: string;
}

/** 1 to 64 characters; no dot, so that an endpoint can be taken apart, and no slash, which leads into inner workflows. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;

export function isNodeId(id: unknown): id is string {
  return typeof id === "string" && ID.test(id);
}

/** @returns undefined for what is no endpoint. */
export function parseEndpoint(endpoint: unknown): ParsedEndpoint | undefined {
  const parts = typeof endpoint === "string" ? endpoint.split(".") : endpoint;
  if (!Array.isArray(parts) || parts.length === 0) return undefined;
  const names: string[] = [];
  for (const part of parts as unknown[]) {
    if (typeof part !== "string" && typeof part !== "number") return undefined;
    const name = String(part);
    if (name === "") return undefined;
    names.push(name);
  }
  const [node, port, ...path] = names;
  if (!isNodeId(node)) return undefined;
  return { node, port, path, text: names.join(".") };
}

/** A value at the end of a path, or the message of what is missing on the way to it. */
export type PathValue =
  | { readonly value: unknown; readonly missing?: undefined }
  | { readonly missing: string };

/** Follows a path into a value. Only what the value has itself counts. */
export function valueAt(value: unknown, path: readonly string[], origin: string): PathValue {
  let current = value;
  let walked = origin;
  for (const name of path) {
    if (typeof current !== "object" || current === null) {
      const what = current === null ? "null" : typeof current;
      return { missing: `there is no "${name}" in ${walked}, which is ${article(what)}` };
    }
    if (!hasOwn(current, name) || (Array.isArray(current) && name === "length")) {
      return { missing: `there is no "${name}" in ${walked}; it has ${contents(current)}` };
    }
    current = (current as Record<string, unknown>)[name];
    walked += `.${name}`;
  }
  return { value: current };
}

function article(type: string): string {
  if (type === "null" || type === "undefined") return type;
  return `a ${type}`;
}

function contents(value: object): string {
  if (Array.isArray(value)) return `${value.length} item${value.length === 1 ? "" : "s"}`;
  return listNames(Object.keys(value), "nothing");
}
