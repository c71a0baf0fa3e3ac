import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { servers } from "../lib/catalogue.mjs";
import { onServerCore } from "../lib/pinning.mjs";
import { summarise } from "../lib/stats.mjs";
import { compilerOptions, typecheckProgram } from "../lib/typecheck-files.mjs";

const COUNTS = [1, 200];
const RUNS = 7;
const QUICK_RUNS = 2;
const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

function writeProject(id, count) {
  const folder = new URL(`../.cache/typecheck/${id}-${count}/`, import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL("server.ts", folder), typecheckProgram(id, count));
  const project = { compilerOptions, include: ["server.ts"] };
  writeFileSync(new URL("tsconfig.json", folder), JSON.stringify(project));
  return fileURLToPath(folder);
}

function checkOnce(folder) {
  const [command, args] = onServerCore(process.execPath, [compiler, "-p", folder]);
  const startedAt = performance.now();
  const outcome = spawnSync(command, args, { encoding: "utf8" });
  const seconds = (performance.now() - startedAt) / 1000;
  if (outcome.status !== 0) {
    throw new Error(`type errors: ${outcome.stdout.slice(0, 600)}${outcome.stderr.slice(0, 200)}`);
  }
  return seconds;
}

function measure({ id, isQuick, log }) {
  const folders = COUNTS.map((count) => writeProject(id, count));
  for (const folder of folders) {
    checkOnce(folder);
  }
  const samples = COUNTS.map(() => []);
  for (let run = 0; run < (isQuick ? QUICK_RUNS : RUNS); run += 1) {
    for (const [index, folder] of folders.entries()) {
      samples[index].push(checkOnce(folder));
    }
  }
  const [few, many] = samples.map(summarise);
  const extraSeconds = many.median - few.median;
  log(
    `  ${id}: ${few.median.toFixed(2)} s with 1 tool, ${extraSeconds.toFixed(2)} s more with 200`,
  );
  return { id, server: id, label: servers[id].label, samples, few, many, extraSeconds };
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  for (const id of selected.filter((one) => one !== "bare")) {
    try {
      entries.push(measure({ id, isQuick: settings.isQuick, log }));
    } catch (error) {
      failures.push({ id, server: id, reason: error.message });
      log(`  ${id}: left out: ${error.message}`);
    }
  }
  return { kind: "typecheck", entries, failures };
}

export const scenario = {
  id: "typecheck",
  title: "Type check of 200 zod tools",
  about:
    "`tsc --noEmit` on one core: a file that registers 200 different zod tools, and one with 1.",
  servers: ["backplane", "sdk-v2", "sdk-v1"],
  run,
};
