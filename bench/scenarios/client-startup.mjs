import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { clientEntryOf } from "../lib/client-catalogue.mjs";
import { startPinned } from "../lib/pinned-process.mjs";
import { LEGACY, MODERN } from "../lib/revisions.mjs";
import { measureStarts } from "../lib/start-times.mjs";

const REQUEST_TIMEOUT_MS = 15_000;
const app = fileURLToPath(new URL("../../apps/everything-client/dist/main.js", import.meta.url));
const script = (file) => fileURLToPath(new URL(`../clients/${file}`, import.meta.url));

/** A server that resolves with the first request it gets, which stays without an answer. */
async function listenForOne() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const received = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no request in time")), REQUEST_TIMEOUT_MS);
    server.once("request", (req) => {
      const at = performance.now();
      clearTimeout(timer);
      let body = "";
      req.on("data", (chunk) => {
        body += chunk;
      });
      req.on("end", () => resolve({ at, body }));
    });
  });
  const { port } = server.address();
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/mcp`, received, close };
}

/** Milliseconds from the spawn of a plain `node` process to its first request at the server. */
async function sample({ script: file, env }) {
  const { url, received, close } = await listenForOne();
  const client = startPinned({
    nodeArgs: [file, url],
    env: { URL: url, ...env },
    channels: ["ignore", "ignore", "pipe", "ipc"],
  });
  const ended = client.ended.then(() => {
    throw new Error(`the client ended: ${client.problems().slice(-600)}`);
  });
  ended.catch(() => undefined);
  try {
    const { at, body } = await Promise.race([received, ended]);
    const { jsonrpc } = JSON.parse(body);
    if (jsonrpc !== "2.0") {
      throw new Error(`the first request is no message: ${body.slice(0, 200)}`);
    }
    return { milliseconds: at - client.spawnedAt };
  } finally {
    received.catch(() => undefined);
    await client.stop();
    close();
  }
}

function everythingClient(suffix, note, scenario, revision) {
  const env = {
    MCP_CONFORMANCE_SCENARIO: scenario,
    MCP_CONFORMANCE_PROTOCOL_VERSION: revision,
  };
  const label = "apps/everything-client";
  return { ...clientEntryOf("backplane", { suffix, label, note }), script: app, env };
}

function configurationsOf(id) {
  if (id === "bare") {
    return [{ ...clientEntryOf(id), script: script("startup-bare.mjs") }];
  }
  const configured = clientEntryOf(id);
  const library = { ...configured, script: script(configured.file) };
  if (id !== "backplane") {
    return [library];
  }
  return [
    library,
    everythingClient("-app", MODERN, "tools_call", MODERN),
    everythingClient("-app-legacy", LEGACY, "tools_call", LEGACY),
    everythingClient("-app-oauth", "with OAuth", "auth/basic-cimd", MODERN),
  ].filter((one) => existsSync(one.script));
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
  const measured = await measureStarts({
    entries,
    sample,
    recorded: ({ script: _script, ...one }) => one,
    settings,
    log,
  });
  return { kind: "startup", subject: "client", ...measured, failures };
}

export const scenario = {
  id: "client-startup",
  title: "Client: process start to first request",
  about:
    "From the spawn of `node` to the arrival of the first request at a server, with the time that " +
    "importing the client takes. The bare client imports undici alone.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1"],
  run,
};
