/** Bounds shared by every transport. A number of 1 or more; units are in the names. */
export interface MessageLimits {
  /** Largest request body or stdio line. Default 4 MiB. */
  readonly maxBodyBytes: number;
  /** Deepest nesting of arrays and objects. Default 64: a legal schema is rarely over 20. */
  readonly maxJsonDepth: number;
}

/** The defaults of {@link MessageLimits}. */
export const DEFAULT_MESSAGE_LIMITS: MessageLimits = {
  maxBodyBytes: 4 * 1024 * 1024,
  maxJsonDepth: 64,
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPENERS = ["{", "["] as const;

/**
 * Whether a JSON text nests deeper than `maxDepth`. Runs before `JSON.parse`, because recursion
 * elsewhere (validators, `JSON.stringify`) has a stack and the parser has none.
 */
export function exceedsJsonDepth(text: string, maxDepth: number): boolean {
  // Nearly every message holds fewer brackets than the limit, in strings or not: that is quick to see.
  if (hasAtMostOpeners(text, maxDepth)) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(text, index + 1);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > maxDepth) return true;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

function hasAtMostOpeners(text: string, most: number): boolean {
  let openers = 0;
  for (const opener of OPENERS) {
    for (let at = text.indexOf(opener); at !== -1; at = text.indexOf(opener, at + 1)) {
      if (++openers > most) return false;
    }
  }
  return true;
}

/** The index of the closing quote; `indexOf` makes long strings cheap. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (end !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}
