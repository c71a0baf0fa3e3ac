import { gunzipSync } from "node:zlib";
import { entry } from "../lib/catalogue.mjs";
import { loadPage } from "../lib/dashboard.mjs";
import { spawnServer } from "../lib/server-process.mjs";

async function measure({ log }) {
  const configured = entry("backplane", { file: "monitored.mjs" });
  const env = { ...configured.env, LAYERS: "metrics,dashboard" };
  const server = await spawnServer({ ...configured, env, measured: false });
  try {
    await server.ready();
    const parts = await loadPage(server.port, gunzipSync);
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    log(`  ${parts.length} answers, ${bytes} bytes`);
    return { ...configured, env, parts, bytes };
  } finally {
    await server.stop();
  }
}

async function run({ selected, log }) {
  const entries = [];
  const failures = [];
  if (selected.includes("backplane")) {
    try {
      entries.push(await measure({ log }));
    } catch (error) {
      failures.push({ id: "backplane", server: "backplane", reason: error.message });
      log(`  backplane: left out: ${error.message}`);
    }
  }
  return { kind: "page-parts", entries, failures };
}

export const scenario = {
  id: "dashboard-page",
  title: "`/dashboard`: what a browser is sent",
  about:
    "Bytes of all answers that make up the page, headers included, for a client that takes gzip. A test in a real " +
    "Chromium holds the same, and that the page is painted before any data has come.",
  servers: ["backplane"],
  run,
};
