/**
 * One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). Parameters that are undefined are left out.
 * @param parameters their values are visible ASCII, as options are checked to be.
 */
export function challenge(
  scheme: string,
  parameters: Readonly<Record<string, string | undefined>>,
): string {
  const shown = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replaceAll(/["\\]/g, "\\$&")}"`],
  );
  return shown.length === 0 ? scheme : `${scheme} ${shown.join(", ")}`;
}

/**
 * A text that a header can carry.
 * @throws {TypeError} that names the option.
 */
export function headerText(subject: string, option: string, value: unknown): string {
  if (typeof value === "string" && /^[\x20-\x7e]{1,1024}$/.test(value)) return value;
  throw new TypeError(
    `${subject}: option "${option}" must be 1 to 1,024 characters of printable ASCII, not ${JSON.stringify(value)}`,
  );
}
