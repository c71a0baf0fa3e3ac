import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { freePort } from "../../tooling/fixture.ts";

/** The built everything server; the build runs before these tests. */
export const everythingMain: string = join(
  import.meta.dirname,
  "../../../apps/everything/dist/main.js",
);

const startDeadlineMs = 30_000;

/** A server process that answers. */
export interface EverythingProcess {
  readonly url: string;
  readonly child: ChildProcess;
}

/** Starts apps/everything over HTTP and waits until it answers. */
async function startEverything(): Promise<EverythingProcess> {
  const port = await freePort();
  const args = [everythingMain, "--port", String(port)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`apps/everything did not start: ${stderr}`);
    }
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) return { url: `http://127.0.0.1:${port}/mcp`, child };
    await sleep(50);
  }
}

/** Stops the process as an operator would. */
async function stopEverything({ child }: EverythingProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** apps/everything for all tests of a group. */
export function useEverything(): { readonly url: string } {
  let running: EverythingProcess | undefined;
  beforeAll(async () => {
    running = await startEverything();
  });
  afterAll(async () => {
    if (running) await stopEverything(running);
  });
  return {
    get url() {
      if (!running) throw new Error("apps/everything runs during tests only");
      return running.url;
    },
  };
}
