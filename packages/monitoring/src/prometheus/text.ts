/** The types of the text format that are used here. */
export type MetricType = "counter" | "gauge" | "histogram";

/** Prometheus text format 0.0.4, one metric family after the other. */
export class PrometheusText {
  #text = "";

  /** Begins a family; its samples have to follow. */
  family(name: string, type: MetricType, help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  /** @param labels as {@link labelPairs} makes them. */
  sample(name: string, labels: string, value: number): void {
    this.#text += labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
  }

  /** @param lines samples of the family that was begun last. */
  append(lines: string): void {
    this.#text += lines;
  }

  toString(): string {
    return this.#text;
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
