import { fileURLToPath } from "node:url";
import { backplaneEntry } from "../lib/catalogue.mjs";
import { startPinned } from "../lib/pinned-process.mjs";
import { measureStarts } from "../lib/start-times.mjs";

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
  const measured = await measureStarts({
    entries,
    sample,
    recorded: ({ url: _url, ...one }) => one,
    settings,
    log,
  });
  const labels = { subject: "module", yardstick: "zod" };
  return { kind: "startup", ...labels, ...measured, failures: [] };
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
