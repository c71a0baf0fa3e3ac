import { entry } from "../lib/catalogue.mjs";
import { checkFirstAnswers, endSessions, openSessions } from "../lib/http-client.mjs";
import { spawnServer } from "../lib/server-process.mjs";
import { buildRequests } from "../lib/wire.mjs";

const CONNECTIONS = 64;
const WARM_UP_SESSIONS = 300;
/** Servers that keep tens of kilobytes for a session are asked for fewer. */
const sessionCounts = { backplane: 10_000, tmcp: 10_000 };
const OTHER_SESSIONS = 2000;
const QUICK_SESSIONS = 500;

async function measure({ id, isQuick, log }) {
  const count = isQuick ? QUICK_SESSIONS : (sessionCounts[id] ?? OTHER_SESSIONS);
  const configuration = entry(id, { protocol: "session" });
  const server = await spawnServer({ ...configuration, withControl: true });
  try {
    await server.ready();
    const { port } = server;
    const warm = await openSessions({ port, count: WARM_UP_SESSIONS, connections: CONNECTIONS });
    const request = { protocol: "session", method: "tools/call", tool: "echo" };
    const requests = buildRequests({ ...request, sessions: warm, count: 50 });
    await checkFirstAnswers({ port, requests, toolCount: 1 });
    await endSessions({ port, sessions: warm });
    const before = await server.memory();
    const opened = await openSessions({ port, count, connections: CONNECTIONS });
    const after = await server.memory();
    const last = buildRequests({ ...request, sessions: [opened.at(-1), opened[0]], count: 2 });
    await checkFirstAnswers({ port, requests: last, toolCount: 1 });
    const bytesPerSession =
      (after.heapUsed + after.external - before.heapUsed - before.external) / count;
    const rssBytesPerSession = (after.rss - before.rss) / count;
    log(`  ${id}: ${Math.round(bytesPerSession)} bytes a session, over ${count} sessions`);
    return {
      ...configuration,
      sessions: count,
      before,
      after,
      bytesPerSession,
      rssBytesPerSession,
    };
  } finally {
    await server.stop();
  }
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  for (const id of selected.filter((one) => one !== "bare")) {
    try {
      entries.push(await measure({ id, isQuick: settings.isQuick, log }));
    } catch (error) {
      failures.push({ id, server: id, reason: error.message });
      log(`  ${id}: left out: ${error.message}`);
    }
  }
  return { kind: "session-memory", entries, failures };
}

export const scenario = {
  id: "session-memory",
  title: "Memory of an idle 2025-era session",
  about:
    "heapUsed + external after two forced collections, minus the same before, divided by the " +
    "sessions opened in between. No session has a GET stream, and no connection stays open.",
  servers: ["backplane", "sdk-v2-session", "sdk-v1-session", "tmcp", "fastmcp-session"],
  run,
};
