import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, projectsIn } from "./workspace.ts";

const P90_LINES = 300;
const HARD_STOP_LINES = 500;

/** Files that are one table, or generated: their length says nothing about their reasons. */
const TABLES: readonly string[] = [];

/** The packages and files that are longer than the design allows, as sentences. */
export function lengthViolations(root: string): string[] {
  return projectsIn(root, "packages").flatMap(({ folder, path }) => {
    const lengths = filesBelow(join(path, "src"))
      .filter((file) => file.endsWith(".ts") && !/\.(test|test-d|generated)\.ts$/.test(file))
      .filter((file) => !TABLES.includes(`${folder}/src/${file}`))
      .map((file) => ({ file, lines: lineCount(join(path, "src", file)) }));
    const tooLong = lengths.filter(({ lines }) => lines > HARD_STOP_LINES);
    const p90 = percentile90(lengths.map(({ lines }) => lines));
    return [
      ...tooLong.map(({ file, lines }) => `${folder}/src/${file} has ${lines} lines`),
      ...(p90 > P90_LINES ? [`${folder}: nine files in ten have up to ${p90} lines`] : []),
    ];
  });
}

function lineCount(file: string): number {
  return readFileSync(file, "utf8").trimEnd().split("\n").length;
}

/** Nearest rank; 0 for no files. */
function percentile90(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.9) - 1] ?? 0;
}
