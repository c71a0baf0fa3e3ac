const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/;
/** As in `resources/subscribe`: a session remembers what it watches. */
const MAX_LENGTH = 8_192;

/** Whether a text has a scheme and the characters of a URI (RFC 3986, 2 and 3.1). */
export function isUri(text: string): boolean {
  return text.length <= MAX_LENGTH && URI.test(text);
}

/** @throws {TypeError} for a prefix that no URI could begin with. */
export function checkUriPrefix(subject: string, prefix: unknown): string {
  if (typeof prefix === "string" && isUri(prefix)) return prefix;
  throw new TypeError(
    `${subject}: option "uriPrefix" must begin a URI (RFC 3986), such as "docs://", not ${String(prefix)}`,
  );
}
