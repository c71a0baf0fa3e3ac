import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const hangMs = 30_000;
const script = join(import.meta.dirname, "../fixtures/http-server.mjs");

/** A server in a process of its own, and the lines it says about itself. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exited: Promise<unknown>;
  #stderr = "";
  #wake: (() => void) | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, "close").then(() => this.#wake?.());
    if (child.stdout === null || child.stderr === null) throw new Error("stdout is a pipe");
    createInterface(child.stdout).on("line", (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString("utf8");
    });
  }

  /** @param options what `start` takes. */
  static async start(options: object): Promise<{ process: ServerProcess; url: string }> {
    const child = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const server = new ServerProcess(child);
    return { process: server, url: await server.says("url ") };
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Waits for a line that begins so. @returns its rest. */
  async says(beginning: string): Promise<string> {
    const deadline = Date.now() + hangMs;
    for (;;) {
      const line = this.#lines.find((said) => said.startsWith(beginning));
      if (line !== undefined) return line.slice(beginning.length);
      if (this.#child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the process never said "${beginning}": ${this.#stderr}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until the process ends by itself. */
  async exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const forced = setTimeout(() => this.#child.kill("SIGKILL"), hangMs);
    await this.#exited;
    clearTimeout(forced);
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  /** For the end of a test that failed on the way. */
  destroy(): void {
    this.#child.kill("SIGKILL");
  }
}
