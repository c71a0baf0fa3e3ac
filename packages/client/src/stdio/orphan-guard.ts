import type { ChildProcess, spawn } from "node:child_process";
import type { ProcessGroup } from "./process-group.ts";

/**
 * Reads groups to watch (`+ ID`) and to forget (`- ID`). When its stdin ends, this process is gone, however it
 * ended: what is left of the groups gets SIGTERM a moment after its own stdin has ended, then SIGKILL.
 */
const GUARD_SCRIPT = `
live=" "
while read -r op id; do
  case "$op" in
    +) live="$live$id " ;;
    -) case "$live" in *" $id "*) live="\${live%% "$id" *} \${live#* "$id" }" ;; esac ;;
  esac
done
left() {
  for id in $live; do kill -s 0 -- "-$id" 2>/dev/null && return 0; done
  return 1
}
for signal in TERM KILL; do
  left || exit 0
  sleep 1
  for id in $live; do kill -s $signal -- "-$id" 2>/dev/null; done
done
`;

/**
 * Sees to it that server processes do not outlive this one. They lead process groups of their own, which a
 * terminal's Ctrl-C does not reach, and a server need not end with its stdin; nor does a process that is killed
 * get to clean up. So one small shell for all of them waits for this process to be gone.
 */
export class OrphanGuard {
  readonly #run: typeof spawn;
  readonly #groups = new Map<number, ProcessGroup>();
  #shell: ChildProcess | undefined;
  #unavailable = false;

  constructor(run: typeof spawn, platform: NodeJS.Platform = process.platform) {
    this.#run = run;
    this.#unavailable = platform === "win32";
  }

  watch(pid: number, group: ProcessGroup): void {
    if (this.#groups.size === 0) process.on("exit", this.#onExit);
    this.#groups.set(pid, group);
    if (this.#shell === undefined && !this.#unavailable) this.#start();
    this.#tell(`+ ${pid}\n`);
  }

  forget(pid: number): void {
    if (!this.#groups.delete(pid)) return;
    this.#tell(`- ${pid}\n`);
    if (this.#groups.size > 0) return;
    process.off("exit", this.#onExit);
    this.#shell?.stdin?.end();
    this.#shell = undefined;
  }

  #start(): void {
    const shell = this.#run("/bin/sh", ["-c", GUARD_SCRIPT, "backplane-orphan-guard"], {
      stdio: ["pipe", "ignore", "ignore"],
      // Ctrl-C must not reach it either.
      detached: true,
      cwd: "/",
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    });
    const lost = (): void => {
      if (this.#shell !== shell) return;
      this.#shell = undefined;
      this.#unavailable = true;
    };
    shell.on("error", lost);
    shell.on("exit", lost);
    shell.stdin?.on("error", lost);
    shell.unref();
    this.#shell = shell;
  }

  #tell(line: string): void {
    this.#shell?.stdin?.write(line);
  }

  /** Without the shell, this is what can be done: it runs unless this process is killed. */
  readonly #onExit = (): void => {
    if (!this.#unavailable) return;
    for (const group of this.#groups.values()) group.signal("SIGKILL");
  };
}
