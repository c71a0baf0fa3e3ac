const NONE: readonly string[] = Object.freeze([]);

/** A scope as it can stand in a token and a header (RFC 6749, 3.3). */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * A list of scopes. Undefined is none; an empty list is refused, because it would say the same as leaving
 * it out while looking like a restriction.
 * @throws {TypeError} that names the option.
 */
export function checkedScopes(
  subject: string,
  option: string,
  scopes: readonly string[] | undefined,
): readonly string[] {
  return checkedList(
    subject,
    option,
    scopes,
    (scope) => SCOPE.test(scope),
    "a scope (RFC 6749, 3.3)",
  );
}

/** As {@link checkedScopes}, for roles: any text that is not empty. */
export function checkedRoles(
  subject: string,
  option: string,
  roles: readonly string[] | undefined,
): readonly string[] {
  return checkedList(subject, option, roles, (role) => role !== "", "a role");
}

/** A list of distinct texts, undefined for none, never empty. @throws {TypeError} that names the option. */
export function checkedList(
  subject: string,
  option: string,
  list: readonly string[] | undefined,
  accepts: (text: string) => boolean,
  noun: string,
): readonly string[] {
  if (list === undefined) return NONE;
  if (!Array.isArray(list)) {
    throw new TypeError(`${subject}: option "${option}" must be an array, not ${String(list)}`);
  }
  if (list.length === 0) {
    throw new TypeError(`${subject}: option "${option}" is an empty list; leave it out for none`);
  }
  for (const text of list) {
    if (typeof text !== "string" || !accepts(text)) {
      throw new TypeError(
        `${subject}: option "${option}" holds ${JSON.stringify(text)}, which is not ${noun}`,
      );
    }
  }
  return Object.freeze([...new Set(list as readonly string[])]);
}
