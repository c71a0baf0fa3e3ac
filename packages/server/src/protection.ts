import type { ProtectedPrimitive } from "@backplane/protocol";

/** What an author declares on a primitive for the policy to decide by. */
export interface ProtectionOptions {
  /** Scopes that a caller needs, all of them. Default none. */
  readonly scopes?: readonly string[];
  /** Roles of which a caller needs one. Default none. */
  readonly roles?: readonly string[];
  /** Groups that rules may name. Default none. */
  readonly tags?: readonly string[];
}

/** The options of {@link ProtectionOptions}, for checks of misspelt ones. */
export const PROTECTION_MEMBERS: readonly string[] = [
  "scopes",
  "roles",
  "tags",
] satisfies (keyof ProtectionOptions)[];

const NONE: readonly string[] = Object.freeze([]);

/** @throws {TypeError} for an empty list, which would grant what it seems to forbid. */
export function protectionOf(
  kind: ProtectedPrimitive["kind"],
  name: string,
  options: ProtectionOptions,
): ProtectedPrimitive {
  for (const member of ["scopes", "roles"] as const) {
    if (options[member]?.length === 0) {
      throw new TypeError(
        `${kind} "${name}": ${member} is an empty list; leave it out to demand nothing`,
      );
    }
  }
  return {
    kind,
    name,
    scopes: options.scopes ?? NONE,
    roles: options.roles ?? NONE,
    tags: options.tags ?? NONE,
  };
}
