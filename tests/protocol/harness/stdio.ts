import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import type { WireMessage } from "./messages.ts";

const hangMs = 20_000;

/** A server process and the lines it writes. */
export class StdioPeer {
  readonly lines: string[] = [];
  stderr = "";
  readonly #child: ChildProcessWithoutNullStreams;
  #rest = "";
  #read = 0;
  #exited = false;
  #wake: (() => void) | undefined;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      const parts = (this.#rest + text).split("\n");
      this.#rest = parts.pop() ?? "";
      this.lines.push(...parts);
      this.#wake?.();
    });
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      this.stderr += text;
    });
    child.stdin.on("error", () => undefined);
    child.once("close", () => {
      this.#exited = true;
      this.#wake?.();
    });
  }

  /** Every line so far, parsed: throws when one is no JSON. */
  get messages(): WireMessage[] {
    return this.lines.map((line) => JSON.parse(line) as WireMessage);
  }

  /** What stands on stdout after the last newline. */
  get unfinishedLine(): string {
    return this.#rest;
  }

  write(text: string | Buffer): void {
    this.#child.stdin.write(text);
  }

  send(...messages: unknown[]): void {
    this.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  }

  /** The next message that passes `wanted`; the others are dropped. */
  async until(wanted: (message: WireMessage) => boolean): Promise<WireMessage> {
    const deadline = Date.now() + hangMs;
    for (;;) {
      const line = this.lines[this.#read];
      if (line !== undefined) {
        this.#read++;
        const message = JSON.parse(line) as WireMessage;
        if (wanted(message)) return message;
      } else {
        if (this.#exited) throw new Error(`the server exited: ${this.stderr}`);
        await this.#change(deadline);
      }
    }
  }

  /** The response to `id`. */
  response(id: string | number): Promise<WireMessage> {
    return this.until((message) => message.id === id && message.method === undefined);
  }

  async request(message: { readonly id: string | number }): Promise<WireMessage> {
    this.send(message);
    return this.response(message.id);
  }

  /** Ends stdin and waits for the process: its exit code. */
  async close(): Promise<number | null> {
    this.#child.stdin.end();
    return this.exit();
  }

  /** Waits until the process ends by itself: its exit code. */
  async exit(): Promise<number | null> {
    const forced = setTimeout(() => this.#child.kill("SIGKILL"), hangMs);
    if (!this.#exited) await once(this.#child, "close");
    clearTimeout(forced);
    return this.#child.exitCode;
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#child.kill(signal);
  }

  async #change(deadline: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the server stays silent: ${this.stderr}`)),
        Math.max(0, deadline - Date.now()),
      );
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Starts a script with this Node as an MCP server over stdio. */
export function spawnStdio(script: string, args: readonly string[] = []): StdioPeer {
  return new StdioPeer(spawn(process.execPath, [script, ...args], { stdio: "pipe" }));
}
