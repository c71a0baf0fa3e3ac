const DEFAULT_HEADER = "X-API-Key";

/** A field name (RFC 9110, 5.1). */
const FIELD_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** The header that carries an API key, as both faces take it. @throws {TypeError} that names the option. */
export function checkedHeaderName(subject: string, given: unknown = DEFAULT_HEADER): string {
  if (typeof given === "string" && FIELD_NAME.test(given)) return given;
  throw new TypeError(`${subject}: option "headerName" must be the name of a header`);
}
