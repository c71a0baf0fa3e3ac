import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { repository } from "./suite.mjs";

const startDeadlineMs = 30_000;
const stopDeadlineMs = 10_000;

/** A port that is free now: another process may take it before the server binds, then it fails. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function answers(url) {
  try {
    await fetch(url, { method: "GET", headers: { accept: "application/json" } });
    return true;
  } catch {
    return false;
  }
}

/** Starts the everything server on a free port: its URL, and a function that ends it. */
export async function startEverything() {
  const main = join(repository, "apps", "everything", "dist", "main.js");
  if (!existsSync(main)) {
    throw new Error("apps/everything is not built: build the workspace, or pass --url");
  }
  const port = await freePort();
  const child = spawn(process.execPath, [main, "--port", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stderr.on("data", (chunk) => output.push(chunk));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    const forced = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
    await ended;
    clearTimeout(forced);
  };
  const deadline = Date.now() + startDeadlineMs;
  while (!(await answers(`http://127.0.0.1:${port}/health`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`apps/everything did not start:\n${Buffer.concat(output).toString("utf8")}`);
    }
    await sleep(50);
  }
  return { url: `http://127.0.0.1:${port}/mcp`, stop };
}

/** The command of the client under test: our own when it is built. */
export function defaultClientCommand() {
  const main = join(repository, "apps", "everything-client", "dist", "main.js");
  if (!existsSync(main)) {
    throw new Error("there is no built apps/everything-client: pass --command");
  }
  return `${JSON.stringify(process.execPath)} ${JSON.stringify(main)}`;
}
