/** Header names in lower case and values by turns, as `undici` and the link take them. */
export type HeaderList = readonly string[];

/** The flat form of a record of headers. */
export function headerList(headers: Readonly<Record<string, string>>): HeaderList {
  return Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
}

/** Both lists; a name that stands in both has the value of `over` alone. */
export function withHeaders(under: HeaderList, over: HeaderList): HeaderList {
  if (over.length === 0) return under;
  const merged: string[] = [];
  for (let index = 0; index < under.length; index += 2) {
    const name = under[index] as string;
    if (!hasName(over, name)) merged.push(name, under[index + 1] as string);
  }
  merged.push(...over);
  return merged;
}

function hasName(list: HeaderList, name: string): boolean {
  for (let index = 0; index < list.length; index += 2) if (list[index] === name) return true;
  return false;
}
