import { checkAnswer } from "../lib/answers.mjs";
import { servers } from "../lib/catalogue.mjs";
import { alternate, warmUp } from "../lib/rounds.mjs";
import { spawnServer } from "../lib/server-process.mjs";
import { pairedRatio, summarise } from "../lib/stats.mjs";
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

async function sample(server, seconds) {
  const cpuBefore = server.cpuTimeMs();
  const startedAt = performance.now();
  const milliseconds = seconds * 1000;
  const outcome = await runStdioLoad({
    child: server.child,
    lines,
    inFlight: IN_FLIGHT,
    milliseconds,
  });
  const elapsedMs = performance.now() - startedAt;
  const cpu = cpuBefore === undefined ? undefined : (server.cpuTimeMs() - cpuBefore) / elapsedMs;
  return { ...outcome, cpu };
}

async function run({ selected, settings, log }) {
  const started = new Map();
  const failures = [];
  try {
    for (const id of selected) {
      try {
        started.set(id, await start(id));
        log(`  ${id}: first answers are correct`);
      } catch (error) {
        failures.push({ id, server: id, reason: error.message });
        log(`  ${id}: left out: ${error.message}`);
      }
    }
    for (const server of started.values()) {
      await warmUp({ settings, slice: async () => (await sample(server, 1)).perSecond });
    }
    const entries = [...started.keys()].map((id) => ({ id, server: id, ...files[id] }));
    const { samples, ...outcome } = await alternate({
      entries,
      rounds: settings.rounds,
      attempts: settings.attempts,
      measure: ({ id }) => sample(started.get(id), settings.seconds),
      figureOf: (one) => one.perSecond,
      log,
    });
    const yardstick = samples.get("bare").map((one) => one.perSecond);
    const results = entries.map((entry) => {
      const perSecond = samples.get(entry.id).map((one) => one.perSecond);
      const ratioToBare = pairedRatio(perSecond, yardstick);
      const protocol = "modern";
      const all = samples.get(entry.id);
      return { ...entry, protocol, samples: all, perSecond: summarise(perSecond), ratioToBare };
    });
    return { kind: "throughput", connections: 1, ...outcome, entries: results, failures };
  } finally {
    await Promise.all([...started.values()].map((server) => server.stop()));
  }
}

export const scenario = {
  id: "stdio",
  title: "stdio, 64 calls in flight",
  about: "One line per message over the pipes of a child process; 64 calls are always in flight.",
  servers: ["bare", "backplane", "sdk-v2"],
  run,
};
