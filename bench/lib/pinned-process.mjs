// One `node` process on a core of its own: starting it, its processor time, its end.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { onServerCore } from "./pinning.mjs";

const CLOCK_TICKS_PER_SECOND = 100;
const KEPT_PROBLEM_CHARACTERS = 4000;
const running = new Set();

process.on("exit", () => {
  for (const child of running) {
    child.kill("SIGKILL");
  }
});

/** Processor time of a process so far, in milliseconds; undefined where the system has no /proc. */
function cpuTimeMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/**
 * Spawns `node` with these arguments: `measured` on the server's core, otherwise beside the runner
 * on the generator's. `channels` are those of `spawn`, of which the third is a pipe.
 */
export function startPinned({ nodeArgs, env = {}, channels, measured = true }) {
  const plain = [process.execPath, nodeArgs];
  const [command, args] = measured ? onServerCore(...plain) : plain;
  const spawnedAt = performance.now();
  const child = spawn(command, args, {
    env: { ...process.env, NODE_ENV: "production", ...env },
    stdio: channels,
  });
  let problems = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk) => {
    problems = (problems + chunk).slice(-KEPT_PROBLEM_CHARACTERS);
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
  return {
    child,
    spawnedAt,
    ended,
    cpuTimeMs: () => cpuTimeMs(child.pid),
    problems: () => problems,
    /** Stops it where it is, until `resume`. */
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
