/**
 * Refuses a member that `known` does not list, so that a misspelt option never silently does nothing.
 * @throws {TypeError} that names the member and what is known.
 */
export function checkMembers(subject: string, given: object, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${subject}: the options must be an object, not ${String(given)}`);
  }
  for (const member of Object.keys(given)) {
    if (!known.includes(member)) {
      throw new TypeError(`${subject}: unknown option "${member}"; known: ${known.join(", ")}`);
    }
  }
}
