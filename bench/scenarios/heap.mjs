import { entry } from "../lib/catalogue.mjs";
import { checkFirstAnswers } from "../lib/http-client.mjs";
import { prepareLoad } from "../lib/load.mjs";
import { spawnServer } from "../lib/server-process.mjs";
import { buildRequests } from "../lib/wire.mjs";

const CONNECTIONS = 64;
const counts = { first: 100_000, second: 1_000_000 };
const quickCounts = { first: 10_000, second: 50_000 };

async function loadUntil({ load, target, state, log }) {
  while (state.calls < target) {
    const { requests, failed } = await load.run(state.calls === 0 ? 1 : 2);
    if (failed > 0) {
      throw new Error(`${failed} requests failed`);
    }
    state.calls += requests;
    log(`  ${state.id}: ${state.calls} calls`);
  }
}

async function measure({ id, isQuick, log }) {
  const { first, second } = isQuick ? quickCounts : counts;
  const configuration = entry(id);
  const server = await spawnServer({ ...configuration, withControl: true });
  let load;
  try {
    await server.ready();
    const { port } = server;
    const { protocol } = configuration;
    const request = { protocol, method: "tools/call", tool: "echo", count: 4096 };
    const requests = buildRequests(request);
    await checkFirstAnswers({ port, requests: requests.slice(0, 8), toolCount: 1 });
    load = prepareLoad({ port, requests, connections: CONNECTIONS });
    const state = { id, calls: 0 };
    await loadUntil({ load, target: first, state, log });
    const early = { calls: state.calls, ...(await server.memory()) };
    await loadUntil({ load, target: second, state, log });
    const late = { calls: state.calls, ...(await server.memory()) };
    const growth = late.heapUsed / early.heapUsed;
    log(`  ${id}: heap × ${growth.toFixed(3)}`);
    return { ...configuration, early, late, growth };
  } finally {
    load?.dispose();
    await server.stop();
  }
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  for (const id of selected) {
    try {
      entries.push(await measure({ id, isQuick: settings.isQuick, log }));
    } catch (error) {
      failures.push({ id, server: id, reason: error.message });
      log(`  ${id}: left out: ${error.message}`);
    }
  }
  return { kind: "heap", entries, failures };
}

export const scenario = {
  id: "heap",
  title: "Heap after many calls",
  about:
    "heapUsed after two forced collections, after the first calls and after ten times as many.",
  servers: ["bare", "backplane"],
  run,
};
