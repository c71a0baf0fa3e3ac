import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type RecordedEvents,
  type RecordedLog,
  recordEvents,
  recordLog,
} from "../recorders.test-support.ts";
import { resolveStdioOptions, type StdioOptions } from "./stdio-options.ts";
import { StdioTransport } from "./stdio-transport.ts";

const SERVER = fileURLToPath(new URL("test-support/scripted-server.mjs", import.meta.url));

/** What of {@link StdioOptions} starts the scripted server. */
export function scripted(...traits: string[]): StdioOptions {
  return {
    command: process.execPath,
    args: [SERVER, ...traits],
    // Long enough for a server that ends by itself, short enough to wait for one that does not.
    shutdown: { stdinEndMs: 300, sigtermMs: 200 },
  };
}

export interface StdioRig {
  readonly transport: StdioTransport;
  readonly events: RecordedEvents;
  readonly log: RecordedLog;
}

export function transportTo(
  options: StdioOptions,
  maxResponseBytes: number = 1024 * 1024,
): StdioRig {
  const log = recordLog();
  const transport = new StdioTransport({
    stdio: resolveStdioOptions("test", options),
    maxResponseBytes,
    maxJsonDepth: 64,
    maxPending: 1_000,
    logger: log,
  });
  return { transport, events: recordEvents(), log };
}

export async function openTo(options: StdioOptions, maxResponseBytes?: number): Promise<StdioRig> {
  const rig = transportTo(options, maxResponseBytes);
  await rig.transport.open(rig.events);
  return rig;
}

/** Whether a process runs: one that has ended and that nobody has reaped does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    // No /proc: elsewhere zombies are reaped by the system.
    return true;
  }
}
