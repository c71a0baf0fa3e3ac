// Throughput of processes under load, in alternating rounds: of servers and of clients.
import { setTimeout as delay } from "node:timers/promises";
import { alternate, warmUp } from "./rounds.mjs";
import { pairedRatio, summarise } from "./stats.mjs";
import { takeTurns, turnsIn, turnsTakeMs } from "./turns.mjs";

/** For a load generator to start in, and to end in. */
const MARGIN_MS = 500;

/** What the records hold of one entry; `yardstick` is the bare rate of each round. */
function entryResult(entry, samples, yardstick) {
  const perSecond = samples.map((one) => one.perSecond);
  const problems = [...new Set(samples.flatMap((one) => one.problems ?? []))];
  return {
    ...entry,
    samples,
    perSecond: summarise(perSecond),
    ratioToBare: pairedRatio(perSecond, yardstick),
    ...(problems.length > 0 ? { problems } : {}),
  };
}

const wholeSeconds = (ms) => Math.ceil(ms / 1000) * 1000;

/**
 * One round. Every process is under load of its own, and all but one are stopped at any time: what
 * else the machine does meets all of them alike, turn by turn.
 */
async function measureRound(started, { subject, seconds }) {
  const { rampTurns = 0 } = subject;
  const turns = turnsIn(seconds);
  const measured = started.map(subject.measured);
  const peers = started.map((one) => subject.peer?.(one));
  const cpuTimes = () => [...measured, ...peers].map((one) => one?.cpuTimeMs());
  for (const { pause } of measured) pause();
  const fromMs = MARGIN_MS + turnsTakeMs(started.length, rampTurns);
  const untilMs = wholeSeconds(fromMs + turnsTakeMs(started.length, turns));
  const startedAt = performance.now();
  const untilAfter = (ms) => delay(Math.max(0, startedAt + ms - performance.now()));
  const loads = started.map((one) => subject.load(one, { fromMs, untilMs }));
  // A load that fails while turns are taken is told when they are over.
  const settled = Promise.allSettled(loads);
  await untilAfter(MARGIN_MS);
  await takeTurns(measured, { turns: rampTurns });
  await untilAfter(fromMs);
  const before = cpuTimes();
  const ranMs = await takeTurns(measured, { turns, deadline: startedAt + untilMs });
  const after = cpuTimes();
  await untilAfter(untilMs + MARGIN_MS);
  for (const { resume } of measured) resume();
  await settled;
  const outcomes = await Promise.all(loads);
  return outcomes.map((outcome, index) => {
    const share = (at) =>
      before[at] === undefined ? undefined : (after[at] - before[at]) / ranMs[index];
    const perSecond = (outcome.requests * 1000) / ranMs[index];
    const [cpu, peerCpu] = [share(index), share(measured.length + index)];
    return { ...outcome, perSecond, cpu, ...(subject.peer && { peerCpu }) };
  });
}

/**
 * Starts, checks, warms up and measures processes in rounds; the first entry must be the bare one.
 *
 * The subject says how: `start(entry)` starts what an entry needs, checks its first answers and
 * resolves with what the other functions are called with; `stop(started)` ends it; `measured(started)` is the
 * process on the measured core, `peer(started)` the one that it talks to, if its processor time is
 * of interest. `load(started, { fromMs, untilMs, isGentle })` applies load from now on until then, one
 * request at a time if gentle, and resolves with `{ requests, … }`, those that were answered between the two;
 * a load that counts all has no `rampTurns`, which are those that a process runs before the first.
 */
export async function measureProcesses({ entries, subject, settings, log }) {
  const running = new Map();
  const latencies = new Map();
  const failures = [];

  async function stopAll() {
    const started = [...running.values()];
    running.clear();
    await Promise.all(started.map(subject.stop));
  }
  /** Warmed up as soon as it is there: one that stands idle before forgets what it compiled. */
  async function startOne(entry) {
    const started = await subject.start(entry);
    running.set(entry.id, started);
    const second = { fromMs: 0, untilMs: 1000 };
    // Full load from the first moment on makes the compiler decide by what happens in its first milliseconds.
    await subject.load(started, { ...second, isGentle: true });
    const slice = () => subject.load(started, second);
    const { p50Ms, p99Ms } = await warmUp({ settings, slice });
    latencies.set(entry.id, { p50Ms, p99Ms });
  }
  /** @returns whether the entry can be measured at all. */
  async function tryOne(entry) {
    try {
      await startOne(entry);
      log(`  ${entry.id}: first answers are correct, and it is warm`);
      return true;
    } catch (error) {
      const started = running.get(entry.id);
      running.delete(entry.id);
      if (started !== undefined) await subject.stop(started);
      failures.push({ id: entry.id, server: entry.server, reason: error.message });
      log(`  ${entry.id}: left out: ${error.message}`);
      return false;
    }
  }

  try {
    const able = [];
    for (const entry of entries) {
      if (await tryOne(entry)) able.push(entry);
    }
    if (able[0]?.server !== "bare") {
      throw new Error("the bare one could not be measured");
    }
    const { samples, ...run } = await alternate({
      entries: able,
      rounds: settings.rounds,
      processes: settings.processes,
      attempts: settings.attempts,
      restart: async () => {
        await stopAll();
        for (const entry of able) await startOne(entry);
      },
      measureRound: async (order) => {
        const started = order.map(({ id }) => running.get(id));
        const outcomes = await measureRound(started, { subject, seconds: settings.seconds });
        return outcomes.map((one, index) => ({ ...one, ...latencies.get(order[index].id) }));
      },
      figureOf: ({ perSecond }) => perSecond,
      log,
    });
    const yardstick = samples.get(able[0].id).map(({ perSecond }) => perSecond);
    const results = able.map((entry) => entryResult(entry, samples.get(entry.id), yardstick));
    return { ...run, entries: results, failures };
  } finally {
    await stopAll();
  }
}
