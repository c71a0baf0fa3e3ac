import { readFileSync } from "node:fs";

/** Whether a process runs. One that has ended, and that nobody has collected yet, does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
