import {
  type CacheHint,
  type ContentAnnotations,
  checkMembers,
  type Icon,
  type InputContext,
  type ReadResourceResult,
  type Resource,
  type ResourceContents,
  type ResourceTemplate,
  UriTemplate,
} from "@backplane/protocol";
import { checkCacheHint } from "./cache-hint.ts";
import type { Completer } from "./completions.ts";
import { checkResourceContents } from "./content-check.ts";
import { toBase64 } from "./internal/to-base64.ts";
import type { RegisteredPrimitive } from "./primitive-table.ts";
import { PROTECTION_MEMBERS, type ProtectionOptions, protectionOf } from "./protection.ts";

/** Everything about a resource or a template but its URI and its code. */
export interface ResourceOptions extends ProtectionOptions {
  /** Default: the URI. */
  readonly name?: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  /** Bytes; for a resource, not a template. */
  readonly size?: number;
  readonly annotations?: ContentAnnotations;
  readonly icons?: readonly Icon[];
  readonly meta?: Record<string, unknown>;
  /** How long a read may be reused, and by whom. Default: the server's `cacheHints`. */
  readonly cacheHint?: Partial<CacheHint>;
  /** For a template: suggests values for its variables. */
  readonly complete?: Readonly<Record<string, Completer>>;
}

/** Text, bytes, contents, or a full result. Bytes are base64 on the wire. */
export type ResourceReturn = string | Uint8Array | readonly ResourceContents[] | ReadResourceResult;

/** What a reader is asked for. */
export interface ResourceRead {
  readonly uri: string;
  /** The template's variables; empty for a resource. */
  readonly variables: Readonly<Record<string, string | readonly string[]>>;
}

/** Undefined means that there is no such resource. */
export type ResourceReader = (
  read: ResourceRead,
  context: InputContext,
) => ResourceReturn | undefined | Promise<ResourceReturn | undefined>;

interface RegisteredReader extends RegisteredPrimitive {
  readonly reader: ResourceReader;
  readonly mimeType: string | undefined;
  readonly cacheHint: Partial<CacheHint> | undefined;
}

export interface RegisteredResource extends RegisteredReader {
  readonly definition: Resource;
}

export interface RegisteredTemplate extends RegisteredReader {
  readonly definition: ResourceTemplate;
  readonly template: UriTemplate;
  readonly complete: Readonly<Record<string, Completer>>;
  /** A provider's: it finds its URIs itself, so they are not matched against the template. */
  readonly provided?: true;
}

const MEMBERS: readonly string[] = [
  ...([
    "name",
    "title",
    "description",
    "mimeType",
    "size",
    "annotations",
    "icons",
    "meta",
    "cacheHint",
    "complete",
  ] satisfies (keyof ResourceOptions)[]),
  ...PROTECTION_MEMBERS,
];
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** The characters of a URI (RFC 3986, 2); a template's are checked by its own grammar. */
const URI_TEXT = /^(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/;

/**
 * Registers a resource, or a template when the URI holds `{`.
 * @throws {TypeError} for a URI without scheme or beyond RFC 3986, a malformed template, or a completer of no variable.
 */
export function registerResource(
  uri: string,
  options: ResourceOptions,
  reader: ResourceReader,
): RegisteredResource | RegisteredTemplate {
  if (!SCHEME.test(uri)) {
    throw new TypeError(`resource "${uri}": the URI needs a scheme (RFC 3986), such as "app://…"`);
  }
  if (!uri.includes("{") && !URI_TEXT.test(uri)) {
    throw new TypeError(`resource "${uri}": percent-encode what RFC 3986 does not allow in a URI`);
  }
  if (typeof reader !== "function") throw new TypeError(`resource "${uri}": no reader function`);
  checkMembers(`resource "${uri}"`, options, MEMBERS);
  if (options.cacheHint !== undefined) {
    checkCacheHint(`resource "${uri}": cacheHint`, options.cacheHint);
  }
  const shared = {
    key: uri,
    enabled: true,
    reader,
    mimeType: options.mimeType,
    cacheHint: options.cacheHint,
  };
  const described = {
    name: options.name ?? uri,
    ...(options.title !== undefined && { title: options.title }),
    ...(options.description !== undefined && { description: options.description }),
    ...(options.mimeType !== undefined && { mimeType: options.mimeType }),
    ...(options.annotations !== undefined && { annotations: options.annotations }),
    ...(options.icons !== undefined && { icons: options.icons }),
    ...(options.meta !== undefined && { _meta: options.meta }),
  };
  if (!uri.includes("{")) {
    if (options.complete !== undefined) {
      throw new TypeError(`resource "${uri}": complete is for a URI template with variables`);
    }
    return {
      ...shared,
      protection: protectionOf("resource", uri, options),
      definition: { uri, ...described, ...(options.size !== undefined && { size: options.size }) },
    };
  }
  if (options.size !== undefined) {
    throw new TypeError(`resource "${uri}": size is for one resource, not for a URI template`);
  }
  const template = new UriTemplate(uri);
  const complete = options.complete ?? {};
  for (const variable of Object.keys(complete)) {
    if (!template.variableNames.includes(variable)) {
      throw new TypeError(`resource "${uri}": complete.${variable} is no variable of the template`);
    }
  }
  return {
    ...shared,
    protection: protectionOf("resource_template", uri, options),
    definition: { uriTemplate: uri, ...described },
    template,
    complete,
  };
}

/**
 * Gives what a reader returned the form of a result; the URI read stands on contents made here.
 * @throws {TypeError} for contents that clients could not read.
 */
export function toReadResult(
  uri: string,
  mimeType: string | undefined,
  value: ResourceReturn,
): ReadResourceResult {
  const type = mimeType === undefined ? {} : { mimeType };
  if (typeof value === "string") {
    return { contents: [{ uri, mimeType: mimeType ?? "text/plain", text: value }] };
  }
  if (value instanceof Uint8Array) return { contents: [{ uri, ...type, blob: toBase64(value) }] };
  const result = "contents" in value ? value : { contents: value };
  result.contents.forEach((contents, index) => {
    checkResourceContents(contents, `resource "${uri}": contents[${index}]`);
  });
  return result;
}
