// Throughput of HTTP servers under load, in alternating rounds.
import { credentialsOf } from "./auth.mjs";
import { checkFirstAnswers, openSessions } from "./http-client.mjs";
import { prepareLoad } from "./load.mjs";
import { measureProcesses } from "./process-rounds.mjs";
import { spawnServer } from "./server-process.mjs";
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
    return { server, load, bytes };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function stopEntry({ server, load }) {
  load.dispose();
  await server.stop();
}

async function loadEntry({ load, bytes }, { untilMs, isGentle }) {
  const outcome = await load.run(untilMs / 1000, isGentle ? 1 : CONNECTIONS);
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
  return { ...outcome, ...(problems.length > 0 ? { problems } : {}) };
}

/** Measures servers over HTTP; the first entry must be the bare server. */
export async function measureHttp({ entries, method = "tools/call", settings, log }) {
  const subject = {
    start: (entry) => startEntry(entry, method),
    measured: ({ server }) => server,
    load: loadEntry,
    stop: stopEntry,
  };
  const rounds = await measureProcesses({ entries, subject, settings, log });
  return { kind: "throughput", connections: CONNECTIONS, ...rounds };
}
