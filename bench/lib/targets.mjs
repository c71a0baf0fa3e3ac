// The numbers to reach, and how each is read from the measured records. `measure` returns undefined
// when the entries it compares are missing, or when a short run did less than the number speaks of.
// `why` is shown only while a number is not reached.
import { pairedRatio } from "./stats.mjs";

const BYTES_PER_KILOBYTE = 1024;
const BYTES_PER_MEGABYTE = 1024 * 1024;
const MANY_FILES = 100_000;
const MANY_CALLS = 1_000_000;

function rates(record, id) {
  const found = record.entries.find((one) => one.id === id && !one.problems);
  return found?.samples.map(({ perSecond }) => perSecond);
}

/** Median of the ratios of the same rounds. */
const over = (id, base) => (record) => {
  const [values, baseline] = [rates(record, id), rates(record, base)];
  return values && baseline ? pairedRatio(values, baseline).median : undefined;
};

const entryValue = (id, read) => (record) => {
  const found = record.entries.find((one) => one.id === id);
  return found ? read(found) : undefined;
};

const growthOfMany = ({ late, growth }) => (late.calls >= MANY_CALLS ? growth : undefined);

const ofManyFiles = ({ files }, value) => (files >= MANY_FILES ? value : undefined);

const atLeast = (limit) => ({ limit, sign: "≥", isReached: (value) => value >= limit });
const atMost = (limit) => ({ limit, sign: "≤", isReached: (value) => value <= limit });

