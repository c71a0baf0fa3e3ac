import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MCPServerOptions } from "@backplane/server";

/** What the process says of itself, after a collection. */
export interface Measurement {
  /** `heapUsed` and `external` together. */
  readonly heapBytes: number;
  /** Active resources by kind: sockets, timers. */
  readonly resources: Readonly<Record<string, number>>;
  /** Era, method and target of each request that has begun and not ended. */
  readonly running: readonly string[];
  readonly streams: number;
  readonly sessions: number;
  /** Members that prototypes have gained. */
  readonly pollutedKeys: number;
}

/** Options that JSON can carry. */
export type PlainOptions = Pick<
  MCPServerOptions,
  "deadlines" | "limits" | "sessions" | "pageSize" | "legacy" | "legacySse"
>;

const startMs = 30_000;

/** apps/everything in a process of its own that reports its memory. */
export class ObservedServer {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #log: { text: string };

  private constructor(url: string, child: ChildProcess, log: { text: string }) {
    this.url = url;
    this.#child = child;
    this.#log = log;
  }

  static async start(options: PlainOptions = {}): Promise<ObservedServer> {
    const script = join(import.meta.dirname, "fixtures/observed-server.mjs");
    const child = spawn(process.execPath, ["--expose-gc", script, JSON.stringify(options)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const log = { text: "" };
    child.stderr?.on("data", (chunk: Buffer) => {
      log.text = (log.text + chunk.toString("utf8")).slice(-20_000);
    });
    const message = await Promise.race([
      once(child, "message").then(([first]) => first as { url: string }),
      once(child, "exit").then(() => undefined),
      sleep(startMs, undefined, { ref: false }),
    ]);
    if (message === undefined) {
      child.kill("SIGKILL");
      throw new Error(`the observed server did not start: ${log.text}`);
    }
    return new ObservedServer(message.url, child, log);
  }

  /** Whether the process still runs. */
  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of what it wrote to stderr. */
  get log(): string {
    return this.#log.text;
  }

  async measure(): Promise<Measurement> {
    const answered = once(this.#child, "message");
    this.#child.send("measure");
    const [measurement] = await answered;
    return measurement as Measurement;
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
