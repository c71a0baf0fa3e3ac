const REDACTED = "[redacted]";

const NAMES =
  "(?:proxy-)?authorization|(?:set-)?cookie|access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|token|api[_-]?key|client[_-]?secret|secret|password|passwd|passphrase|code[_-]?verifier|client[_-]?assertion|signature|sig";

/**
 * What is masked in a text, in this order. Each pattern is linear: it can begin only where a run of its
 * characters begins, or its repetition is bounded.
 */
const RULES: readonly (readonly [
  RegExp,
  string | ((match: string, ...groups: string[]) => string),
])[] = [
  // A private key, even when its end was cut off.
  [
    /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[^-]|-(?!----END))*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
    REDACTED,
  ],
  // user:password@ in a URL; a password may itself hold an @.
  [/(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#"'<>]*@/gi, `$1${REDACTED}@`],
  // A JSON Web Token, encrypted ones (five parts) included.
  [/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}/g, REDACTED],
  // Header lines as a whole: they hold several values.
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie)(\s{0,4}[:=]\s{0,4})(?!\s|\[redacted\])[^\r\n]*/gi,
    `$1$2${REDACTED}`,
  ],
  [/\b(Bearer|DPoP)(\s{1,4})[A-Za-z0-9\-._~+/]{4,}={0,2}/gi, `$1$2${REDACTED}`],
  // Base64 is never all lower-case letters for long, and "basic authentication" is no credential.
  [
    /\b(Basic\s{1,4})([A-Za-z0-9+/]{4,}={0,2})/gi,
    (match, scheme, credentials) =>
      /^[a-z]+$/.test(credentials as string) ? match : `${scheme}${REDACTED}`,
  ],
  // name=value and "name": "value", in query strings and JSON texts; a value cut off included.
  [
    new RegExp(
      `(?<![A-Za-z0-9])((?:${NAMES})["']?\\s{0,4}[=:]\\s{0,4})(?!\\[redacted\\])("(?:[^"\\\\]|\\\\.)*(?:"|\\\\?$)|'[^']*(?:'|$)|[^\\s"'&,;}\\]]+)`,
      "gi",
    ),
    `$1${REDACTED}`,
  ],
];

/**
 * A text with its credentials masked: private keys, user information in URLs, JSON Web Tokens, values of
 * `Authorization` and `Cookie`, `Bearer`, `DPoP` and `Basic` credentials, and values given to names such
 * as `access_token` or `password`. A masked text is masked to itself.
 *
 * @param maxLength longest text that is kept; a longer one loses its end. Default 8,192.
 */
export function redactText(text: string, maxLength = 8_192): string {
  let masked = cut(text, maxLength);
  for (const [pattern, replacement] of RULES) {
    masked = masked.replace(pattern, replacement as string);
  }
  return masked;
}

/** Ends at a blank: half a credential would no longer be recognised as one. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let end = maxLength;
  while (end > 0 && !isBlank(text.charCodeAt(end - 1))) end--;
  return `${text.slice(0, end)}[${text.length - end} more characters]`;
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
