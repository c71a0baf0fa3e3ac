import { sep } from "node:path";

/** The parts of a real path below a real folder; undefined for one that is not below it. */
export function partsInside(realRoot: string, real: string): readonly string[] | undefined {
  const base = realRoot.endsWith(sep) ? realRoot : realRoot + sep;
  return real.startsWith(base) ? real.slice(base.length).split(sep) : undefined;
}
