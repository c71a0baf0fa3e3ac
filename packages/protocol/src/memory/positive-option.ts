/** Reads a limit: `fallback` when it is absent, an error that names the option when it is not a limit. */
export function positiveOption(
  owner: string,
  name: string,
  value: number | undefined,
  fallback: number,
): number {
  if (value === undefined) return fallback;
  if (!(value >= 1)) {
    throw new RangeError(`${owner}: option "${name}" must be a number of at least 1, not ${value}`);
  }
  return value;
}
