import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";

/** A server process over stdio that is sent bytes and whose lines are kept as they come. */
export class StdioTarget {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #onLine: { call: (line: string) => void } = { call: () => undefined };
  #rest = "";
  #stderr = "";

  constructor(script: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [script, ...args], { stdio: "pipe" });
    this.#child.stdin.on("error", () => undefined);
    this.#child.stdout.setEncoding("utf8");
    this.#child.stdout.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#onLine.call(line);
    });
    this.#child.stderr.setEncoding("utf8");
    this.#child.stderr.on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-20_000);
    });
  }

  /** Who is told of each line; the last one that asked. */
  listen(listener: (line: string) => void): void {
    this.#onLine.call = listener;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of what it wrote to stderr. */
  get log(): string {
    return this.#stderr;
  }

  /** What stands on stdout after the last line. */
  get unfinishedLine(): string {
    return this.#rest;
  }

  /** Resolves once the bytes have left, or cannot any more. */
  write(bytes: Buffer | string): Promise<void> {
    return new Promise((resolve) => {
      this.#child.stdin.write(bytes, () => resolve());
    });
  }

  /** Ends stdin. @returns the exit code, or the signal that it took to end it. */
  async end(): Promise<number | NodeJS.Signals | null> {
    const closed = this.alive ? once(this.#child, "close") : undefined;
    const forced = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    this.#child.stdin.end();
    await closed;
    clearTimeout(forced);
    return this.#child.signalCode ?? this.#child.exitCode;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
