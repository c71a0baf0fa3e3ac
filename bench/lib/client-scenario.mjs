// Throughput of clients, in alternating rounds. The client is the process under test; the server
// that answers it is on the other core.
import { spawnClient } from "./client-process.mjs";
import { fixedText } from "./fixed-answer.mjs";
import { entryResult } from "./http-scenario.mjs";
import { alternate, warmUp } from "./rounds.mjs";
import { spawnServer } from "./server-process.mjs";

const CHECKED_ANSWERS = 8;

/** Spawns the server and the client of an entry, and checks the first answers. */
export async function startPair(entry, { withControl = false } = {}) {
  const { file, env, answersFixed = false } = entry.peer;
  const server = await spawnServer({ file, env, measured: false });
  let client;
  try {
    await server.ready();
    const url = `http://127.0.0.1:${server.port}/mcp`;
    client = await spawnClient({ file: entry.file, url, env: entry.env, withControl });
    for (const { sent, received } of await client.check(CHECKED_ANSWERS)) {
      const expected = answersFixed ? fixedText : sent;
      if (received !== expected) {
        throw new Error(`wrong answer: expected "${expected}", got ${JSON.stringify(received)}`);
      }
    }
    return { entry, server, client };
  } catch (error) {
    await Promise.all([client?.stop(), server.stop()]);
    throw error;
  }
}

export async function stopPair({ client, server }) {
  await Promise.all([client.stop(), server.stop()]);
}

async function sample({ entry, client, server }, seconds) {
  const before = { client: client.cpuTimeMs(), server: server.cpuTimeMs() };
  const startedAt = performance.now();
  const outcome = await client.load({ inFlight: entry.inFlight, milliseconds: seconds * 1000 });
  const elapsedMs = performance.now() - startedAt;
  const share = (process, earlier) =>
    earlier === undefined ? undefined : (process.cpuTimeMs() - earlier) / elapsedMs;
  const cpu = share(client, before.client);
  return { ...outcome, cpu, peerCpu: share(server, before.server) };
}

/** Starts, checks, warms up and measures; the first entry must be the bare client. */
export async function measureClients({ entries, settings, log }) {
  const started = [];
  const failures = [];
  try {
    for (const entry of entries) {
      try {
        started.push(await startPair(entry));
        log(`  ${entry.id}: first answers are correct`);
      } catch (error) {
        failures.push({ id: entry.id, server: entry.server, reason: error.message });
        log(`  ${entry.id}: left out: ${error.message}`);
      }
    }
    if (started[0]?.entry.server !== "bare") {
      throw new Error("the bare client could not be measured");
    }
    for (const pair of started) {
      await warmUp({ settings, slice: async () => (await sample(pair, 1)).perSecond });
    }
    const byId = new Map(started.map((pair) => [pair.entry.id, pair]));
    const { samples, ...run } = await alternate({
      entries: started.map(({ entry }) => entry),
      rounds: settings.rounds,
      attempts: settings.attempts,
      measure: (entry) => sample(byId.get(entry.id), settings.seconds),
      figureOf: ({ perSecond }) => perSecond,
      log,
    });
    const yardstick = samples.get(started[0].entry.id).map(({ perSecond }) => perSecond);
    const results = started.map(({ entry }) =>
      entryResult(entry, samples.get(entry.id), yardstick),
    );
    return { kind: "throughput", subject: "client", ...run, entries: results, failures };
  } finally {
    await Promise.all(started.map(stopPair));
  }
}
