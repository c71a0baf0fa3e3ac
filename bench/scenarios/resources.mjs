import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median, pairedRatio } from "../lib/stats.mjs";

const FILES = 100_000;
const QUICK_FILES = 20_000;
const BYTES = 32 * 1024 * 1024;
const ROUNDS = 9;
const READS = 3;

const worker = fileURLToPath(new URL("../lib/resource-worker.mjs", import.meta.url));

async function work(task, folder, option) {
  const args = ["--expose-gc", worker, task, folder, String(option)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

async function makeFolder(folder, count) {
  await mkdir(folder);
  for (let index = 0; index < count; index += 500) {
    const names = Array.from({ length: 500 }, (_, offset) => ((index + offset) * 7919) % 1_000_003);
    await Promise.all(names.map((name) => writeFile(join(folder, `file-${name}.txt`), "x")));
  }
}

/** What a read may be of: bytes, text of one byte a character, text of more. */
async function makeReads(folder) {
  await mkdir(folder);
  const bytes = Buffer.alloc(BYTES);
  for (let index = 0; index < BYTES; index += 1) {
    bytes[index] = Math.imul(index, 2_654_435_761) >>> 7;
  }
  const line = "a line of text\n";
  const words = "eine Zeile mit Umläuten ✓\n";
  await writeFile(join(folder, "small"), "small");
  await writeFile(join(folder, "bytes"), bytes);
  await writeFile(join(folder, "ascii"), line.repeat(BYTES / line.length));
  await writeFile(join(folder, "utf8"), words.repeat(BYTES / Buffer.byteLength(words)));
}

async function readGrowth(task, folder, log) {
  const growth = {};
  for (const name of ["bytes", "ascii", "utf8"]) {
    const samples = [];
    for (let time = 0; time < READS; time += 1) {
      samples.push((await work(task, folder, name)).growth / BYTES);
    }
    growth[name] = median(samples);
    log(`  ${task} ${name}: × ${growth[name].toFixed(2)}`);
  }
  return growth;
}

async function run({ selected, settings, log }) {
  if (!selected.includes("backplane")) {
    return { kind: "resources", entries: [], failures: [] };
  }
  const base = await mkdtemp(join(tmpdir(), "bench-resources-"));
  try {
    const [many, reads] = [join(base, "many"), join(base, "reads")];
    await makeFolder(many, settings.isQuick ? QUICK_FILES : FILES);
    await makeReads(reads);
    const times = await work("listTimes", many, ROUNDS);
    const pageOverPass = pairedRatio(times.pages, times.passes).median;
    log(`  first page of ${times.files} files: × ${pageOverPass.toFixed(2)} of a full pass`);
    const { growth: heapGrowth } = await work("listHeap", many);
    const refused = await work("refuse", reads, "bytes");
    const alone = await readGrowth("readAlone", reads, log);
    const served = await readGrowth("readServed", reads, log);
    const entry = {
      ...{ id: "backplane", server: "backplane", label: "FileResourceProvider", size: BYTES },
      ...{ files: times.files, times, pageOverPass, heapGrowth, refused, alone, served },
    };
    return { kind: "resources", entries: [entry], failures: [] };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

export const scenario = {
  id: "resources",
  title: "Files as resources",
  about:
    "The first page (1,000 files) of a folder, in turn with a full `opendir` pass at the same buffer size, in " +
    "one process; the most that the heap held meanwhile, garbage included. What a read of 32 MiB makes a " +
    "process hold at most (VmHWM), by the provider alone and served over HTTP to another process. A refused " +
    "file: bytes that the process read.",
  servers: ["backplane"],
  run,
};
