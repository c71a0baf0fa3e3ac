import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";
import { spawnServer } from "../lib/server-process.mjs";

// Each with the layers that are on; the cost of the last one is what it takes more than `after`.
const CONFIGURATIONS = [
  { id: "plain", layers: [], note: "nothing on" },
  { id: "metrics", layers: ["metrics"], after: "plain", note: "metrics" },
  {
    id: "instruments",
    layers: ["instruments"],
    after: "plain",
    note: "metrics with OpenTelemetry instruments",
  },
  { id: "audit", layers: ["audit"], after: "plain", note: "audit to a file" },
  { id: "key", layers: ["auth"], after: "plain", note: "API key" },
  { id: "policy", layers: ["auth", "policy"], after: "key", note: "API key, policy" },
  {
    id: "limits",
    layers: ["auth", "policy", "limits"],
    after: "policy",
    note: "API key, policy, limits",
  },
  {
    id: "all",
    layers: ["auth", "policy", "limits", "metrics", "audit"],
    after: "limits",
    note: "API key, policy, limits, metrics, audit",
  },
  { id: "tracing", layers: ["tracing"], after: "plain", note: "1 % of calls traced" },
  {
    id: "all-traced",
    layers: ["auth", "policy", "limits", "metrics", "audit", "tracing"],
    after: "all",
    note: "all of them, 1 % of calls traced",
  },
];

function entriesOf(selected, collector) {
  // All send a key, so that all read the same bytes.
  const bare = entry("bare", { credentials: "keys" });
  if (!selected.includes("backplane")) return [bare];
  const configured = CONFIGURATIONS.map(({ id, layers, after, note }) => {
    const one = entry("backplane", {
      file: "monitored.mjs",
      suffix: `+${id}`,
      note,
      credentials: "keys",
    });
    const env = { ...one.env, LAYERS: layers.join(","), COLLECTOR: collector };
    return { ...one, env, ...(after && { after: `backplane+${after}` }) };
  });
  return [bare, ...configured];
}

async function run({ selected, ...context }) {
  const collector = await spawnServer({ file: "collector.mjs", measured: false });
  try {
    await collector.ready();
    const entries = entriesOf(selected, `http://127.0.0.1:${collector.port}`);
    return { ...(await measureHttp({ ...context, entries })), kind: "layers" };
  } finally {
    await collector.stop();
  }
}

export const scenario = {
  id: "monitoring",
  title: "Monitoring and protection, layer by layer",
  about:
    "The plain call with more and more on. *µs a call* is what a call takes of the server's core; *more* is what " +
    "the last layer adds to the row that it is compared with. The audit writes a hash-chained file; sampled spans " +
    "go to a collector in batches over OTLP.",
  servers: ["bare", "backplane"],
  run,
};
