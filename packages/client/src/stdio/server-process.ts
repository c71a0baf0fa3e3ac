import type { ChildProcess, SpawnOptions, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { within } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import { childEnvironment } from "./environment.ts";
import { OrphanGuard } from "./orphan-guard.ts";
import { type ProcessGroup, processGroup } from "./process-group.ts";
import type { ResolvedStdioOptions, ShutdownOptions } from "./stdio-options.ts";

/** How a process ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** How often it is looked whether a group is gone: nothing tells when a grandchild ends. */
const POLL_MS = 10;

/** What the system may take to end a process after SIGKILL; then it is stuck in the kernel, or a zombie. */
const AFTER_KILL_MS = 500;

/** How long what the process has written may take to arrive once it has ended. */
const DRAIN_MS = 1_000;

/** The system has no room for a process now, but may have later. */
const MAY_PASS: ReadonlySet<string | undefined> = new Set(["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"]);

let guard: OrphanGuard | undefined;

/** A running server process with its streams, leader of a process group of its own. */
export class ServerProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Null where stderr is inherited or ignored. */
  readonly stderr: Readable | null;
  readonly pid: number;
  /** Resolves when the process itself has ended; what it started may still run. */
  readonly ended: Promise<ProcessEnd>;
  readonly #closed: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #group: ProcessGroup;
  readonly #shutdown: ShutdownOptions;
  #hasEnded = false;
  #ending: Promise<void> | undefined;

  private constructor(child: ChildProcess, group: ProcessGroup, shutdown: ShutdownOptions) {
    this.#child = child;
    this.#group = group;
    this.#shutdown = shutdown;
    this.stdin = child.stdin as Writable;
    this.stdout = child.stdout as Readable;
    this.stderr = child.stderr;
    this.pid = child.pid as number;
    this.ended = new Promise((resolve) => {
      child.once("exit", (exitCode, signal) => {
        this.#hasEnded = true;
        resolve({ exitCode, signal });
      });
    });
    this.#closed = new Promise((resolve) => child.once("close", resolve));
    // A signal that could not be sent; without a listener it would end this process.
    child.on("error", () => {});
    for (const stream of child.stdio) stream?.on("error", () => {});
    // What a server started must not outlive it, whoever ended it.
    void this.ended.then(() => this.end());
  }

  /** @throws {MCPClientError} `connection_failed` when there is no such program, or no room for a process. */
  static async start(options: ResolvedStdioOptions): Promise<ServerProcess> {
    const [{ default: crossSpawn }, { spawn: plainSpawn }] = await Promise.all([
      import("cross-spawn"),
      import("node:child_process"),
    ]);
    const child = await launch(crossSpawn as typeof spawn, options);
    const group = processGroup(child.pid as number, plainSpawn);
    guard ??= new OrphanGuard(plainSpawn);
    guard.watch(child.pid as number, group);
    return new ServerProcess(child, group, options.shutdown);
  }

  /** Asks it to end by ending its stdin, then by SIGTERM, then makes it, and all that it started. Idempotent. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { stdinEndMs, sigtermMs } = this.#shutdown;
    this.stdin.end();
    if (!this.#hasEnded) await within(stdinEndMs, this.ended);
    for (const [signal, waitMs] of [
      ["SIGTERM", sigtermMs],
      ["SIGKILL", AFTER_KILL_MS],
    ] as const) {
      if (this.#gone()) break;
      this.#group.signal(signal);
      await this.#goneWithin(waitMs);
    }
    guard?.forget(this.pid);
    // A descendant that left the group may hold the streams open for as long as it lives.
    await within(DRAIN_MS, this.#closed);
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy();
    this.#child.unref();
  }

  #gone(): boolean {
    return this.#hasEnded && !this.#group.alive();
  }

  async #goneWithin(limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!this.#gone() && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

async function launch(
  run: typeof spawn,
  { command, args, env, inheritEnv, cwd, stderr }: ResolvedStdioOptions,
): Promise<ChildProcess> {
  const settings: SpawnOptions = {
    env: childEnvironment(env, inheritEnv),
    stdio: ["pipe", "pipe", stderr === "inherit" || stderr === "ignore" ? stderr : "pipe"],
    // A group of its own (POSIX), so that what it starts can be ended with it.
    detached: process.platform !== "win32",
    windowsHide: true,
    ...(cwd !== undefined && { cwd }),
  };
  try {
    const child = run(command, args, settings);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return child;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const hint = code === "ENOENT" ? " (is the command installed, and does cwd exist?)" : "";
    throw new MCPClientError(
      "connection_failed",
      `${command}: the server process did not start: ${message}${hint}`,
      { cause, retry: MAY_PASS.has(code) ? "always" : "never", details: { reason: code } },
    );
  }
}
