import { BoundedLabels } from "./labels.ts";

/** Counts by label; the number of labels is bounded. */
export class LabelledCounter {
  readonly #labels: BoundedLabels;
  readonly #counts = new Map<string, number>();

  constructor(maxLabels: number) {
    this.#labels = new BoundedLabels(maxLabels);
  }

  /** @returns the label that it was counted under. */
  add(name: string): string {
    const label = this.#labels.of(name);
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
    return label;
  }

  get entries(): Iterable<readonly [label: string, count: number]> {
    return this.#counts;
  }

  get(label: string): number {
    return this.#counts.get(label) ?? 0;
  }

  toObject(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

/** How many of something are open, were opened, and how long they lasted. */
export class OpenCounter {
  open = 0;
  opened = 0;
  ended = 0;
  sumMs = 0;

  begin(): void {
    this.open++;
    this.opened++;
  }

  /** @param durationMs undefined when nobody knows. */
  end(durationMs: number | undefined): void {
    // One that began before anybody counted.
    this.open = Math.max(0, this.open - 1);
    this.ended++;
    this.sumMs += durationMs ?? 0;
  }
}
