import type { ProvidedContents, ResourcePage, ResourceProvider } from "./resource-provider.ts";

/** A provider of what a map holds, which counts its watches. URIs begin with its name. */
export class MapProvider implements ResourceProvider {
  readonly name: string;
  readonly entries = new Map<string, string>();
  /** URIs that are watched now, the list as "". */
  readonly watched: string[] = [];
  readonly lists: number[] = [];
  readonly #listeners = new Set<readonly [uri: string, onChange: () => void]>();

  constructor(name: string, names: readonly string[] = []) {
    this.name = name;
    for (const each of names) this.entries.set(`${name}://${each}`, each);
  }

  locate(uri: string): string | undefined {
    return uri.startsWith(`${this.name}://`) ? uri : undefined;
  }

  async list({
    cursor = "",
    limit,
  }: {
    cursor: string | undefined;
    limit: number;
  }): Promise<ResourcePage> {
    this.lists.push(limit);
    const uris = [...this.entries.keys()].sort().filter((uri) => uri > cursor);
    const page = uris.slice(0, limit);
    return {
      resources: page.map((uri) => ({ uri, name: uri })),
      nextCursor: uris.length > limit ? page.at(-1) : undefined,
    };
  }

  async read(uri: string): Promise<ProvidedContents | undefined> {
    const body = this.entries.get(uri);
    return body === undefined ? undefined : { body };
  }

  async watch(uri: string, onChange: () => void): Promise<() => void> {
    const listener = [uri, onChange] as const;
    this.#listeners.add(listener);
    this.watched.push(uri);
    return () => {
      if (this.#listeners.delete(listener)) this.watched.splice(this.watched.indexOf(uri), 1);
    };
  }

  watchList(onChange: () => void): Promise<() => void> {
    return this.watch("", onChange);
  }

  /** What a source would notice. */
  change(uri: string): void {
    for (const [watched, onChange] of [...this.#listeners]) if (watched === uri) onChange();
  }
}
