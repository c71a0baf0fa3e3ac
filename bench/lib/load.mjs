// The load generator: wrk when it is on PATH, else autocannon.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rawRequest } from "./wire.mjs";

/** Above any pause that a server makes while others have their turn. */
const TIMEOUT_SECONDS = 60;

const luaScript = fileURLToPath(new URL("./requests.lua", import.meta.url));
const autocannonScript = fileURLToPath(new URL("./autocannon-run.mjs", import.meta.url));

/** Name and version of the generator in use. */
export function loadGenerator() {
  const wrk = spawnSync("wrk", ["-v"], { encoding: "utf8" });
  if (wrk.error) {
    return { name: "autocannon" };
  }
  const [, version] = /wrk (\S+)/.exec(`${wrk.stdout}${wrk.stderr}`) ?? [];
  return { name: "wrk", version };
}

const generator = loadGenerator();

function runChild(command, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    let problems = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      problems += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const line = output.trimEnd().split("\n").at(-1) ?? "";
      if (code !== 0 || !line.startsWith("{")) {
        reject(new Error(`${command} failed: ${problems || output}`));
      } else {
        resolve(JSON.parse(line));
      }
    });
    child.stdin.end(input ?? "");
  });
}

/**
 * Prepares a job: a function that applies load for some whole seconds, over so many connections, and returns
 * `{ perSecond, requests, bytes, p50Ms, p99Ms, failed }`, and `dispose`.
 */
export function prepareLoad({ port, requests, connections: usual }) {
  const folder = mkdtempSync(join(tmpdir(), "backplane-bench-"));
  const file = join(folder, "requests");
  writeFileSync(file, requests.map((request) => rawRequest(request, port)).join("\0"));

  async function run(seconds, connections = usual) {
    const url = `http://127.0.0.1:${port}/mcp`;
    const shape = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", `${TIMEOUT_SECONDS}s`];
    const job = { port, connections, seconds, timeoutSeconds: TIMEOUT_SECONDS, requests };
    const outcome =
      generator.name === "wrk"
        ? await runChild("wrk", [...shape, "-s", luaScript, url, "--", file])
        : await runChild(process.execPath, [autocannonScript], JSON.stringify(job));
    return {
      perSecond: outcome.requests / (outcome.durationUs / 1e6),
      requests: outcome.requests,
      bytes: outcome.bytes,
      p50Ms: outcome.p50Us / 1000,
      p99Ms: outcome.p99Us / 1000,
      failed: outcome.failed,
    };
  }

  return { run, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}
