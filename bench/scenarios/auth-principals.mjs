import { Pool } from "undici";
import { tokenOf } from "../lib/auth.mjs";
import { entry } from "../lib/catalogue.mjs";
import { spawnServer } from "../lib/server-process.mjs";
import { buildRequests } from "../lib/wire.mjs";

const CONNECTIONS = 64;
/** Every table is at its bound before the first reading: 10,000 tokens, 100,000 buckets. */
const counts = { first: 200_000, second: 1_000_000 };
const quickCounts = { first: 10_000, second: 20_000 };
const LOG_EVERY = 100_000;

/** Each request is the only one of its caller. */
async function callAs({ pool, request, from, to, log }) {
  let next = from;
  const caller = async () => {
    while (next < to) {
      const number = next++;
      if (number % LOG_EVERY === 0 && number > 0) log(`  ${number} principals`);
      const authorization = `Bearer ${tokenOf(`user-${number}`)}`;
      const headers = { ...request.headers, authorization };
      const options = { path: "/mcp", method: "POST", headers, body: request.body };
      const { statusCode, body } = await pool.request(options);
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`status ${statusCode}: ${text.slice(0, 300)}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, caller));
}

async function measure({ isQuick, log }) {
  const { first, second } = isQuick ? quickCounts : counts;
  const configuration = entry("backplane", { file: "backplane-auth.mjs", credentials: "jwt" });
  // A bucket of ten calls an hour is not full again while this runs: only the bound makes room.
  const env = { ...configuration.env, LIMIT: "10" };
  const server = await spawnServer({ ...configuration, env, withControl: true });
  let pool;
  try {
    await server.ready();
    const { protocol } = configuration;
    const [request] = buildRequests({ protocol, method: "tools/call", tool: "echo", count: 1 });
    pool = new Pool(`http://127.0.0.1:${server.port}`, { connections: CONNECTIONS });
    await callAs({ pool, request, from: 0, to: first, log });
    const early = { calls: first, ...(await server.memory()) };
    await callAs({ pool, request, from: first, to: second, log });
    const late = { calls: second, ...(await server.memory()) };
    const growth = late.heapUsed / early.heapUsed;
    log(`  heap × ${growth.toFixed(3)}`);
    return { ...configuration, note: "each call of another principal", early, late, growth };
  } finally {
    await pool?.destroy();
    await server.stop();
  }
}

async function run({ selected, settings, log }) {
  const entries = [];
  const failures = [];
  for (const id of selected.filter((one) => one !== "bare")) {
    try {
      entries.push(await measure({ isQuick: settings.isQuick, log }));
    } catch (error) {
      failures.push({ id, server: id, reason: error.message });
      log(`  ${id}: left out: ${error.message}`);
    }
  }
  return { kind: "heap", entries, failures };
}

export const scenario = {
  id: "auth-principals",
  title: "Heap after many principals",
  about:
    "heapUsed after two forced collections. Every call brings a new JSON Web Token of another principal, " +
    "whose limit is counted: what is remembered of each must not add up.",
  servers: ["backplane"],
  run,
};
