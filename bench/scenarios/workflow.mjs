import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startPinned } from "../lib/pinned-process.mjs";
import { alternate, oneByOne } from "../lib/rounds.mjs";
import { summarise } from "../lib/stats.mjs";

const script = fileURLToPath(new URL("../workflows/process.mjs", import.meta.url));
const NODES = 1_000;
const RUNS = 50;
const WARM_UP_RUNS = 400;
const ROUNDS = 15;
const QUICK_ROUNDS = 5;

const entries = [
  { id: "bare-chain", server: "bare", label: "await in a loop", nodes: NODES },
  { id: "chain", server: "backplane", base: "bare-chain", label: "chain", nodes: NODES },
  { id: "bare-parallel", server: "bare", label: "`Promise.all`", nodes: NODES },
  {
    ...{ id: "parallel", server: "backplane", base: "bare-parallel" },
    ...{ label: "side by side", nodes: NODES },
  },
  {
    id: "bare-sleeps",
    server: "bare",
    label: "`Promise.all`, 300 ms each",
    nodes: 3,
    isSlow: true,
  },
  {
    ...{ id: "sleeps", server: "backplane", base: "bare-sleeps" },
    ...{ label: "side by side, 300 ms each", nodes: 3, isSlow: true },
  },
];

async function start(entry) {
  const subject = startPinned({
    nodeArgs: [script],
    env: { WORK: entry.id },
    channels: ["ignore", "ignore", "pipe", "ipc"],
  });
  const failed = subject.ended.then(() => {
    throw new Error(`${entry.id} ended: ${subject.problems().slice(-600)}`);
  });
  failed.catch(() => undefined);
  const next = async () => {
    const [message] = await Promise.race([once(subject.child, "message"), failed]);
    return message;
  };
  await next();
  const run = async (times) => {
    subject.child.send({ times });
    return next();
  };
  if (!entry.isSlow) {
    await run(WARM_UP_RUNS);
  }
  return { run, stop: () => subject.stop() };
}

async function run({ selected, settings, log }) {
  const started = new Map();
  const failures = [];
  try {
    for (const entry of entries.filter(({ server }) => selected.includes(server))) {
      try {
        started.set(entry.id, { entry, ...(await start(entry)) });
      } catch (error) {
        const { id, server } = entry;
        failures.push({ id, server, reason: error.message });
        log(`  ${id}: left out: ${error.message}`);
      }
    }
    const { samples, ...outcome } = await alternate({
      entries: [...started.values()].map(({ entry }) => entry),
      rounds: settings.isQuick ? QUICK_ROUNDS : ROUNDS,
      attempts: settings.attempts,
      measureRound: oneByOne(({ id, isSlow }) => started.get(id).run(isSlow ? 1 : RUNS)),
      figureOf: ({ milliseconds }) => milliseconds,
      log,
    });
    const timesOf = (id) => samples.get(id)?.map(({ milliseconds }) => milliseconds);
    const results = [...started.values()].map(({ entry }) => {
      const times = timesOf(entry.id);
      const base = timesOf(entry.base);
      // What the same functions take without a workflow, in the same round, is no overhead.
      const overheads = base && times.map((time, round) => time - base[round]);
      return {
        ...entry,
        samples: samples.get(entry.id),
        milliseconds: summarise(times),
        ...(overheads && {
          microsecondsPerNode: (summarise(overheads).median * 1_000) / entry.nodes,
        }),
      };
    });
    return { kind: "workflow", ...outcome, entries: results, failures };
  } finally {
    await Promise.all([...started.values()].map(({ stop }) => stop()));
  }
}

export const scenario = {
  id: "workflow",
  title: "Workflows",
  about:
    "Runs of a workflow that is built already, beside the same asynchronous functions without one. A run " +
    "checks inputs and outputs, copies them, and keeps results, times and a trace. The time for each node is " +
    "what a run takes longer, by node.",
  servers: ["bare", "backplane"],
  run,
};
