/** How much more the end may hold than the middle. */
export interface PlateauOptions {
  /** Default 1.25. */
  readonly ratio?: number;
  /** Growth that is never held against a process: what a runtime allocates late. Default 4 MiB. */
  readonly slackBytes?: number;
}

/**
 * Compares the last quarter of a series with its second quarter, by medians; the first quarter is warm-up:
 * code is compiled, caches and pools fill. @returns what is wrong, or undefined for a plateau.
 */
export function growthIn(
  samples: readonly number[],
  options: PlateauOptions = {},
): string | undefined {
  if (samples.length < 8) throw new RangeError("a plateau needs at least 8 samples");
  const { ratio = 1.25, slackBytes = 4 * 1024 * 1024 } = options;
  const quarter = Math.floor(samples.length / 4);
  const early = median(samples.slice(quarter, 2 * quarter));
  const late = median(samples.slice(-quarter));
  if (late <= early * ratio + slackBytes) return undefined;
  const every = Math.ceil(samples.length / SHOWN);
  const shown = samples.filter((_, index) => index % every === 0).map(format);
  return `grew from ${format(early)} to ${format(late)}: ${shown.join(", ")}`;
}

/** Samples in a report: a slope and a step look different in as many. */
const SHOWN = 24;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function format(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
