import { citedIds, docCommentOf, importsOf, type SourceFile } from "./citations.ts";
import type { Requirement } from "./requirement.ts";

/** What the checker looks at, so that a test can plant violations. */
export interface World {
  readonly testFiles: readonly SourceFile[];
  /** Whether `packages/<name>` has its root entry; a subpath of its own may come before. */
  packageExists(name: string): boolean;
  /** A file by its path from the root of the repository; undefined when there is none. */
  readSource(path: string): string | undefined;
}

// The harness folders open sockets or child processes; a test without them calls functions only.
const transportHarness = /^\.\.?\/(?:.*\/)?harness\/[a-z-]+(?:\.test-support)?\.ts$/;
const idForm = /^([A-Z]+2[56])-(\d\d)([a-z]?)$/;

function goesThroughTransport(file: SourceFile): boolean {
  return importsOf(file).some((specifier) => transportHarness.test(specifier));
}

/** Which test files cite an id, those without a real transport left out. */
function collectCitations(files: readonly SourceFile[]): Map<string, string[]> {
  const citations = new Map<string, string[]>();
  for (const file of files) {
    const ids = citedIds(file);
    if (ids.size === 0 || !goesThroughTransport(file)) continue;
    for (const id of ids) citations.set(id, [...(citations.get(id) ?? []), file.path]);
  }
  return citations;
}

function problemOf(
  { id, evidence }: Requirement,
  citations: ReadonlyMap<string, readonly string[]>,
  world: World,
): string | undefined {
  const { status } = evidence;
  const citing = citations.get(id) ?? [];
  if (status === "tested") {
    return citing.length > 0 ? undefined : `${id}: no test over a real transport cites it`;
  }
  if (status === "not-offered") {
    return citing.some((path) => path.endsWith(`/${evidence.test}`))
      ? undefined
      : `${id}: ${evidence.test} does not cite it`;
  }
  if (status === "host-duty") {
    const source = world.readSource(evidence.file);
    if (source === undefined) return `${id}: ${evidence.file} does not exist`;
    const doc = docCommentOf({ path: evidence.file, source }, evidence.symbol);
    if (doc === undefined) return `${id}: ${evidence.file} documents no ${evidence.symbol}`;
    return doc.includes(evidence.says)
      ? undefined
      : `${id}: the TSDoc of ${evidence.symbol} does not say "${evidence.says}"`;
  }
  if (status.startsWith("due:") && status.length > "due:".length) {
    const name = status.slice("due:".length);
    return world.packageExists(name)
      ? `${id}: packages/${name} exists, its proof is due`
      : undefined;
  }
  return `${id}: "${String(status)}" is no status`;
}

/** Every duty without the proof that its status promises, and every citation of nothing. */
export function uncovered(requirements: readonly Requirement[], world: World): string[] {
  const citations = collectCitations(world.testFiles);
  const problems = requirements.flatMap((one) => problemOf(one, citations, world) ?? []);
  const known = new Set(requirements.map(({ id }) => id));
  for (const [id, paths] of citations) {
    if (!known.has(id)) problems.push(`${paths.join(", ")}: ${id} is no requirement`);
  }
  return problems;
}

/** Malformed, repeated and missing numbers: `points` names every point that must be there. */
export function misnumbered(
  requirements: readonly Requirement[],
  prefix: string,
  points: readonly number[],
): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const present = new Set<number>();
  for (const { id } of requirements) {
    const match = idForm.exec(id);
    if (match?.[1] !== prefix) problems.push(`${id}: not of the form ${prefix}-00`);
    if (seen.has(id)) problems.push(`${id}: twice`);
    seen.add(id);
    present.add(Number(match?.[2]));
  }
  for (const point of points) {
    if (!present.has(point)) problems.push(`${prefix}: point ${point} is missing`);
  }
  for (const point of present) {
    if (!points.includes(point)) problems.push(`${prefix}: there is no point ${point}`);
  }
  return problems;
}
