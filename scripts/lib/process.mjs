import { spawn } from "node:child_process";
import { constants } from "node:os";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

/** An error whose message is all that the reader needs: run.mjs prints it without a stack. */
export class ToolError extends Error {
  name = "ToolError";
}

/**
 * Runs a program and resolves with its exit code; a death by signal becomes 128 + its number, as
 * a shell would say it. Signals that this process receives meanwhile go to the program, which
 * decides when both end.
 *
 * `output`: "inherit" (stdin too), "stdout" or "stderr" (where its two streams go, without stdin).
 */
export function run(command, args, { cwd, env = process.env, output = "stdout" } = {}) {
  const stdio =
    output === "inherit" ? "inherit" : output === "stderr" ? ["ignore", 2, 2] : ["ignore", 1, 2];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio });
    const forwards = FORWARDED.map((signal) => {
      // On a terminal, Ctrl-C reaches the whole process group: a second one would force an exit.
      const forward = () => {
        if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
      };
      process.on(signal, forward);
      return () => process.off(signal, forward);
    });
    const settle = () => {
      for (const off of forwards) off();
    };
    child.once("error", (cause) => {
      settle();
      reject(new ToolError(`Could not start ${command}: ${cause.message}`, { cause }));
    });
    child.once("exit", (code, signal) => {
      settle();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}
