import { fileURLToPath } from "node:url";
import { backplaneEntry } from "../lib/catalogue.mjs";
import { startPinned } from "../lib/pinned-process.mjs";
import { alternate } from "../lib/rounds.mjs";
import { pairedRatio, summarise } from "../lib/stats.mjs";

const SAMPLES = 20;
const QUICK_SAMPLES = 5;

const MODULES = {
  bare: { label: "zod", url: import.meta.resolve("zod") },
  backplane: { label: "@backplane/server", url: new URL(backplaneEntry, import.meta.url).href },
  "sdk-v2": { label: "official SDK v2", url: import.meta.resolve("@modelcontextprotocol/server") },
};

/** Milliseconds that a fresh process needs to import a module. */
async function sample({ url }) {
  const program = `
    const from = performance.now();
    await import(${JSON.stringify(url)});
    process.send(performance.now() - from, () => process.disconnect());`;
  const { child, ended, problems } = startPinned({
    nodeArgs: ["--input-type=module", "--eval", program],
    channels: ["ignore", "ignore", "pipe", "ipc"],
  });
  let milliseconds;
  child.once("message", (message) => {
    milliseconds = message;
  });
  await ended;
  if (milliseconds === undefined) {
    throw new Error(`${fileURLToPath(url)} was not imported: ${problems()}`);
  }
  return { milliseconds };
}

async function run({ selected, settings, log }) {
  const entries = selected.map((id) => ({ id, server: id, ...MODULES[id] }));
  const { samples, ...outcome } = await alternate({
    entries,
    rounds: settings.isQuick ? QUICK_SAMPLES : SAMPLES,
    attempts: settings.attempts,
    measure: sample,
    figureOf: ({ milliseconds }) => milliseconds,
    log,
  });
  const timesOf = (id) => samples.get(id).map(({ milliseconds }) => milliseconds);
  const results = entries.map(({ url: _url, ...one }) => ({
    ...one,
    samples: samples.get(one.id),
    milliseconds: summarise(timesOf(one.id)),
    ratioToBare: pairedRatio(timesOf(one.id), timesOf("bare")),
  }));
  const labels = { subject: "module", yardstick: "zod" };
  return { kind: "startup", ...labels, ...outcome, entries: results, failures: [] };
}

export const scenario = {
  id: "import",
  title: "Import of the server package",
  about:
    "In a fresh process, from before `import()` of the root entry until it has been evaluated, beside the same of " +
    "zod. Each process imports one module.",
  servers: ["bare", "backplane", "sdk-v2"],
  run,
};
