// Throughput of clients, in alternating rounds. The client is the process under test; the server
// that answers it is on the other core.
import { spawnClient } from "./client-process.mjs";
import { fixedText } from "./fixed-answer.mjs";
import { measureProcesses } from "./process-rounds.mjs";
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

/** Measures clients; the first entry must be the bare client. */
export async function measureClients({ entries, settings, log }) {
  const subject = {
    start: startPair,
    measured: ({ client }) => client,
    peer: ({ server }) => server,
    rampTurns: 1,
    load: ({ entry, client }, { isGentle, ...span }) =>
      client.load({ inFlight: isGentle ? 1 : entry.inFlight, ...span }),
    stop: stopPair,
  };
  const rounds = await measureProcesses({ entries, subject, settings, log });
  return { kind: "throughput", subject: "client", ...rounds };
}
