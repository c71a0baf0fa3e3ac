// Every root script goes through this file: node scripts/run.mjs <command> [args].
// A machine has node and npm; pnpm is brought by npx in the version that package.json pins
// (scripts/lib/pnpm.mjs). Several commands that end in a sum can be named at once: each step then
// runs once, and one line sums them all.

import { checks, format, tarballs } from "./lib/checks.mjs";
import { app, installBench, script } from "./lib/foreground.mjs";
import { assertNodeFloor } from "./lib/node-version.mjs";
import { install, pnpm } from "./lib/pnpm.mjs";
import { ToolError } from "./lib/process.mjs";
import { row, summary } from "./lib/results.mjs";
import { build, fullTests, longFuzz, matrix, tests, updateSurface } from "./lib/steps.mjs";

/** Commands that run steps and end with `N passed, N failed`. */
const SUMMED = {
  build: [build],
  check: [checks, build, tarballs],
  test: [build, tests],
  "test:full": [build, tests, longFuzz, matrix, fullTests],
  "test:matrix": [build, matrix],
};

/** Commands that hand the terminal, and the rest of the arguments, to one program. */
const FOREGROUND = {
  start: (args) => app("reference", args),
  everything: (args) => app("everything", args),
  conformance: async (args) => failed(await build()) ?? script("tests/conformance/run.mjs", args),
  bench: async (args) => {
    const code = failed(await build());
    if (code !== undefined) return code;
    installBench();
    return script("bench/run.mjs", args);
  },
  "security-report": async (args) =>
    failed(await build()) ?? script("scripts/security-report.mjs", args),
  docs: (args) => script("docs/api-reference.mjs", args),
  format: () => format(),
  "surface:update": () => updateSurface(),
};

function failed(rows) {
  return rows.some(({ failures }) => failures.length > 0) ? 1 : undefined;
}

/** A step that cannot be made, for want of a download say, is a failure like any other. */
async function outcome(step) {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return [row(step.name, 0, [`${step.name}: ${error.message}`])];
  }
}

async function summed(commands) {
  const rows = [];
  for (const step of new Set(commands.flatMap((command) => SUMMED[command]))) {
    const started = Date.now();
    const made = await outcome(step);
    rows.push(...made);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(`\n${step.name}: ${seconds} s, node ${process.version}`);
    // A failed build would fail everything after it, with less to say about the reason.
    if (step === build && failed(made)) break;
  }
  const { ok, text } = summary(rows, { isCi: Boolean(process.env.CI) });
  console.log(text);
  return ok ? 0 : 1;
}

async function main([command, ...rest]) {
  assertNodeFloor(process.version);
  const args = rest[0] === "--" ? rest.slice(1) : rest;
  // For people and tests that need pnpm itself, in the folder where they stand.
  if (command === "pnpm") return pnpm(args);
  if (Object.hasOwn(FOREGROUND, command ?? "")) {
    await install();
    return FOREGROUND[command](args);
  }
  const commands = [command, ...rest];
  const unknown = commands.find((name) => !Object.hasOwn(SUMMED, name ?? ""));
  if (unknown !== undefined || command === undefined) {
    const known = [...Object.keys(SUMMED), ...Object.keys(FOREGROUND), "pnpm"].join(", ");
    throw new ToolError(`Unknown command ${JSON.stringify(unknown ?? "")}. Known: ${known}.`);
  }
  await install();
  return summed(commands);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof ToolError ? error.message : error);
  process.exitCode = 1;
}
