// An MCP server over stdio whose behaviour its arguments script: node scripted-server.mjs [trait…]
//   modern      answers server/discover; without it the server is legacy
//   exits       ends after a first message that is not initialize
//   silent      does not answer what it does not know
//   garbage     writes lines that are no messages to stdout
//   stubborn    ignores SIGTERM and the end of its stdin, and so does a process that it starts
//   mute        answers nothing at all
//   deaf        does not read its stdin
//   broken      ends at once, with code 7

import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { createInterface } from "node:readline";

const traits = new Set(process.argv.slice(2));
const serverInfo = { name: "scripted", version: "1.0.0" };
const capabilities = { tools: {} };
const history = [];
let first = true;
let child;

if (traits.has("broken")) {
  process.stderr.write("no configuration: password=hunter2\n");
  process.exit(7);
}
if (traits.has("garbage")) process.stdout.write("Server listening\n{not json\n\n");
if (traits.has("stubborn")) {
  process.on("SIGTERM", () => {});
  setInterval(() => {}, 1_000);
  const code = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1_000);';
  child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "inherit", "inherit"] });
}

const send = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

const METHODS = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities, serverInfo }),
  ping: () => ({}),
  echo: (params) => params,
  environment: () => ({ ...process.env }),
  history: () => ({ methods: history.slice(0, -1) }),
  where: () => ({ cwd: process.cwd(), pid: process.pid, childPid: child?.pid }),
  big: ({ length }) => ({ text: "x".repeat(length) }),
  complain: ({ lines }) => {
    for (const line of lines) process.stderr.write(`${line}\n`);
    return {};
  },
  crash: ({ code }) => process.exit(code),
  "answer-and-crash": () => {
    setImmediate(() => process.exit(0));
    return { last: "words" };
  },
  "close-stdout": () => {
    process.stdout.end();
    process.stdout.destroy();
    setInterval(() => {}, 1_000);
    return undefined;
  },
  "close-stdin": () => {
    process.stdin.destroy();
    closeSync(0);
    setInterval(() => {}, 1_000);
    return {};
  },
};
if (traits.has("modern")) {
  METHODS["server/discover"] = () => ({
    resultType: "complete",
    supportedVersions: ["2026-07-28"],
    capabilities,
    ttlMs: 1_000,
    cacheScope: "public",
    instructions: "Use it well.",
    _meta: { "io.modelcontextprotocol/serverInfo": serverInfo },
  });
  METHODS.initialize = undefined;
}

function answer({ id, method, params = {} }) {
  if (first && method !== "initialize" && traits.has("exits")) process.exit(1);
  first = false;
  history.push(method);
  if (id === undefined || traits.has("mute")) return;
  const handler = METHODS[method];
  if (handler !== undefined) {
    const result = handler(params);
    if (result !== undefined) send({ id, result });
  } else if (!traits.has("silent")) {
    send({ id, error: { code: -32601, message: `Method not found: ${method}` } });
  }
}

if (traits.has("deaf")) setInterval(() => {}, 1_000);
else {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => answer(JSON.parse(line)));
  lines.on("close", () => {
    if (!traits.has("stubborn")) process.stdin.destroy();
  });
}
