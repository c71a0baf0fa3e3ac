import {
  type CacheHint,
  checkMembers,
  checkMethods,
  type ProtectedPrimitive,
  type RequestContext,
  type ResourceContents,
  resourceTooLarge,
  wholeNumber,
} from "@backplane/protocol";
import { checkCacheHint } from "./cache-hint.ts";
import type { Completer } from "./completions.ts";
import { gatherBytes, utf8Length } from "./internal/gather-bytes.ts";
import { toBase64 } from "./internal/to-base64.ts";
import { LARGE_VALUE } from "./large-values.ts";
import { withLazyBlob } from "./lazy-blob.ts";
import type { RegisteredPrimitive, RegistrationHandle } from "./primitive-table.ts";
import { PROTECTION_MEMBERS, type ProtectionOptions, protectionOf } from "./protection.ts";
import type { Registry } from "./registry.ts";
import type { ProvidedContents, ProvidedTemplate, ResourceProvider } from "./resource-provider.ts";
import { type RegisteredTemplate, registerResource } from "./resources.ts";

/** What holds for everything that a provider provides. */
export interface ResourceProviderOptions extends ProtectionOptions {
  /** How long reads may be reused, and by whom. Default: the server's `cacheHints`. */
  readonly cacheHint?: Partial<CacheHint>;
  /**
   * Bytes of one resource at most, before base64; more is refused with −1413, a stream as soon as it is
   * known. A whole number of 1 or more. Default 16 MiB.
   */
  readonly maxBytes?: number;
}

/** A provider as the server knows it. */
export interface RegisteredProvider extends RegisteredPrimitive {
  readonly provider: ResourceProvider;
  readonly templates: readonly RegisteredTemplate[];
  /** What the policy decides about for one URI, in the spelling that `locate` gave. */
  protectionOf(uri: string): ProtectedPrimitive;
  readonly cacheHint: Partial<CacheHint> | undefined;
  /** Undefined when there is no such resource. */
  read(uri: string, context: RequestContext): Promise<ResourceContents | undefined>;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const MEMBERS: readonly string[] = [
  ...(["cacheHint", "maxBytes"] satisfies (keyof ResourceProviderOptions)[]),
  ...PROTECTION_MEMBERS,
];
/** Decisions about one URI are remembered as long as its protection is the same object. */
const MAX_PROTECTIONS = 10_000;
/** Longer URIs are decided about each time: clients choose them, and ten thousand of them would fill the memory. */
const MAX_REMEMBERED_URI = 1_024;

/** @throws {TypeError} for a provider that lacks a method, or an option that is unknown or illegal. */
export function registerProvider(
  provider: ResourceProvider,
  options: ResourceProviderOptions,
): RegisteredProvider {
  checkMethods("addResourceProvider", "provider", provider ?? null, ["locate", "list", "read"]);
  const { name } = provider;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(
      `addResourceProvider: the provider's name "${name}" must be 1 to 64 letters, digits, ".", "_" or "-"`,
    );
  }
  const subject = `resource provider "${name}"`;
  checkMembers(subject, options, MEMBERS);
  if (options.cacheHint !== undefined) checkCacheHint(`${subject}: cacheHint`, options.cacheHint);
  const maxBytes = wholeNumber(subject, "maxBytes", options.maxBytes ?? DEFAULT_MAX_BYTES);
  const protection = protectionOf("resource", name, options);
  const templates = (provider.templates?.() ?? []).map((template) =>
    registerTemplate(provider, template, options),
  );
  const protections = new Map<string, ProtectedPrimitive>();
  return {
    key: name,
    enabled: true,
    protection,
    provider,
    templates,
    protectionOf: (uri) => {
      if (uri.length > MAX_REMEMBERED_URI) return { ...protection, name: uri };
      let known = protections.get(uri);
      if (known === undefined) {
        if (protections.size >= MAX_PROTECTIONS) protections.clear();
        known = { ...protection, name: uri };
        protections.set(uri, known);
      }
      return known;
    },
    cacheHint: options.cacheHint,
    read: async (uri, context) => {
      const known = provider.locate(uri);
      const contents = known === undefined ? undefined : await provider.read(known, context);
      return contents === undefined ? undefined : toContents(uri, contents, maxBytes, subject);
    },
  };
}

/**
 * Registers a provider and its templates, all or nothing.
 * @param onChange called with each change of what is registered, once it is made.
 * @throws {TypeError} when a name is taken.
 */
export function addProvider(
  registry: Registry,
  entry: RegisteredProvider,
  onChange: () => void,
): RegistrationHandle {
  const handles: RegistrationHandle[] = [];
  try {
    handles.push(registry.providers.add(entry));
    for (const template of entry.templates) handles.push(registry.templates.add(template));
  } catch (error) {
    for (const handle of handles) handle.remove();
    throw error;
  }
  const each = (change: "enable" | "disable" | "remove") => () => {
    for (const handle of handles) handle[change]();
    onChange();
  };
  onChange();
  return {
    name: entry.key,
    get enabled() {
      return entry.enabled;
    },
    enable: each("enable"),
    disable: each("disable"),
    remove: each("remove"),
  };
}

/** A provider's template stands in the list and is completed; what is read is found by `locate`. */
function registerTemplate(
  provider: ResourceProvider,
  { uriTemplate, ...described }: ProvidedTemplate,
  { scopes, roles, tags }: ResourceProviderOptions,
): RegisteredTemplate {
  const options = {
    ...described,
    ...(scopes !== undefined && { scopes }),
    ...(roles !== undefined && { roles }),
    ...(tags !== undefined && { tags }),
  };
  const entry = registerResource(uriTemplate, options, () => undefined);
  if (!("template" in entry)) {
    throw new TypeError(
      `resource provider "${provider.name}": "${uriTemplate}" has no variable, so it is no template`,
    );
  }
  const completer =
    (variable: string): Completer =>
    ({ value, chosen }, context) =>
      provider.complete?.({ uriTemplate, variable, value, chosen }, context) ?? [];
  const variables = provider.complete === undefined ? [] : entry.template.variableNames;
  return {
    ...entry,
    provided: true,
    complete: Object.fromEntries(variables.map((name) => [name, completer(name)])),
  };
}

async function toContents(
  uri: string,
  { body, mimeType, encoding, meta }: ProvidedContents,
  maxBytes: number,
  subject: string,
): Promise<ResourceContents> {
  const common = { uri, ...(meta !== undefined && { _meta: meta }) };
  if (typeof body === "string") {
    if (utf8Length(body) > maxBytes) throw resourceTooLarge(uri, maxBytes);
    return { ...common, mimeType: mimeType ?? "text/plain", text: body };
  }
  const bytes =
    body instanceof Uint8Array
      ? body
      : await gatherBytes(body, maxBytes, () => resourceTooLarge(uri, maxBytes), subject);
  if (bytes.byteLength > maxBytes) throw resourceTooLarge(uri, maxBytes);
  if (encoding === undefined) {
    const described = { ...common, ...(mimeType !== undefined && { mimeType }) };
    return bytes.byteLength < LARGE_VALUE
      ? { ...described, blob: toBase64(bytes) }
      : withLazyBlob(described, bytes);
  }
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return { ...common, mimeType: mimeType ?? "text/plain", text };
}
