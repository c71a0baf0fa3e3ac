import { request as httpRequest } from "node:http";
import { checkAnswer, messagesOf } from "../lib/answers.mjs";
import { entry } from "../lib/catalogue.mjs";
import { spawnServer, tryConnect } from "../lib/server-process.mjs";
import { measureStarts } from "../lib/start-times.mjs";
import { buildRequests } from "../lib/wire.mjs";

const POLL_MS = 1;
const START_TIMEOUT_MS = 15_000;

async function connectWhenListening(port) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const socket = await tryConnect(port);
    if (socket) {
      return socket;
    }
    if (Date.now() > deadline) {
      throw new Error("the server did not start");
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function callOver(socket, request) {
  return new Promise((resolve, reject) => {
    const { headers, body } = request;
    const length = { "Content-Length": Buffer.byteLength(body) };
    const options = { path: "/mcp", method: "POST", headers: { ...headers, ...length } };
    const req = httpRequest({ ...options, createConnection: () => socket }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk) => {
        text += chunk;
      });
      res.on("end", () => resolve(messagesOf(res.headers["content-type"] ?? "", text)));
    });
    req.on("error", reject);
    req.end(body);
  });
}

/** Milliseconds from the spawn of a plain `node` process to the end of its first answer. */
async function sample(configuration) {
  const { protocol, tool } = configuration;
  const [request] = buildRequests({ protocol, method: "tools/call", tool, count: 1 });
  const server = await spawnServer(configuration);
  try {
    const socket = await connectWhenListening(server.port);
    const messages = await callOver(socket, request);
    const milliseconds = performance.now() - server.spawnedAt;
    checkAnswer(request, messages, { toolCount: 1 });
    socket.destroy();
    return { milliseconds };
  } finally {
    await server.stop();
  }
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  for (const configuration of selected.flatMap(configurationsOf)) {
    try {
      await sample(configuration);
      entries.push(configuration);
    } catch (error) {
      const { id, server } = configuration;
      failures.push({ id, server, reason: error.message });
      log(`  ${id}: left out: ${error.message}`);
    }
  }
  const measured = await measureStarts({ entries, sample, settings, log });
  return { kind: "startup", ...measured, failures };
}

function configurationsOf(id) {
  if (id === "bare") {
    const note = "and imports zod";
    return [entry(id), entry(id, { file: "bare-zod.mjs", suffix: "-zod", note })];
  }
  if (id !== "backplane") {
    return [entry(id)];
  }
  const note = "its tool brings plain JSON Schema, so that zod is not loaded";
  const file = "backplane-json-schema.mjs";
  return [entry(id), entry(id, { file, suffix: "-json-schema", note })];
}

export const scenario = {
  id: "startup",
  title: "Process start to first answer",
  about:
    "From the spawn of `node` to the end of the first answer, with the time that importing the " +
    "server and its schema library takes. The bare server loads no schema library.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1", "tmcp", "fastmcp"],
  run,
};
