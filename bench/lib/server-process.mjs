// Starting, asking and stopping one server process.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { onServerCore } from "./pinning.mjs";

const START_TIMEOUT_MS = 20_000;
const CLOCK_TICKS_PER_SECOND = 100;
const control = new URL("./control.mjs", import.meta.url).href;
const running = new Set();

process.on("exit", () => {
  for (const child of running) {
    child.kill("SIGKILL");
  }
});

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** An open socket, or undefined while nothing listens. */
export function tryConnect(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

async function waitUntilListening(port, child, problems) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const socket = await tryConnect(port);
    if (socket) {
      socket.destroy();
      return;
    }
    if (child.exitCode !== null) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the server did not start: ${problems().slice(-600)}`);
}

/** Processor time of a process so far, in milliseconds; undefined where the system has no /proc. */
function cpuTimeMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** Spawns `servers/<file>` on the server's core. `stdio` servers get pipes, others a free port. */
export async function spawnServer({ file, env = {}, withControl = false, stdio = false }) {
  const path = fileURLToPath(new URL(`../servers/${file}`, import.meta.url));
  const nodeArgs = withControl ? ["--expose-gc", "--import", control, path] : [path];
  const [command, args] = onServerCore(process.execPath, nodeArgs);
  const port = stdio ? undefined : await freePort();
  const channels = stdio ? ["pipe", "pipe", "pipe"] : ["ignore", "ignore", "pipe"];
  const spawnedAt = performance.now();
  const child = spawn(command, args, {
    env: { ...process.env, NODE_ENV: "production", PORT: String(port ?? ""), ...env },
    stdio: withControl ? [...channels, "ipc"] : channels,
  });
  let problems = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk) => {
    problems = (problems + chunk).slice(-4000);
  });
  running.add(child);
  const ended = new Promise((resolve) => {
    child.once("error", (error) => {
      problems += error.message;
    });
    child.once("close", () => {
      running.delete(child);
      resolve();
    });
  });

  const server = {
    child,
    port,
    spawnedAt,
    cpuTimeMs: () => cpuTimeMs(child.pid),
    problems: () => problems,
    ready: () => waitUntilListening(port, child, () => problems),
    /** Memory after two forced collections; needs `withControl`. */
    memory: () =>
      new Promise((resolve, reject) => {
        child.once("message", resolve);
        child.send("memory", (error) => error && reject(error));
      }),
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
  return server;
}
