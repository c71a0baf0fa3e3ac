import { entry } from "../lib/catalogue.mjs";
import { spawnServer } from "../lib/server-process.mjs";
import { summarise } from "../lib/stats.mjs";

const TOOLS = 1_000;
const READINGS = { full: 100, quick: 30 };
const WARM_UP = 20;

async function read(url) {
  const startedAt = performance.now();
  const answer = await fetch(url);
  const text = await answer.text();
  const milliseconds = performance.now() - startedAt;
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  const named = new Set([...text.matchAll(/gen_ai_tool_name="([^"]+)"/g)].map(([, name]) => name));
  if (named.size !== TOOLS) throw new Error(`${named.size} tools in the text, not ${TOOLS}`);
  return { milliseconds, bytes: Buffer.byteLength(text) };
}

async function measure({ isQuick, log }) {
  const configured = entry("backplane", { file: "monitored.mjs", tools: TOOLS });
  const env = { ...configured.env, LAYERS: "metrics", CALL_ALL: "1" };
  const server = await spawnServer({ ...configured, env });
  try {
    await server.ready();
    const url = `http://127.0.0.1:${server.port}/metrics`;
    for (let reading = 0; reading < WARM_UP; reading += 1) await read(url);
    const readings = [];
    for (let reading = 0; reading < (isQuick ? READINGS.quick : READINGS.full); reading += 1) {
      readings.push(await read(url));
    }
    const milliseconds = summarise(readings.map((one) => one.milliseconds));
    log(`  ${TOOLS} tools: ${milliseconds.median.toFixed(1)} ms, ${readings[0].bytes} bytes`);
    return { ...configured, env, readings, milliseconds, bytes: readings[0].bytes };
  } finally {
    await server.stop();
  }
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  if (selected.includes("backplane")) {
    try {
      entries.push(await measure({ isQuick: settings.isQuick, log }));
    } catch (error) {
      failures.push({ id: "backplane", server: "backplane", reason: error.message });
      log(`  backplane: left out: ${error.message}`);
    }
  }
  return { kind: "page", entries, failures };
}

export const scenario = {
  id: "metrics-page",
  title: "`/metrics` with 1,000 tools",
  about:
    "Time from the request to the end of the text, over HTTP, on a server of which each of 1,000 tools has been " +
    "called. The tool names in the text are counted.",
  servers: ["backplane"],
  run,
};
