import { fileURLToPath } from "node:url";
import { startPinned } from "../lib/pinned-process.mjs";
import { alternate, oneByOne } from "../lib/rounds.mjs";
import { pairedRatio, summarise } from "../lib/stats.mjs";

const worker = fileURLToPath(new URL("../lib/verification-worker.mjs", import.meta.url));
const ALGORITHMS = ["HS256", "EdDSA"];
const CALLS = 10_000;
const QUICK_CALLS = 3_000;

function startWorker(algorithm) {
  const channels = ["ignore", "ignore", "pipe", "ipc"];
  const started = startPinned({ nodeArgs: [worker], env: { ALGORITHM: algorithm }, channels });
  const { child, problems } = started;
  const answer = () =>
    new Promise((resolve, reject) => {
      const onClose = () => reject(new Error(`the checks ended: ${problems().slice(-600)}`));
      child.once("close", onClose);
      child.once("message", (message) => {
        child.off("close", onClose);
        resolve(message);
      });
    });
  return {
    ...started,
    ready: answer(),
    ask: (order) => {
      const answered = answer();
      child.send(order);
      return answered;
    },
  };
}

/** Jose first: it is the yardstick of the rounds. */
async function measure({ algorithm, settings, log }) {
  const calls = settings.isQuick ? QUICK_CALLS : CALLS;
  const running = startWorker(algorithm);
  const entries = [
    { id: `jose-${algorithm}`, server: "bare", who: "jose", label: `jose.jwtVerify, ${algorithm}` },
    {
      id: `backplane-${algorithm}`,
      server: "backplane",
      who: "backplane",
      label: `JWTAuth, ${algorithm}`,
    },
  ];
  const sample = async ({ who }) => {
    const outcome = await running.ask({ who, calls });
    if (outcome.right !== calls) throw new Error(`${calls - outcome.right} tokens were refused`);
    return outcome;
  };
  try {
    await running.ready;
    for (const entry of [...entries, ...entries]) await sample(entry);
    const figureOf = ({ perSecond }) => perSecond;
    const { rounds, attempts } = settings;
    const { samples, ...run } = await alternate({
      entries,
      rounds,
      attempts,
      measureRound: oneByOne(sample),
      figureOf,
      log,
    });
    const rates = (id) => samples.get(id).map(figureOf);
    const results = entries.map((entry) => ({
      ...entry,
      samples: samples.get(entry.id),
      perSecond: summarise(rates(entry.id)),
      costOverJose: pairedRatio(rates(entries[0].id), rates(entry.id)),
    }));
    return { ...run, results };
  } finally {
    await running.stop();
  }
}

async function run({ settings, log }) {
  const entries = [];
  const failures = [];
  const runs = [];
  for (const algorithm of ALGORITHMS) {
    try {
      const { results, ...outcome } = await measure({ algorithm, settings, log });
      entries.push(...results);
      runs.push(outcome);
    } catch (error) {
      failures.push({ id: algorithm, server: "backplane", reason: error.message });
      log(`  ${algorithm}: left out: ${error.message}`);
    }
  }
  const noisiest = runs.sort((a, b) => b.yardstickSpread - a.yardstickSpread)[0];
  return { kind: "verification", ...noisiest, entries, failures };
}

export const scenario = {
  id: "auth-verification",
  title: "First check of a token",
  about:
    "New tokens one after the other in one process, by `JWTAuth.authenticate` as a server calls it, and by " +
    "`jose.jwtVerify` alone with the same key and the same demands.",
  servers: ["bare", "backplane"],
  run,
};
