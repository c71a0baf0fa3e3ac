/**
 * Whether a parsed value nests deeper than `maxDepth`, counted as `exceedsJsonDepth` counts the brackets of
 * its text. Level by level and not by recursion, which is what the bound protects.
 */
export function valueExceedsDepth(value: unknown, maxDepth: number): boolean {
  let level = isNested(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) return true;
    level = level.flatMap((nested) => Object.values(nested).filter(isNested));
  }
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
