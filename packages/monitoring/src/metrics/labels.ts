/** What everything beyond a bound, or unknown, is counted under; the value that OpenTelemetry has for it. */
export const OTHER = "_OTHER";

/** Longest name that is shown: a prompt may have any. */
const MAX_LENGTH = 200;
const LONE_SURROGATE = /[\uD800-\uDFFF]/gu;

/**
 * Gives each name its label, until there are too many: every further one is {@link OTHER}. So no client, and
 * no tool that is registered anew all the time, makes the number of time series grow without end.
 */
export class BoundedLabels {
  readonly #max: number;
  readonly #labels = new Map<string, string>();

  constructor(max: number) {
    this.#max = max;
  }

  of(name: string): string {
    const known = this.#labels.get(name);
    if (known !== undefined) return known;
    if (this.#labels.size >= this.#max) return OTHER;
    // Exporters refuse text that has no UTF-8 form.
    const label = name.slice(0, MAX_LENGTH).replaceAll(LONE_SURROGATE, "\uFFFD");
    this.#labels.set(name, label);
    return label;
  }
}
