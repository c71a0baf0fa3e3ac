/** Characters that the names of tools consist of (spec: server/tools). */
const ALIEN = /[^A-Za-z0-9_.-]/g;
const MAX_LENGTH = 128;
/** What a server's name takes of that; the rest is for the tool's. */
const MAX_LABEL_LENGTH = 64;

/** Names of several servers in one namespace. */
export interface Names {
  /** Each server's part of a name, separator included. No name begins with two of them. */
  readonly prefixes: ReadonlyMap<string, string>;
  /**
   * The name under which something of a server is shown: its own behind the prefix; where that would be no legal
   * name, it ends in a hash of its own. The same thing always has the same name, whichever servers answer.
   */
  shownName(server: string, name: string): string;
  /** The server that a shown name belongs to, and what follows its prefix. */
  read(shown: string): { readonly server: string; readonly rest: string } | undefined;
}

/**
 * @param separator of characters that are legal in names.
 * @throws {TypeError} for servers whose names cannot be told apart.
 */
export function createNames(servers: Iterable<string>, separator: string): Names {
  const all = [...servers];
  const legal = new Map(all.map((server) => [server, server.replace(ALIEN, "_")]));
  const label = (server: string): string => {
    const own = legal.get(server) as string;
    // One that begins another's could be taken for it by a tool of the right name.
    const clashes = all.some(
      (other) =>
        other !== server && `${legal.get(other)}${separator}`.startsWith(`${own}${separator}`),
    );
    return own.length <= MAX_LABEL_LENGTH && !clashes
      ? own
      : withHash(own, server, MAX_LABEL_LENGTH);
  };
  const prefixes = new Map(all.map((server) => [server, `${label(server)}${separator}`]));
  for (const [one, prefix] of prefixes) {
    for (const [other, longer] of prefixes) {
      if (one === other || !longer.startsWith(prefix)) continue;
      throw new TypeError(
        `MultiClient: the servers "${one}" and "${other}" cannot be told apart by name; rename one of them`,
      );
    }
  }
  return {
    prefixes,
    shownName(server, name) {
      const prefix = prefixes.get(server) as string;
      const shown = `${prefix}${name}`;
      const kept = shown.length <= MAX_LENGTH && name.search(ALIEN) === -1;
      return kept ? shown : withHash(`${prefix}${name.replace(ALIEN, "_")}`, name, MAX_LENGTH);
    },
    read(shown) {
      for (const [server, prefix] of prefixes) {
        if (shown.startsWith(prefix)) return { server, rest: shown.slice(prefix.length) };
      }
      return undefined;
    },
  };
}

function withHash(text: string, hashed: string, maxLength: number): string {
  const suffix = `_${hashOf(hashed)}`;
  return `${text.slice(0, maxLength - suffix.length)}${suffix}`;
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** FNV-1a of 64 bits, in 13 characters: it tells the names of one server apart, and keeps nothing secret. */
function hashOf(text: string): string {
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  }
  return hash.toString(36).padStart(13, "0");
}
