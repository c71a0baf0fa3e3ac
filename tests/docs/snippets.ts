/** A fenced block of a Markdown text, with the file that the comment above it names. */
export interface Snippet {
  readonly language: string;
  readonly source: string | undefined;
  readonly text: string;
  readonly line: number;
}

/** The fenced blocks of `markdown`. */
export function snippetsOf(markdown: string): readonly Snippet[] {
  const lines = markdown.split("\n");
  const snippets: Snippet[] = [];
  for (let index = 0; index < lines.length; index++) {
    const fence = /^```(\w+)$/.exec(lines[index] as string);
    if (fence === null) continue;
    const end = lines.indexOf("```", index + 1);
    const above = /^<!-- (\S+) -->$/.exec(lines[index - 1] ?? "");
    snippets.push({
      language: fence[1] as string,
      source: above?.[1],
      text: `${lines.slice(index + 1, end).join("\n")}\n`,
      line: index + 1,
    });
    index = end;
  }
  return snippets;
}

/**
 * What is wrong with the code of a document: each block of TypeScript, and each that names a file, must be part of
 * a file that the tests run, letter by letter, so that a document never runs ahead of the code.
 */
export function snippetViolations(
  markdown: string,
  read: (path: string) => string | undefined,
): readonly string[] {
  return snippetsOf(markdown)
    .filter(({ language, source }) => language === "ts" || source !== undefined)
    .flatMap(({ source, text, line }) => {
      if (source === undefined) return [`line ${line}: no comment above names the file it is from`];
      const file = read(source);
      if (file === undefined) return [`line ${line}: there is no file ${source}`];
      return file.includes(text) ? [] : [`line ${line}: ${source} says something else`];
    });
}

/** Figures of a document's benchmark table that no row of the results shows. */
export function figureViolations(markdown: string, results: string): readonly string[] {
  const resultRows = results.split("\n").filter((row) => row.startsWith("|"));
  return markdown
    .split("\n")
    .filter((row) => /^\|.*÷/.test(row))
    .flatMap((row) => {
      const [what = "", figure = ""] = row
        .split("|")
        .slice(1, 3)
        .map((cell) => cell.trim());
      return resultRows.some((result) => result.includes(what) && result.includes(`| ${figure} |`))
        ? []
        : [`no row of the results says "${figure}" of "${what}"`];
    });
}
