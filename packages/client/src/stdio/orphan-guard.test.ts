import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../recorders.test-support.ts";
import { OrphanGuard } from "./orphan-guard.ts";
import { processGroup } from "./process-group.ts";
import { runs } from "./stdio-rig.test-support.ts";

const STUBBORN =
  'process.on("SIGTERM", () => {}); setInterval(() => {}, 1_000); console.log("up");';
const spawned: ChildProcess[] = [];

/** The leader of a group of its own that does not end by itself. */
async function stubborn(): Promise<number> {
  const child = spawn(process.execPath, ["-e", STUBBORN], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  spawned.push(child);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child.pid as number;
}

afterEach(() => {
  for (const child of spawned.splice(0)) child.kill("SIGKILL");
});

function guarding(): { guard: OrphanGuard; shells: ChildProcess[]; watch(pid: number): void } {
  const shells: ChildProcess[] = [];
  const run = ((...parameters: Parameters<typeof spawn>) => {
    const shell = spawn(...parameters);
    shells.push(shell);
    return shell;
  }) as typeof spawn;
  const guard = new OrphanGuard(run);
  return { guard, shells, watch: (pid) => guard.watch(pid, processGroup(pid, spawn)) };
}

const exitListeners = (): number => process.listenerCount("exit");

describe("OrphanGuard", () => {
  it("ends what is watched, and only that, when this process is gone", async () => {
    const { guard, shells, watch } = guarding();
    const pids = await Promise.all([stubborn(), stubborn(), stubborn(), stubborn()]);
    const [forgotten, first, other, second] = pids as [number, number, number, number];
    for (const pid of [first, forgotten, second]) watch(pid);
    guard.forget(forgotten);
    // All that the shell can see of the end of this process.
    shells[0]?.stdin?.destroy();
    await until(() => expect([first, second].map(runs)).toEqual([false, false]));
    expect([forgotten, other].map(runs)).toEqual([true, true]);
    for (const pid of pids) guard.forget(pid);
  });

  it("is one shell for all, for as long as there is something to watch", async () => {
    const before = exitListeners();
    const { guard, shells, watch } = guarding();
    const [first, second] = [await stubborn(), await stubborn()];
    watch(first);
    watch(second);
    expect(exitListeners()).toBe(before + 1);
    guard.forget(first);
    guard.forget(first);
    expect(shells).toHaveLength(1);
    guard.forget(second);
    expect(exitListeners()).toBe(before);
    const shell = shells[0] as ChildProcess;
    await until(() => expect(shell.exitCode).toBe(0));
    watch(first);
    expect(shells).toHaveLength(2);
    guard.forget(first);
    expect([first, second].map(runs)).toEqual([true, true]);
  });

  it("a shell that cannot be had, or is lost, harms nobody", async () => {
    const run = ((_command: string, ...rest: [readonly string[], object]) =>
      spawn("/no/such/shell", ...rest)) as unknown as typeof spawn;
    const missing = new OrphanGuard(run);
    const pid = await stubborn();
    missing.watch(pid, processGroup(pid, spawn));
    const { guard, shells, watch } = guarding();
    watch(pid);
    shells[0]?.kill("SIGKILL");
    await until(() => expect(shells[0]?.signalCode).toBe("SIGKILL"));
    const later = await stubborn();
    watch(later);
    expect(shells).toHaveLength(1);
    for (const each of [pid, later]) guard.forget(each);
    missing.forget(pid);
    expect(runs(pid)).toBe(true);
  });
});
