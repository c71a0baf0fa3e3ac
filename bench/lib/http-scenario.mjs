// Throughput of HTTP servers under load, in alternating rounds.
import { credentialsOf } from "./auth.mjs";
import { checkFirstAnswers, openSessions } from "./http-client.mjs";
import { prepareLoad } from "./load.mjs";
import { alternate, warmUp } from "./rounds.mjs";
import { spawnServer } from "./server-process.mjs";
import { pairedRatio, summarise } from "./stats.mjs";
import { buildRequests } from "./wire.mjs";

const CONNECTIONS = 64;
const SESSIONS = 64;
const DISTINCT_REQUESTS = 4096;
const CHECKED_ANSWERS = 8;
/** Answers may differ a little in size (ids in headers); an error answer differs by more. */
const SIZE_TOLERANCE = 0.15;

async function startEntry(entry, method) {
  const server = await spawnServer(entry);
  try {
    await server.ready();
    const needsSession = entry.protocol === "session" && entry.server !== "bare";
    const sessions = needsSession
      ? await openSessions({ port: server.port, count: SESSIONS, connections: 8 })
      : [];
    const { protocol, tool, toolCount } = entry;
    const credentials = credentialsOf(entry.credentials);
    const request = { protocol, method, tool, sessions, credentials, count: DISTINCT_REQUESTS };
    const requests = buildRequests(request);
    const checked = requests.slice(0, CHECKED_ANSWERS);
    const bytes = await checkFirstAnswers({ port: server.port, requests: checked, toolCount });
    const load = prepareLoad({ port: server.port, requests, connections: CONNECTIONS });
    return { entry, server, load, bytes };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function stopEntry({ server, load }) {
  load.dispose();
  await server.stop();
}

async function sample({ server, load, bytes }, seconds) {
  const cpuBefore = server.cpuTimeMs();
  const startedAt = performance.now();
  const outcome = await load.run(seconds);
  const elapsedMs = performance.now() - startedAt;
  const cpu = cpuBefore === undefined ? undefined : (server.cpuTimeMs() - cpuBefore) / elapsedMs;
  const problems = [];
  if (outcome.failed > 0) {
    problems.push(`${outcome.failed} requests failed`);
  }
  // Answers still on their way at the end are in the bytes but not in the count.
  const least = (outcome.bytes / (outcome.requests + CONNECTIONS)) * (1 - SIZE_TOLERANCE);
  const most = (outcome.bytes / outcome.requests) * (1 + SIZE_TOLERANCE);
  if (bytes < least || bytes > most) {
    const mean = Math.round(outcome.bytes / outcome.requests);
    problems.push(`answers of ${mean} bytes, the checked ones had ${Math.round(bytes)}`);
  }
  return { ...outcome, cpu, ...(problems.length > 0 ? { problems } : {}) };
}

/** What the records hold of one entry; `yardstick` is the bare rate of each round. */
export function entryResult(entry, samples, yardstick) {
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

/** Starts, checks, warms up and measures; the first entry must be the bare server. */
export async function measureHttp({ entries, method = "tools/call", settings, log }) {
  const started = [];
  const failures = [];
  try {
    for (const entry of entries) {
      try {
        started.push(await startEntry(entry, method));
        log(`  ${entry.id}: first answers are correct`);
      } catch (error) {
        failures.push({ id: entry.id, server: entry.server, reason: error.message });
        log(`  ${entry.id}: left out: ${error.message}`);
      }
    }
    if (started[0]?.entry.server !== "bare") {
      throw new Error("the bare server could not be measured");
    }
    for (const { load } of started) {
      await warmUp({ settings, slice: async () => (await load.run(1)).perSecond });
    }
    const byId = new Map(started.map((one) => [one.entry.id, one]));
    const { samples, ...run } = await alternate({
      entries: started.map((one) => one.entry),
      rounds: settings.rounds,
      attempts: settings.attempts,
      measure: (entry) => sample(byId.get(entry.id), settings.seconds),
      figureOf: (one) => one.perSecond,
      log,
    });
    const yardstick = samples.get(started[0].entry.id).map((one) => one.perSecond);
    const results = started.map(({ entry, bytes }) => {
      const configured = { ...entry, checkedAnswerBytes: bytes };
      return entryResult(configured, samples.get(entry.id), yardstick);
    });
    return { kind: "throughput", connections: CONNECTIONS, ...run, entries: results, failures };
  } finally {
    await Promise.all(started.map(stopEntry));
  }
}
