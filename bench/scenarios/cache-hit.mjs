import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

export const scenario = {
  id: "cache-hit",
  title: "Cached `tools/call`, over HTTP",
  about:
    "The plain call, and the same answered by the interceptor from a cache in memory: 4,096 different calls, " +
    "all of which are kept after the warm-up.",
  servers: ["bare", "backplane"],
  run: ({ selected, ...context }) =>
    measureHttp({ ...context, entries: selected.flatMap(entriesOf) }),
};

function entriesOf(id) {
  if (id === "bare") return [entry(id)];
  const note = "answered by the interceptor";
  return [entry(id), entry(id, { file: "backplane-cached.mjs", suffix: "-cached", note })];
}
