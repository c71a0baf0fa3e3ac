// Order statistics. Quartiles interpolate linearly between the two nearest ranks.

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

export function median(values) {
  return quantile(values, 0.5);
}

/** Median and quartiles of a list of numbers. */
export function summarise(values) {
  return { median: median(values), q1: quantile(values, 0.25), q3: quantile(values, 0.75) };
}

/** The distance between the quartiles as a share of the median. */
export function spread(values) {
  const { median: middle, q1, q3 } = summarise(values);
  return (q3 - q1) / middle;
}

/** Ratios of measurements that were taken in the same round, so that slow drift cancels out. */
export function pairedRatio(values, baseline) {
  return summarise(values.map((value, round) => value / baseline[round]));
}