export const targets = [
  {
    what: "plain modern `tools/call` ÷ bare node:http",
    scenario: "call",
    reach: atLeast(0.9),
    measure: over("backplane", "bare"),
    why:
      "a call does what the bare handler does not: checks of headers, envelope and arguments, a deadline, a " +
      "promise. The largest single part, a Set of running calls that kept finished ones alive for the " +
      "collector, is gone; what remains is spread over many small steps",
  },
  {
    what: "plain `tools/call` ÷ SDK v2 stock handler, 1 tool",
    scenario: "call",
    reach: atLeast(14),
    measure: over("backplane", "sdk-v2"),
    why: "it follows from the share of bare node:http that a plain call reaches, above",
  },
  {
    what: "plain `tools/call` ÷ SDK v2 stock handler, 50 tools",
    scenario: "many-tools",
    reach: atLeast(20),
    measure: over("backplane@50", "sdk-v2@50"),
    why: "it follows from the share of bare node:http that a plain call reaches, above",
  },
  {
    what: "plain `tools/call` ÷ SDK v2 stock handler, 1,000 tools",
    scenario: "many-tools",
    reach: atLeast(130),
    measure: over("backplane@1000", "sdk-v2@1000"),
    why: "it follows from the share of bare node:http that a plain call reaches, above",
  },
  {
    what: "plain `tools/call` ÷ tmcp",
    scenario: "call",
    reach: atLeast(5),
    measure: over("backplane", "tmcp"),
  },
  {
    what: "legacy session `tools/call` ÷ SDK v1 session",
    scenario: "legacy-session",
    reach: atLeast(7),
    measure: over("backplane", "sdk-v1-session"),
    why: "it follows from the share of bare node:http that a plain call reaches, above",
  },
  {
    what: "`tools/list` with 50 tools ÷ SDK v2",
    scenario: "tools-list",
    reach: atLeast(30),
    measure: over("backplane", "sdk-v2"),
  },
  {
    what: "cost per call at 1,000 tools ÷ at 1 tool",
    scenario: "many-tools",
    reach: atMost(1.1),
    measure: over("backplane@1", "backplane@1000"),
  },
  {
    what: "handler that passes `ctx.signal` on ÷ bare node:http",
    scenario: "signal",
    reach: atLeast(0.55),
    measure: over("backplane", "bare"),
    why:
      "an AbortSignal is made for each call whose handler asks for one, and the handler's own timer listens " +
      "to it; the rest is the share of bare node:http that a plain call reaches, above",
  },
  {
    what: "stdio calls, 64 in flight, ÷ SDK v2",
    scenario: "stdio",
    reach: atLeast(4),
    measure: over("backplane", "sdk-v2"),
  },
  {
    what: "stdio calls, 64 in flight, ÷ bare line echo",
    scenario: "stdio",
    reach: atLeast(0.5),
    measure: over("backplane", "bare"),
  },
  {
    what: "memory of an idle legacy session",
    scenario: "session-memory",
    reach: atMost(3),
    unit: "KB",
    measure: entryValue("backplane", (one) =>
      one.sessions >= 10_000 ? one.bytesPerSession / BYTES_PER_KILOBYTE : undefined,
    ),
  },
  {
    what: "heap after 1,000,000 calls ÷ after 100,000",
    scenario: "heap",
    reach: atMost(1.05),
    measure: entryValue("backplane", growthOfMany),
  },
  {
    what: "process start to first answer ÷ bare node:http",
    scenario: "startup",
    reach: atMost(2.5),
    measure: entryValue("backplane", (one) => one.ratioToBare.median),
    why:
      "the process also loads zod; the row of the bare server that imports zod shows that share, " +
      "and what remains is the server's own modules and the registration of the tool",
  },
  {
    what: "import of `@backplane/server` ÷ import of `zod`",
    scenario: "import",
    reach: atMost(0.6),
    measure: entryValue("backplane", (one) => one.ratioToBare.median),
  },
  {
    what: "type check with 200 zod tools, beyond that with 1",
    scenario: "typecheck",
    reach: atMost(2),
    unit: "s",
    measure: entryValue("backplane", (one) => one.extraSeconds),
  },
  {
    what: "client: `callTool` ÷ bare undici request with the same bodies",
    scenario: "client-call",
    reach: atLeast(0.7),
    measure: over("backplane", "bare"),
  },
  {
    what: "client: `callTool` ÷ SDK v2 client",
    scenario: "client-call",
    reach: atLeast(6),
    measure: over("backplane", "sdk-v2"),
  },
  {
    what: "client: `callTool` ÷ SDK v1 client",
    scenario: "client-call",
    reach: atLeast(5),
    measure: over("backplane", "sdk-v1"),
  },
  {
    what: "client: pool with 256 callers ÷ with 32: no worse",
    scenario: "client-pool",
    reach: atLeast(1),
    measure: over("backplane@256", "backplane@32"),
    why:
      "each of 256 callers is read again from a colder cache when its turn comes, and the collector copies a " +
      "little more; bare undici, which opens a socket for each caller, loses more in the same run",
  },
  {
    what: "client to server, end to end, ÷ SDK v2 client to SDK v2 server",
    scenario: "client-end-to-end",
    reach: atLeast(8),
    measure: over("backplane", "sdk-v2"),
  },
  {
    what: "client to server, end to end, ÷ SDK v1 client to SDK v1 server",
    scenario: "client-end-to-end",
    reach: atLeast(8),
    measure: over("backplane", "sdk-v1"),
  },
  {
    what: "client: heap after 1,000,000 calls ÷ after 100,000",
    scenario: "client-heap",
    reach: atMost(1.05),
    measure: entryValue("backplane", growthOfMany),
  },
  {
    what: "client: the same with one signal for all calls",
    scenario: "client-heap",
    reach: atMost(1.05),
    measure: entryValue("backplane-signal", growthOfMany),
  },
  {
    what: "client: warnings of the process in 1,000,000 calls with one signal",
    scenario: "client-heap",
    reach: atMost(0),
    measure: entryValue("backplane-signal", (one) =>
      one.late.calls >= MANY_CALLS ? one.warnings : undefined,
    ),
  },
  {
    what: "everything-client: process start to first request",
    scenario: "client-startup",
    reach: atMost(300),
    unit: "ms",
    measure: entryValue("backplane-app", (one) => one.milliseconds.median),
  },
  {
    what: "test client: time of a call in memory ÷ of a direct dispatch",
    scenario: "test-client",
    reach: atMost(2),
    measure: over("bare", "backplane"),
  },
  {
    what: "workflow: overhead of a node, 1,000 in a chain",
    scenario: "workflow",
    reach: atMost(20),
    unit: "µs",
    measure: entryValue("chain", (one) => one.microsecondsPerNode),
  },
  {
    what: "workflow: overhead of a node, 1,000 side by side",
    scenario: "workflow",
    reach: atMost(20),
    unit: "µs",
    measure: entryValue("parallel", (one) => one.microsecondsPerNode),
  },
  {
    what: "workflow: three independent nodes of 300 ms",
    scenario: "workflow",
    reach: atMost(330),
    unit: "ms",
    measure: entryValue("sleeps", (one) => one.milliseconds.median),
  },
  {
    what: "`tools/call` with API key, limit and policy ÷ the same without",
    scenario: "auth-call",
    reach: atLeast(0.88),
    measure: over("backplane-keys", "backplane"),
    why:
      "Node reads one header more, a digest of the key is looked up and a bucket is counted, beside a plain call " +
      "that costs no more than bare node:http",
  },
  {
    what: "`tools/call` with cached JSON Web Token, limit and policy ÷ the same without",
    scenario: "auth-call",
    reach: atLeast(0.85),
    measure: over("backplane-jwt", "backplane"),
    why: "as with API keys, and a token is a header of several hundred bytes to read and to digest",
  },
  {
    what: "cost of the first check of an HS256 token ÷ `jose.jwtVerify` alone",
    scenario: "auth-verification",
    reach: atMost(1.3),
    measure: over("jose-HS256", "backplane-HS256"),
  },
  {
    what: "cost of the first check of an EdDSA token ÷ `jose.jwtVerify` alone",
    scenario: "auth-verification",
    reach: atMost(1.3),
    measure: over("jose-EdDSA", "backplane-EdDSA"),
  },
  {
    what: "heap after 1,000,000 principals ÷ after 200,000, when every table is full",
    scenario: "auth-principals",
    reach: atMost(1.05),
    measure: entryValue("backplane", growthOfMany),
  },
  {
    what: "`tools/call` under a policy with 1,000 tools ÷ with 1 tool",
    scenario: "auth-many-tools",
    reach: atLeast(0.95),
    measure: over("backplane@1000", "backplane@1"),
  },
  {
    what: "metrics on ÷ off, plain modern `tools/call`",
    scenario: "monitoring",
    reach: atLeast(0.92),
    measure: over("backplane+metrics", "backplane+plain"),
    why:
      "two readings of the clock, an event, a look-up of the series and a histogram, beside a plain call that costs " +
      "no more than bare node:http",
  },
  {
    what: "metrics, audit, API key, limits and policy together ÷ bare node:http",
    scenario: "monitoring",
    reach: atLeast(0.7),
    measure: over("backplane+all", "bare"),
    why:
      "the audit's line, its part of a SHA-256 and the file it goes to are work of the same core, and with a key, " +
      "a policy, limits and metrics come to more than the share that is left, as the table of layers shows",
  },
  {
    what: "the same with 1 % of calls traced ÷ bare node:http",
    scenario: "monitoring",
    reach: atLeast(0.65),
    measure: over("backplane+all-traced", "bare"),
    why:
      "beside the audit, above: on Node 20 the context that is active in a handler rests on async hooks, which " +
      "look at every promise of the process",
  },
  {
    what: "`/metrics` with 1,000 tools",
    scenario: "metrics-page",
    reach: atMost(20),
    unit: "ms",
    measure: entryValue("backplane", (one) => one.milliseconds.median),
  },
  {
    what: "`/dashboard`, transferred",
    scenario: "dashboard-page",
    reach: atMost(60),
    unit: "kB",
    measure: entryValue("backplane", ({ bytes }) => bytes / 1000),
  },
  {
    what: "event-loop delay p99 with the dashboard open ÷ closed",
    scenario: "dashboard-delay",
    reach: atMost(1.2),
    measure: entryValue("backplane+open", ({ samples, seconds, ratioToClosed }) =>
      samples.length >= 5 && seconds >= 60 ? ratioToClosed.median : undefined,
    ),
  },
  {
    what: "resources: first page of 100,000 files ÷ a full `opendir` pass",
    scenario: "resources",
    reach: atMost(2),
    measure: entryValue("backplane", (one) => ofManyFiles(one, one.pageOverPass)),
  },
  {
    what: "resources: heap while that page is made",
    scenario: "resources",
    reach: atMost(10),
    unit: "MB",
    measure: entryValue("backplane", (one) =>
      ofManyFiles(one, one.heapGrowth / BYTES_PER_MEGABYTE),
    ),
  },
  {
    // The event loop reads a few bytes itself, to wake up.
    what: "resources: read by the process while a file of 32 MB is refused",
    scenario: "resources",
    reach: atMost(1),
    unit: "KB",
    measure: entryValue("backplane", ({ refused }) => refused.bytesRead / BYTES_PER_KILOBYTE),
  },
  {
    what: "resources: resident memory of a read ÷ its size, by the provider",
    scenario: "resources",
    reach: atMost(4),
    measure: entryValue("backplane", ({ alone }) => Math.max(...Object.values(alone))),
  },
  {
    what: "resources: resident memory of a read ÷ its size, served over HTTP",
    scenario: "resources",
    reach: atMost(4),
    measure: entryValue("backplane", ({ served }) => Math.max(...Object.values(served))),
  },
  {
    what: "cache: hit through the interceptor ÷ the same call uncached with an empty handler",
    scenario: "cache-hit",
    reach: atLeast(0.9),
    measure: over("backplane-cached", "backplane"),
    why:
      "a hit needs its key, which is the canonical text of the arguments, and a look-up among thousands of them; " +
      "what it saves here, the check of one string and an empty handler, costs less than that",
  },
  {
    what: "cache: hit in tiers ÷ hit in memory",
    scenario: "cache-get",
    reach: atLeast(0.9),
    measure: over("backplane-tiered", "backplane"),
  },
  {
    what: "cache: `getOrSet` hit ÷ cacheable",
    scenario: "cache-get",
    reach: atLeast(1),
    measure: over("backplane", "cacheable"),
  },
  {
    what: "cache: `getOrSet` hit ÷ bentocache",
    scenario: "cache-get",
    reach: atLeast(1),
    measure: over("backplane", "bentocache"),
  },
  {
    what: "cache: `getOrSet` miss ÷ cacheable",
    scenario: "cache-miss",
    reach: atLeast(1),
    measure: over("backplane", "cacheable"),
  },
  {
    what: "cache: `getOrSet` miss ÷ bentocache",
    scenario: "cache-miss",
    reach: atLeast(1),
    measure: over("backplane", "bentocache"),
  },
  {
    what: "cache: time of a Redis hit ÷ bare ioredis GET, one in flight",
    scenario: "cache-redis-1",
    reach: atMost(1.2),
    measure: over("bare", "backplane"),
  },
  {
    what: "cache: the same, 64 in flight",
    scenario: "cache-redis-64",
    reach: atMost(1.2),
    measure: over("bare", "backplane"),
  },
];

/** Each target with `value` and `verdict`: reached, not reached, or not measured. */
export function judge(records) {
  return targets.map(({ what, scenario, reach, unit = "", measure, why }) => {
    const record = records.find((one) => one.id === scenario);
    const value = record ? measure(record) : undefined;
    const target = `${reach.sign} ${reach.limit}${unit ? ` ${unit}` : ""}`;
    const outcome = reach.isReached(value) ? "reached" : "not reached";
    const verdict = value === undefined ? "not measured" : outcome;
    const isNoisy = record?.isNoisy === true;
    const reason = verdict === "not reached" ? why : undefined;
    return { what, scenario, target, unit, value, verdict, isNoisy, reason };
  });
}
