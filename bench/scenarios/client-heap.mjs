import { clientEntryOf } from "../lib/client-catalogue.mjs";
import { startPair, stopPair } from "../lib/client-scenario.mjs";

const counts = { first: 100_000, second: 1_000_000 };
const quickCounts = { first: 10_000, second: 50_000 };

async function measure({ configuration, isQuick, log }) {
  const { first, second } = isQuick ? quickCounts : counts;
  const { id, inFlight } = configuration;
  const pair = await startPair(configuration, { withControl: true });
  const { client } = pair;
  try {
    const beginning = await client.load({ inFlight, calls: first });
    const early = { calls: beginning.requests, ...(await client.memory()) };
    const rest = await client.load({ inFlight, calls: second - first });
    const late = { calls: early.calls + rest.requests, ...(await client.memory()) };
    const growth = late.heapUsed / early.heapUsed;
    log(`  ${id}: heap × ${growth.toFixed(3)}, ${rest.warnings} warnings`);
    return { ...configuration, early, late, growth, warnings: rest.warnings };
  } finally {
    await stopPair(pair);
  }
}

function configurationsOf(id) {
  if (id === "bare") {
    return [clientEntryOf(id)];
  }
  const note = "one signal for all calls";
  const signalled = { file: "backplane-signal.mjs", suffix: "-signal", note };
  return [clientEntryOf(id), clientEntryOf(id, signalled)];
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  for (const configuration of selected.flatMap(configurationsOf)) {
    try {
      entries.push(await measure({ configuration, isQuick: settings.isQuick, log }));
    } catch (error) {
      const { id, server } = configuration;
      failures.push({ id, server, reason: error.message });
      log(`  ${id}: left out: ${error.message}`);
    }
  }
  return { kind: "heap", subject: "client", entries, failures };
}

export const scenario = {
  id: "client-heap",
  title: "Client: heap after many calls",
  about:
    "heapUsed of the client after two forced collections, after the first calls and after ten times " +
    "as many. Warnings of the process, of listeners that pile up for example, are counted.",
  servers: ["bare", "backplane"],
  run,
};
