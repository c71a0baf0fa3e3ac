import { mkdirSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { bringNode, MAJORS } from "../node.mjs";
import { childEnv } from "./pnpm.mjs";
import { run } from "./process.mjs";
import { exitRow, vitestRow, withExitCode } from "./results.mjs";
import { services } from "./services.mjs";
import { cacheDir, projects, root, testFiles } from "./workspace.mjs";

const LONG_FUZZ_RUNS = "100000";

const turboBin = join(root, "node_modules", "turbo", "bin", "turbo");

/** turbo is started by the Node of this process, whatever `node` the tasks find on PATH. */
function turbo(args, { env = childEnv(), output = "stdout" } = {}) {
  const flags = ["--ui=stream", "--log-order=stream", "--continue=dependencies-successful"];
  return run(process.execPath, [turboBin, "run", ...flags, ...args], { cwd: root, env, output });
}

/** Builds every project. The output goes to stderr, so that `bench -- --json` stays readable. */
export async function build() {
  return [exitRow("build", await turbo(["build"], { output: "stderr" }))];
}

/**
 * Runs the `test` task of the projects that have test files of the wanted kind, and reads what
 * each left in its own result file.
 */
async function vitest(name, { wanted, label = "", args = [], env = {} }) {
  // The examples have test files to read, and no task: the suite in `tests` runs them.
  const chosen = projects().filter(
    (project) => project.manifest.scripts?.test && testFiles(project).some(wanted),
  );
  if (chosen.length === 0) return [];
  const results = join(cacheDir, "results", name);
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  const filters = chosen.map(({ manifest }) => `--filter=${manifest.name}`);
  // The build is a step of its own, before this one.
  const code = await turbo(["test", "--only", ...filters, ...args], {
    env: childEnv({ BACKPLANE_RESULTS: results, ...env }),
  });
  const { needs } = await services();
  const missing = needs.filter(({ isThere }) => !isThere).map(({ name: need }) => need);
  const rows = chosen.map(({ folder, path, manifest }) =>
    vitestRow(
      `${manifest.name}${label}`,
      join(results, `${folder.replaceAll("/", "-")}.json`),
      path,
      missing,
    ),
  );
  return withExitCode(rows, `turbo run test (${name})`, code);
}

const isFull = (file) => file.endsWith(".full.test.ts");

/** Unit tests of every package and app, then the suite that crosses them; the short fuzz inside. */
export function tests() {
  return vitest("tests", { wanted: (file) => !isFull(file) });
}

/** `*.full.test.ts`: packed installs, soak, fresh clones. */
export function fullTests() {
  return vitest("full", {
    wanted: isFull,
    label: " (full)",
    args: ["--", ".full.test"],
    env: { BACKPLANE_TIER: "full" },
  });
}

/** Every test file with `fuzz` in its path, with the long run count. */
export function longFuzz() {
  return vitest("fuzz", {
    wanted: (file) => file.includes("fuzz") && !isFull(file),
    label: ` (fuzz ${LONG_FUZZ_RUNS})`,
    args: ["--", "fuzz"],
    env: { FUZZ_RUNS: process.env.FUZZ_RUNS ?? LONG_FUZZ_RUNS },
  });
}

/** The unit tests of packages and apps on each other Node that we promise. */
export async function matrix() {
  const rows = [];
  for (const major of MAJORS) {
    const PATH = `${dirname(bringNode(major))}${delimiter}${childEnv().PATH}`;
    const onMajor = await vitest(`node-${major}`, {
      wanted: (file) => file.startsWith("src/") && !isFull(file),
      label: ` (node ${major})`,
      env: { PATH, BACKPLANE_NODE_MAJOR: major },
    });
    rows.push(...onMajor);
  }
  return rows;
}

/** Rewrites the committed lists of exported names; the diff is the change of the public surface. */
export function updateSurface() {
  const args = ["test", "--only", "--filter=@backplane/tests", "--", "architecture/surface"];
  return turbo(args, { env: childEnv({ BACKPLANE_SURFACE: "update" }) });
}
