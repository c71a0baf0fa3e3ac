import {
  canonicalJson,
  isStandardSchema,
  type StandardSchemaV1,
  standardValidator,
} from "@backplane/protocol";

/** The part of a matcher such as `expect.any(Number)` that is used. */
export interface AsymmetricMatcher {
  asymmetricMatch(actual: unknown): boolean;
}

/**
 * What an output is expected to be: `String`, `Number`, `Boolean`, `Array` or `Object` for a value of that
 * kind, a Standard Schema, a regular expression for a text, a function that says whether it is right, an
 * asymmetric matcher, or a value that it equals.
 */
export type ExpectedOutput =
  | StringConstructor
  | NumberConstructor
  | BooleanConstructor
  | ArrayConstructor
  | ObjectConstructor
  | StandardSchemaV1
  | AsymmetricMatcher
  | RegExp
  | ((actual: never) => boolean | Promise<boolean>)
  | string
  | number
  | boolean
  | null
  | object;

const KINDS: ReadonlyMap<unknown, (value: unknown) => boolean> = new Map([
  [String, (value: unknown) => typeof value === "string"],
  [Number, (value: unknown) => typeof value === "number"],
  [Boolean, (value: unknown) => typeof value === "boolean"],
  [Array, (value: unknown) => Array.isArray(value)],
  [
    Object,
    (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value),
  ],
] as [unknown, (value: unknown) => boolean][]);

/** Why a value is not the expected one; undefined when it is. */
export async function mismatchOf(
  actual: unknown,
  expected: ExpectedOutput,
): Promise<string | undefined> {
  const isKind = KINDS.get(expected);
  if (isKind !== undefined) {
    const kind = (expected as { name: string }).name.toLowerCase();
    return isKind(actual) ? undefined : `expected a value of kind ${kind}, got ${shown(actual)}`;
  }
  if (isStandardSchema(expected)) {
    const { issues } = await standardValidator(expected)(actual);
    return issues
      ?.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
      .join("; ");
  }
  if (expected instanceof RegExp) {
    const fits = typeof actual === "string" && actual.search(expected) >= 0;
    return fits ? undefined : `expected a text that fits ${String(expected)}, got ${shown(actual)}`;
  }
  if (typeof expected === "function") {
    const judge = expected as (actual: unknown) => boolean | Promise<boolean>;
    return (await judge(actual)) === true
      ? undefined
      : `the function did not take ${shown(actual)}`;
  }
  if (isMatcher(expected)) {
    return expected.asymmetricMatch(actual)
      ? undefined
      : `expected ${String(expected)}, got ${shown(actual)}`;
  }
  return shown(actual) === shown(expected)
    ? undefined
    : `expected ${shown(expected)}, got ${shown(actual)}`;
}

function isMatcher(value: unknown): value is AsymmetricMatcher {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Partial<AsymmetricMatcher>).asymmetricMatch === "function"
  );
}

/** The order of members does not count. */
function shown(value: unknown): string {
  return value === undefined ? "nothing" : canonicalJson(value);
}
