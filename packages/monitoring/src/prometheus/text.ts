/** The types of the text format that are used here. */
export type MetricType = "counter" | "gauge" | "histogram";

/** Prometheus text format 0.0.4, one metric family after the other. */
export class PrometheusText {
  /** Joined once: a text that grows by `+=` is a tree, which whoever sends it has to walk. */
  readonly #parts: string[] = [];

  /** Begins a family; its samples have to follow. */
  family(name: string, type: MetricType, help: string): void {
    this.#parts.push(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
  }

  /** @param labels as {@link labelPairs} makes them. */
  sample(name: string, labels: string, value: number): void {
    this.#parts.push(labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`);
  }

  /** @param lines samples of the family that was begun last. */
  append(lines: string): void {
    this.#parts.push(lines);
  }

  toString(): string {
    return this.#parts.join("");
  }
}

/** `a="1",b="2"`; undefined values are left out. */
export function labelPairs(labels: Readonly<Record<string, string | undefined>>): string {
  let pairs = "";
  for (const [name, value] of Object.entries(labels)) {
    if (value === undefined) continue;
    if (pairs !== "") pairs += ",";
    pairs += `${name}="${escapeLabel(value)}"`;
  }
  return pairs;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escapeLabel(value: string): string {
  return value.replaceAll(/[\\"\n]/g, (character) => ESCAPES[character] as string);
}
