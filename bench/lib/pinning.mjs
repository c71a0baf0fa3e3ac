// One core for the server, another for whatever generates load.
import { spawnSync } from "node:child_process";
import { availableParallelism, platform } from "node:os";

function detect() {
  if (platform() !== "linux" || availableParallelism() < 2) {
    return undefined;
  }
  const status = spawnSync("taskset", ["-cp", String(process.pid)], { encoding: "utf8" });
  if (status.status !== 0) {
    return undefined;
  }
  const list = status.stdout.split(":").at(-1).trim();
  const cores = list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return cores.length < 2 ? undefined : { server: cores[0], generator: cores.at(-1) };
}

/** `{ server, generator }` core numbers, or undefined where pinning is not possible. */
export const cores = detect();

/** Moves this process, and so every generator it starts, to the generator's core. */
export function pinGenerator() {
  if (cores) {
    spawnSync("taskset", ["-a", "-cp", String(cores.generator), String(process.pid)]);
  }
}

/** The command line that runs `command` on the server's core. */
export function onServerCore(command, args) {
  return cores ? ["taskset", ["-c", String(cores.server), command, ...args]] : [command, args];
}
