import { join } from "node:path";
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
import {
  type FileResourceProviderOptions,
  type FileSettings,
  resolveFileOptions,
} from "./file-options.ts";
import { FileWatches, watchNames } from "./file-watches.ts";
import { folderPage, type ListedFile } from "./folder-page.ts";
import { decodePath, FolderUris } from "./folder-uris.ts";
import { leadsOut } from "./leads-out.ts";
import { typeOfContent, typeOfName } from "./media-type.ts";
import { readFileInside } from "./read-file.ts";

const MAX_COMPLETIONS = 100;

/**
 * The files below a folder, read only. Nothing outside of the folder is served, by no spelling of a URI and through no
 * symbolic link; names that begin with a dot are hidden unless `ignore` says otherwise; what is larger than
 * `maxBytes` is refused before it is read. Hard links cannot be told from files: see `rejectMultiplyLinked`.
 *
 * Names that are no UTF-8, or hold a backslash, and those of Windows devices are left out. Links to files are
 * followed inside of the folder; links to folders are followed by a read, not by the list. Pipes, sockets and devices do
 * not exist.
 */
export class FileResourceProvider implements ResourceProvider {
  readonly name: string;
  readonly #settings: FileSettings;
  readonly #uris: FolderUris;
  readonly #watches = new FileWatches();

  /**
   * @param folder path of the folder; relative ones begin at the working directory.
   * @throws {TypeError} for an option that is unknown or illegal, or a path that is no folder.
   */
  constructor(folder: string, options: FileResourceProviderOptions = {}) {
    this.#settings = resolveFileOptions(folder, options);
    this.#uris = new FolderUris(this.#settings.uriPrefix);
    this.name = this.#settings.name;
  }

  locate(uri: string): string | undefined {
    const path = this.#uris.pathOf(uri);
    return path && this.#uris.uriOf(path);
  }

  async list(request: ResourceListRequest, { signal }: RequestContext): Promise<ResourcePage> {
    const { cursor, limit, prefix = "" } = request;
    const after = cursor === undefined ? undefined : decodePath(cursor);
    if (cursor !== undefined && after === undefined) {
      throw invalidParams("the cursor is not one that this server gave");
    }
    const place = this.#placeOf(prefix);
    if (place === undefined) return { resources: [] };
    const { files, last } = await folderPage(this.#settings, { ...place, after, limit, signal });
    return {
      resources: files.map((file) => this.#describe(file)),
      ...(last !== undefined && { nextCursor: last.map(encodeURIComponent).join("/") }),
    };
  }

  async read(uri: string, { signal }: RequestContext): Promise<ProvidedContents | undefined> {
    const path = this.#uris.pathOf(uri);
    if (path === undefined) return undefined;
    const bytes = await readFileInside(this.#settings, path, uri, signal);
    if (bytes === undefined) return undefined;
    const { mimeType, isText } = await typeOfContent(path.at(-1) as string, bytes);
    return { body: isText ? bytes.toString("utf8") : bytes, mimeType };
  }

  templates(): readonly ProvidedTemplate[] {
    return [
      {
        uriTemplate: `${this.#uris.prefix}{+path}`,
        name: this.name,
        description: "A file, by its path below the folder",
      },
    ];
  }

  /** Paths that begin with what was typed. */
  async complete(
    { value }: TemplateCompletionRequest,
    context: RequestContext,
  ): Promise<Completion> {
    const typed = value.split("/").map(encodeTyped).join("/");
    const prefix = `${this.#uris.prefix}${typed}`;
    const request = { cursor: undefined, limit: MAX_COMPLETIONS, prefix };
    const { resources, nextCursor } = await this.list(request, context);
    const values = resources.map(({ uri }) => (this.#uris.pathOf(uri) as string[]).join("/"));
    return { values, hasMore: nextCursor !== undefined };
  }

  async watch(uri: string, onChange: () => void): Promise<StopWatching> {
    const { root, isIgnored } = this.#settings;
    const path = this.#uris.pathOf(uri);
    // What is never served is not told of either.
    if (path === undefined || isIgnored(path)) return () => {};
    let stopped = false;
    const stop = await this.#watches.watchFile(join(root, ...path), () => {
      void leadsOut(root, path).then((outside) => {
        if (!outside && !stopped) onChange();
      });
    });
    return () => {
      stopped = true;
      return stop();
    };
  }

  watchList(onChange: () => void): Promise<StopWatching> {
    return watchNames(this.#settings, onChange);
  }

  #describe({ path, size, modified }: ListedFile): Resource {
    const name = path.at(-1) as string;
    const mimeType = typeOfName(name);
    return {
      uri: this.#uris.uriOf(path),
      name,
      ...(mimeType !== undefined && { mimeType }),
      size,
      annotations: { lastModified: modified.toISOString() },
    };
  }

  /** Where a prefix of URIs leads: a folder, and how names in it begin. */
  #placeOf(prefix: string): { folder: readonly string[]; namePrefix: string } | undefined {
    const all = this.#uris.prefix;
    if (all.startsWith(prefix)) return { folder: [], namePrefix: "" };
    if (!prefix.startsWith(all)) return undefined;
    const inside = prefix.slice(all.length);
    const slash = inside.lastIndexOf("/");
    const folder = slash === -1 ? [] : decodePath(inside.slice(0, slash));
    if (folder === undefined || this.#settings.isIgnored(folder)) return undefined;
    try {
      return { folder, namePrefix: decodeURIComponent(inside.slice(slash + 1)) };
    } catch {
      // A prefix that ends within an escape is none of a name.
      return undefined;
    }
  }
}

function encodeTyped(part: string): string {
  // Of a surrogate pair that is half typed nothing is known yet.
  return encodeURIComponent(part.replace(/[\uD800-\uDFFF]/gu, ""));
}
