/**
 * Refuses a member that `known` does not list, so that a misspelt option never silently does nothing.
 * @param subject the class or function whose options they are; the message begins with it.
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

/**
 * Reads a whole number of 1 or more.
 * @throws {TypeError} that names the option.
 */
export function wholeNumber(subject: string, option: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new TypeError(
      `${subject}: option "${option}" must be a whole number of 1 or more, not ${String(value)}`,
    );
  }
  return value as number;
}

/**
 * Refuses what is neither true nor false: a text such as "false" would switch on. Undefined is an option that was
 * not given.
 * @throws {TypeError} that names the option.
 */
export function checkBoolean(subject: string, option: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean") {
    throw new TypeError(`${subject}: option "${option}" must be true or false`);
  }
}

/**
 * Completes an option that is a group of whole numbers of 1 or more.
 * @throws {TypeError} that names the member that is unknown or no such number.
 */
export function filledNumbers<Group extends object>(
  subject: string,
  option: string,
  defaults: Group,
  given: Partial<Group> | undefined,
): Group {
  for (const [member, value] of Object.entries(given ?? {})) {
    if (!(member in defaults)) {
      throw new TypeError(
        `${subject}: unknown option "${option}.${member}"; known: ${Object.keys(defaults).join(", ")}`,
      );
    }
    wholeNumber(subject, `${option}.${member}`, value);
  }
  return { ...defaults, ...given };
}

/**
 * Refuses an object that lacks one of the methods of its seam, so that it fails here and not with the first
 * request. Undefined is an option that was not given.
 * @throws {TypeError} that names the option and the method.
 */
export function checkMethods(
  subject: string,
  option: string,
  seam: unknown,
  methods: readonly string[],
): void {
  if (seam === undefined) return;
  const missing = methods.find(
    (method) => typeof (seam as Record<string, unknown> | null)?.[method] !== "function",
  );
  if (missing !== undefined) {
    throw new TypeError(
      `${subject}: option "${option}" needs the methods ${methods.join(", ")}; it has no ${missing}`,
    );
  }
}
