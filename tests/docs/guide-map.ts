/** The rows of all tables of a Markdown text, without their heads: the cells of each. */
function rowsOf(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|(-+\|)+$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    )
    .filter(([first]) => first !== "The guide");
}

/** What the guard asks of the repository. */
export interface Repository {
  /** The text of a file; undefined when there is none. */
  readonly read: (path: string) => string | undefined;
  /** The names that an entry exports, such as "@backplane/server"; undefined when there is no such entry. */
  readonly exportsOf: (entry: string) => ReadonlySet<string> | undefined;
}

/** Names of a map from the guide's names to ours that lead nowhere, and cells with nothing in them. */
export function mapViolations(markdown: string, repository: Repository): readonly string[] {
  return rowsOf(markdown).flatMap((cells) => {
    const row = cells.join(" | ");
    if (cells.length !== 3 || cells.includes("")) return [`an empty cell: ${row}`];
    const [, source = "", name = ""] = /^`(\S+): (\S+)`$/.exec(cells[2] as string) ?? [];
    if (name === "") return [`the last cell names no place: ${row}`];
    if (source.startsWith("@")) {
      return repository.exportsOf(source)?.has(name) ? [] : [`${source} exports no ${name}`];
    }
    const text = repository.read(source);
    if (text === undefined) return [`there is no file ${source}`];
    return new RegExp(`(?<![\\w$])${name}(?![\\w$])`).test(text)
      ? []
      : [`${source} has no ${name}`];
  });
}

/** The committed lists of exported names (`tests/architecture/surface`), by entry. */
export function parseSurfaces(texts: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const entries = new Map<string, Set<string>>();
  let names = new Set<string>();
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    const entry = /^# (\S+)$/.exec(line)?.[1];
    if (entry !== undefined) {
      names = new Set();
      entries.set(entry, names);
    } else if (line !== "") {
      names.add(line.replace(/^type /, ""));
    }
  }
  return entries;
}
