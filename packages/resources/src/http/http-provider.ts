import { isUtf8 } from "node:buffer";
import type { RequestContext } from "@backplane/protocol";
import type {
  ProvidedContents,
  ProvidedTemplate,
  ResourceListRequest,
  ResourcePage,
  ResourceProvider,
} from "@backplane/server";
import { pageOf } from "../internal/sorted-page.ts";
import { isTextType } from "../internal/text-type.ts";
import {
  type HttpResource,
  type HttpResourceProviderOptions,
  type HttpSettings,
  resolveHttpOptions,
} from "./http-options.ts";
import { HttpReader } from "./http-reader.ts";
import { normalTail } from "./url-tail.ts";

/**
 * What lies below a URL, read through this server: by default over `https:` from public addresses only, also after
 * redirects, so that no client can make this machine talk to its neighbours. Answers are kept and asked for
 * again only if they have changed. Changes are not watched: HTTP tells of none.
 */
export class HttpResourceProvider implements ResourceProvider {
  readonly name: string;
  readonly #settings: HttpSettings;
  readonly #reader: HttpReader;

  /**
   * @throws {TypeError} for an option that is unknown or illegal; the message names it.
   * @throws {UnsafeUrlError} for a base URL that `urlPolicy` refuses.
   */
  constructor(options: HttpResourceProviderOptions) {
    this.#settings = resolveHttpOptions(options);
    this.#reader = new HttpReader(this.#settings);
    this.name = this.#settings.name;
  }

  locate(uri: string): string | undefined {
    const { uriPrefix } = this.#settings;
    const tail = uri.startsWith(uriPrefix) ? normalTail(uri.slice(uriPrefix.length)) : undefined;
    return tail === undefined ? undefined : uriPrefix + tail;
  }

  /** @throws {TypeError} for a listed path that leads out of the base URL. */
  async list(request: ResourceListRequest, { signal }: RequestContext): Promise<ResourcePage> {
    const byUri = new Map<string, HttpResource>();
    for (const resource of await this.#settings.resources(signal)) {
      const tail = normalTail(resource.path);
      if (tail === undefined) {
        throw new TypeError(`HttpResourceProvider: "${resource.path}" is no path below the base`);
      }
      byUri.set(this.#settings.uriPrefix + tail, resource);
    }
    return pageOf([...byUri.keys()].sort(), request, (uri) => {
      const { path, name = path, ...described } = byUri.get(uri) as HttpResource;
      return { uri, name, ...described };
    });
  }

  async read(uri: string, { signal }: RequestContext): Promise<ProvidedContents | undefined> {
    const { uriPrefix, baseUrl } = this.#settings;
    const url = baseUrl + uri.slice(uriPrefix.length);
    const answer = await this.#reader.read(url, uri, signal);
    if (answer === undefined) return undefined;
    const { bytes, contentType = "" } = answer;
    const mimeType = contentType.split(";")[0]?.trim().toLowerCase() || undefined;
    const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1] ?? "utf-8";
    const isText =
      mimeType !== undefined &&
      isTextType(mimeType) &&
      /^(?:utf-?8|us-ascii)$/i.test(charset) &&
      isUtf8(bytes);
    return { body: isText ? new TextDecoder().decode(bytes) : bytes, mimeType };
  }

  templates(): readonly ProvidedTemplate[] {
    const { uriPrefix, name } = this.#settings;
    return [
      { uriTemplate: `${uriPrefix}{+path}`, name, description: "What lies below the base URL" },
    ];
  }

  /** Ends its connections, once what is read has been read. */
  close(): Promise<void> {
    return this.#reader.close();
  }
}
