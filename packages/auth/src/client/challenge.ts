/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** By lower-case name; of a repeated one the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** What a refusal of the MCP server asks for. */
export interface ResourceChallenge {
  /** The `error` parameter (RFC 6750, 3.1; RFC 9449, 7.1). */
  readonly error: string | undefined;
  readonly scope: string | undefined;
  /** Where the metadata of the resource is (RFC 9728, 5.1). */
  readonly resourceMetadata: string | undefined;
}

/** Longer headers are cut: no server needs more, and the peer chooses the length. */
const MAX_HEADER_CHARS = 16_384;

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const BLANKS = /[ \t]*/y;
const BLANKS_AND_COMMAS = /[ \t,]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/** The challenges of a header, several values joined by commas included; what cannot be read is left out. */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, MAX_HEADER_CHARS);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };

  while (at < text.length) {
    take(BLANKS_AND_COMMAS);
    const word = take(TOKEN)?.[0];
    if (word === undefined) {
      // Not the beginning of anything: go on behind the next comma.
      const comma = text.indexOf(",", at);
      at = comma === -1 ? text.length : comma + 1;
      continue;
    }
    const afterWord = at;
    take(BLANKS);
    const value = takeValue(take, text, () => at);
    if (value !== undefined) {
      const parameters = challenges.at(-1)?.parameters;
      const name = word.toLowerCase();
      if (parameters?.has(name) === false) parameters.set(name, value);
      continue;
    }
    at = afterWord;
    challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
    if (take(/[ \t]+/y) !== null) take(TOKEN68);
  }
  return challenges;
}

/** The value after `=`, quoted or bare; undefined when a scheme and not a parameter came before. */
function takeValue(
  take: (pattern: RegExp) => RegExpExecArray | null,
  text: string,
  position: () => number,
): string | undefined {
  if (text[position()] !== "=") return undefined;
  take(/=[ \t]*/y);
  const quoted = take(QUOTED);
  if (quoted !== null) return (quoted[1] as string).replaceAll(/\\(.)/gs, "$1");
  return take(TOKEN)?.[0] ?? "";
}

/**
 * What the challenges for a bearer or DPoP-bound token say together; undefined when there is none. A
 * server that takes both may say some of it with one and some with the other.
 */
export function readResourceChallenge(header: string | undefined): ResourceChallenge | undefined {
  if (header === undefined) return undefined;
  const relevant = parseChallenges(header).filter(
    ({ scheme }) => scheme === "bearer" || scheme === "dpop",
  );
  if (relevant.length === 0) return undefined;
  const first = (name: string): string | undefined => {
    const value = relevant.find(({ parameters }) => parameters.has(name))?.parameters.get(name);
    return value === "" ? undefined : value;
  };
  return {
    error: first("error"),
    scope: first("scope"),
    resourceMetadata: first("resource_metadata"),
  };
}
