import {
  type ContentAnnotations,
  checkMembers,
  type Icon,
  type Resource,
  wholeNumber,
} from "@backplane/protocol";
import type {
  ProvidedContents,
  ResourceListRequest,
  ResourcePage,
  ResourceProvider,
  StopWatching,
} from "@backplane/server";
import { Listeners } from "./internal/listeners.ts";
import { pageOf } from "./internal/sorted-page.ts";
import { checkUriPrefix, isUri } from "./internal/uri.ts";

/** What `new MemoryResourceProvider` takes. */
export interface MemoryResourceProviderOptions {
  /** Unique at a server. Default `memory`. */
  readonly name?: string;
  /** What all its URIs begin with, with a scheme (RFC 3986). Default `memory://`. */
  readonly uriPrefix?: string;
  /** Resources at most, a whole number of 1 or more. Default 10,000. */
  readonly maxEntries?: number;
  /** Bytes of all contents together at most, a whole number of 1 or more. Default 64 MiB. */
  readonly maxBytes?: number;
}

/** What is said of a resource in memory, beside its content. */
export interface MemoryResourceOptions {
  /** Default: the URI. */
  readonly name?: string;
  readonly title?: string;
  readonly description?: string;
  /** Default `text/plain` for text, none for bytes. */
  readonly mimeType?: string;
  readonly annotations?: ContentAnnotations;
  readonly icons?: readonly Icon[];
  readonly meta?: Record<string, unknown>;
}

interface Entry {
  readonly resource: Resource;
  readonly body: string | Uint8Array;
  readonly size: number;
}

const SUBJECT = "MemoryResourceProvider";
const KNOWN: readonly string[] = [
  "name",
  "uriPrefix",
  "maxEntries",
  "maxBytes",
] satisfies (keyof MemoryResourceProviderOptions)[];
const ENTRY_KNOWN: readonly string[] = [
  "name",
  "title",
  "description",
  "mimeType",
  "annotations",
  "icons",
  "meta",
] satisfies (keyof MemoryResourceOptions)[];

/** Resources that the program itself keeps: set, changed and deleted while the server runs; clients are told. */
export class MemoryResourceProvider implements ResourceProvider {
  readonly name: string;
  readonly #uriPrefix: string;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #changes = new Listeners();
  readonly #listChanges = new Listeners();
  #sorted: readonly string[] | undefined;
  #bytes = 0;

  /** @throws {TypeError} for an option that is unknown or illegal; the message names it. */
  constructor(options: MemoryResourceProviderOptions = {}) {
    checkMembers(SUBJECT, options, KNOWN);
    this.name = options.name ?? "memory";
    this.#uriPrefix = checkUriPrefix(SUBJECT, options.uriPrefix ?? "memory://");
    this.#maxEntries = wholeNumber(SUBJECT, "maxEntries", options.maxEntries ?? 10_000);
    this.#maxBytes = wholeNumber(SUBJECT, "maxBytes", options.maxBytes ?? 64 * 1024 * 1024);
  }

  /**
   * Adds or replaces a resource. Bytes are copied.
   * @throws {TypeError} for a URI without the prefix or beyond RFC 3986, or an unknown option.
   * @throws {RangeError} when there is no room for it; what was there stays.
   */
  set(uri: string, body: string | Uint8Array, options: MemoryResourceOptions = {}): void {
    const subject = `${SUBJECT}: "${uri}"`;
    if (this.locate(uri) === undefined) {
      throw new TypeError(`${subject} must be a URI (RFC 3986) below ${this.#uriPrefix}`);
    }
    if (typeof body !== "string" && !(body instanceof Uint8Array)) {
      throw new TypeError(`${subject}: the content must be a string or bytes`);
    }
    checkMembers(subject, options, ENTRY_KNOWN);
    const { name = uri, meta, mimeType, ...described } = options;
    const size = typeof body === "string" ? new TextEncoder().encode(body).length : body.length;
    const before = this.#entries.get(uri);
    if (this.#bytes - (before?.size ?? 0) + size > this.#maxBytes) {
      throw new RangeError(`${subject}: no room for ${size} bytes; raise the option "maxBytes"`);
    }
    if (before === undefined && this.#entries.size >= this.#maxEntries) {
      throw new RangeError(`${subject}: no room for one more; raise the option "maxEntries"`);
    }
    const type = mimeType ?? (typeof body === "string" ? "text/plain" : undefined);
    const resource: Resource = {
      uri,
      name,
      ...described,
      ...(type !== undefined && { mimeType: type }),
      ...(meta !== undefined && { _meta: meta }),
      size,
    };
    this.#entries.set(uri, {
      resource,
      body: typeof body === "string" ? body : body.slice(),
      size,
    });
    this.#bytes += size - (before?.size ?? 0);
    this.#changes.call(uri);
    // A list tells more than URIs: what it says of this one has changed as well.
    if (JSON.stringify(before?.resource) !== JSON.stringify(resource)) this.#listChanged();
  }

  /** @returns whether there was one. */
  delete(uri: string): boolean {
    const entry = this.#entries.get(uri);
    if (entry === undefined) return false;
    this.#entries.delete(uri);
    this.#bytes -= entry.size;
    this.#changes.call(uri);
    this.#listChanged();
    return true;
  }

  /** Resources held now. */
  get size(): number {
    return this.#entries.size;
  }

  locate(uri: string): string | undefined {
    return uri.startsWith(this.#uriPrefix) && isUri(uri) ? uri : undefined;
  }

  async list(request: ResourceListRequest): Promise<ResourcePage> {
    this.#sorted ??= [...this.#entries.keys()].sort();
    return pageOf(this.#sorted, request, (uri) => (this.#entries.get(uri) as Entry).resource);
  }

  async read(uri: string): Promise<ProvidedContents | undefined> {
    const entry = this.#entries.get(uri);
    if (entry === undefined) return undefined;
    const { mimeType, _meta } = entry.resource;
    return { body: entry.body, mimeType, ...(_meta !== undefined && { meta: _meta }) };
  }

  async watch(uri: string, onChange: () => void): Promise<StopWatching> {
    return this.#changes.add(uri, onChange);
  }

  async watchList(onChange: () => void): Promise<StopWatching> {
    return this.#listChanges.add("", onChange);
  }

  #listChanged(): void {
    this.#sorted = undefined;
    this.#listChanges.call("");
  }
}
