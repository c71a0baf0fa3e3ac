import { checkAnswer } from "../lib/answers.mjs";
import { servers } from "../lib/catalogue.mjs";
import { measureProcesses } from "../lib/process-rounds.mjs";
import { spawnServer } from "../lib/server-process.mjs";
import { readMessages, runStdioLoad } from "../lib/stdio-load.mjs";
import { buildRequests } from "../lib/wire.mjs";

const IN_FLIGHT = 64;
const CHECKED_ANSWERS = 8;
const files = {
  bare: { file: "stdio-bare.mjs", label: "bare line echo" },
  backplane: { file: "stdio-backplane.mjs", label: servers.backplane.label },
  "sdk-v2": { file: "stdio-sdk-v2.mjs", label: "SDK v2, serveStdio" },
};

const requests = buildRequests({
  protocol: "modern",
  method: "tools/call",
  tool: "echo",
  count: 4096,
});
const lines = requests.map(({ body }) => `${body}\n`);

async function start(id) {
  const server = await spawnServer({ file: files[id].file, stdio: true });
  try {
    const answers = readMessages(server.child.stdout, CHECKED_ANSWERS);
    server.child.stdin.write(lines.slice(0, CHECKED_ANSWERS).join(""));
    const messages = await answers;
    for (const request of requests.slice(0, CHECKED_ANSWERS)) {
      const answer = messages.filter((message) => message.id === request.id);
      checkAnswer(request, answer, { toolCount: 1 });
    }
    return server;
  } catch (error) {
    const reason = `${error.message} ${server.problems()}`;
    await server.stop();
    throw new Error(reason);
  }
}

const subject = {
  start: ({ id }) => start(id),
  measured: (server) => server,
  rampTurns: 1,
  load: ({ child }, { isGentle, ...span }) =>
    runStdioLoad({ child, lines, inFlight: isGentle ? 1 : IN_FLIGHT, ...span }),
  stop: (server) => server.stop(),
};

async function run({ selected, settings, log }) {
  const entries = selected.map((id) => ({ id, server: id, ...files[id], protocol: "modern" }));
  const rounds = await measureProcesses({ entries, subject, settings, log });
  return { kind: "throughput", connections: 1, ...rounds };
}

export const scenario = {
  id: "stdio",
  title: "stdio, 64 calls in flight",
  about: "One line per message over the pipes of a child process; 64 calls are always in flight.",
  servers: ["bare", "backplane", "sdk-v2"],
  run,
};
