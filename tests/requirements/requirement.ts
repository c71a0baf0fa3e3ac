/** How binding the specification makes a duty. */
export type Level = "MUST" | "MUST NOT" | "SHOULD" | "SHOULD NOT";

/**
 * The proof that a duty is met. Nothing else passes the coverage test.
 *
 * - `tested`: cited by a test that goes through a real transport;
 * - `due`: comes with a package that does not exist yet, and fails as soon as it does;
 * - `not-offered`: the named test shows the capability undeclared and its methods refused;
 * - `host-duty`: only the author of a server can meet it, and the named TSDoc tells them so.
 */
export type Evidence =
  | { readonly status: "tested" }
  | { readonly status: `due:${string}` }
  | { readonly status: "not-offered"; readonly test: string }
  | {
      readonly status: "host-duty";
      /** Path from the root of the repository. */
      readonly file: string;
      /** An exported declaration, or `Declaration.member`. */
      readonly symbol: string;
      /** Words of its TSDoc. */
      readonly says: string;
    };

/** One duty of a revision of the specification, in our own words. */
export interface Requirement {
  /** `S26-04`, or `S26-06a` where one point of the checklist holds several duties. */
  readonly id: string;
  /** The file below `docs/specification/<revision>/` of the specification, without its suffix. */
  readonly section: string;
  readonly level: Level;
  readonly text: string;
  readonly evidence: Evidence;
}

export const tested: Evidence = { status: "tested" };

export function due(packageName: string): Evidence {
  return { status: `due:${packageName}` };
}

export function notOffered(test: string): Evidence {
  return { status: "not-offered", test };
}

export function hostDuty(file: string, symbol: string, says: string): Evidence {
  return { status: "host-duty", file, symbol, says };
}

/** Builds the rows of one section: `[id, level, text, evidence]`, `tested` when nothing is said. */
export function section(
  name: string,
  rows: readonly (readonly [id: string, level: Level, text: string, evidence?: Evidence])[],
): Requirement[] {
  return rows.map(([id, level, text, evidence = tested]) => ({
    id,
    section: name,
    level,
    text,
    evidence,
  }));
}
