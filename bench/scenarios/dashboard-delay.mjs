import { gunzipSync } from "node:zlib";
import { entry } from "../lib/catalogue.mjs";
import { loadPage, openDashboard } from "../lib/dashboard.mjs";
import { checkFirstAnswers } from "../lib/http-client.mjs";
import { prepareLoad } from "../lib/load.mjs";
import { warmUp } from "../lib/rounds.mjs";
import { spawnServer } from "../lib/server-process.mjs";
import { pairedRatio, summarise } from "../lib/stats.mjs";
import { buildRequests } from "../lib/wire.mjs";

const CONNECTIONS = 64;
const TOOLS = 50;
const FULL = { rounds: 5, seconds: 60 };
const QUICK = { rounds: 2, seconds: 5 };

/** One run of load, with the page open or not. */
async function sample({ server, load, seconds, isOpen }) {
  let viewer;
  if (isOpen) {
    await loadPage(server.port, gunzipSync);
    viewer = await openDashboard(server.port);
  }
  await server.watchLoop();
  const { perSecond, failed } = await load.run(seconds);
  const delay = await server.loopDelay();
  viewer?.close();
  if (failed > 0) throw new Error(`${failed} requests failed`);
  if (isOpen && viewer.events < seconds / 2) {
    throw new Error(`the page was told ${viewer.events} times in ${seconds} s`);
  }
  return { ...delay, perSecond, ...(viewer && { events: viewer.events, bytes: viewer.bytes }) };
}

async function measure({ settings, log }) {
  const { rounds, seconds } = settings.isQuick ? QUICK : FULL;
  const configured = entry("backplane", { file: "monitored.mjs", tools: TOOLS });
  const env = { ...configured.env, LAYERS: "metrics,audit,dashboard", CALL_ALL: "1" };
  const server = await spawnServer({ ...configured, env, withControl: true });
  let load;
  try {
    await server.ready();
    const { port } = server;
    const { protocol, tool } = configured;
    const requests = buildRequests({ protocol, method: "tools/call", tool, count: 4096 });
    await checkFirstAnswers({ port, requests: requests.slice(0, 8), toolCount: TOOLS });
    load = prepareLoad({ port, requests, connections: CONNECTIONS });
    await warmUp({ settings, slice: () => load.run(1) });
    const samples = { closed: [], open: [] };
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 === 0 ? ["closed", "open"] : ["open", "closed"];
      for (const state of order) {
        samples[state].push(await sample({ server, load, seconds, isOpen: state === "open" }));
      }
      const [closed, open] = [samples.closed.at(-1).p99Ms, samples.open.at(-1).p99Ms];
      log(
        `  round ${round + 1} of ${rounds}: p99 closed ${closed.toFixed(2)}, open ${open.toFixed(2)} ms`,
      );
    }
    const p99 = (state) => samples[state].map(({ p99Ms }) => p99Ms);
    return ["closed", "open"].map((state) => ({
      ...configured,
      env,
      id: `backplane+${state}`,
      note: `dashboard ${state}`,
      seconds,
      samples: samples[state],
      p99Ms: summarise(p99(state)),
      perSecond: summarise(samples[state].map(({ perSecond }) => perSecond)),
      ratioToClosed: pairedRatio(p99(state), p99("closed")),
    }));
  } finally {
    load?.dispose();
    await server.stop();
  }
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  if (selected.includes("backplane")) {
    try {
      entries.push(...(await measure({ settings, log })));
    } catch (error) {
      failures.push({ id: "backplane", server: "backplane", reason: error.message });
      log(`  backplane: left out: ${error.message}`);
    }
  }
  return { kind: "delay", entries, failures };
}

export const scenario = {
  id: "dashboard-delay",
  title: "Event loop of a server whose dashboard is open",
  about:
    "How late the event loop of a server with metrics, audit and dashboard is while 64 connections call it, in " +
    "alternating runs with nobody looking and with the page open: loaded, and its stream read. Measured by " +
    "`monitorEventLoopDelay` with a resolution of 1 ms, which is part of each figure.",
  servers: ["backplane"],
  run,
};
