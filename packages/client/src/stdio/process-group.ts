import type { spawn } from "node:child_process";

/** A process and everything it started, descendants that made a session of their own apart. */
export interface ProcessGroup {
  /** Whether any of them is left. A zombie that nobody reaps counts. */
  alive(): boolean;
  /** Windows knows no signals: both end it at once. */
  signal(signal: "SIGTERM" | "SIGKILL"): void;
}

/**
 * The group of a process that was spawned with `detached` (POSIX), or its tree (Windows).
 * @param run starts the system's own tool where there is no call for it.
 */
export function processGroup(
  pid: number,
  run: typeof spawn,
  platform: NodeJS.Platform = process.platform,
): ProcessGroup {
  if (platform === "win32") {
    return {
      alive: () => canSignal(pid),
      signal() {
        const tool = run("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore" });
        // It ended meanwhile, or there is no such tool: nothing else could be done.
        tool.on("error", () => {});
      },
    };
  }
  return {
    alive: () => canSignal(-pid),
    signal(signal) {
      try {
        process.kill(-pid, signal);
      } catch {
        // It ended meanwhile.
      }
    },
  };
}

function canSignal(target: number): boolean {
  try {
    process.kill(target, 0);
    return true;
  } catch (error) {
    // It is there and belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
