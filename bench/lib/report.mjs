// RESULTS.md, written from the raw records alone.
import { protocolLabels } from "./catalogue.mjs";
import { pairedRatio } from "./stats.mjs";
import { judge } from "./targets.mjs";

const percent = (share) => `${(share * 100).toFixed(1)} %`;
const whole = (value) => Math.round(value).toLocaleString("en-US");
const rounded = (value) => (value >= 100 ? whole(value) : String(Number(value.toPrecision(3))));
const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (heads, rows) =>
  [row(heads), row(heads.map(() => "---")), ...rows.map(row)].join("\n");

function nameOf({ label, id, toolCount, note }) {
  const size = toolCount !== undefined && id.includes("@") ? `, ${whole(toolCount)} tools` : "";
  return `${label}${size}${note ? ` (${note})` : ""}`;
}

/** How many times the rate of Backplane with as many tools is that of this entry. */
function backplaneOver({ server, samples, toolCount }, entries) {
  const backplane = entries.find((one) => {
    return one.server === "backplane" && (server === "bare" || one.toolCount === toolCount);
  });
  if (!backplane || server === "backplane") {
    return "";
  }
  const rates = (list) => list.map(({ perSecond }) => perSecond);
  return rounded(pairedRatio(rates(backplane.samples), rates(samples)).median);
}

/** The middle of what the samples hold; undefined when they hold nothing. */
function middle(samples, read) {
  const values = samples.map(read).filter((value) => value !== undefined);
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function throughputTable({ entries, subject = "server" }) {
  const isClient = subject === "client";
  const heads = [
    ...[subject, "protocol", "calls/s", "quartiles", "÷ bare", "Backplane ÷ it"],
    ...(isClient ? ["CPU", "CPU of the server", "warnings"] : ["p50 ms", "p99 ms", "CPU"]),
  ];
  const rows = entries.map((one) => {
    const { perSecond, ratioToBare, samples } = one;
    const cell = (read, format) => {
      const value = middle(samples, read);
      return value === undefined ? "" : format(value);
    };
    const cpu = cell((sample) => sample.cpu, percent);
    const latency = [cell(({ p50Ms }) => p50Ms, rounded), cell(({ p99Ms }) => p99Ms, rounded)];
    const ofPeer = cell(({ peerCpu }) => peerCpu, percent);
    const last = isClient ? [cpu, ofPeer, whole(samples.at(-1).warnings)] : [...latency, cpu];
    return [
      one.problems ? `${nameOf(one)}; **${one.problems.join("; ")}**` : nameOf(one),
      protocolLabels[one.protocol] ?? "",
      whole(perSecond.median),
      `${whole(perSecond.q1)}–${whole(perSecond.q3)}`,
      rounded(ratioToBare.median),
      backplaneOver(one, entries),
      ...last,
    ];
  });
  return table(heads, rows);
}

function memoryTable({ entries }) {
  const heads = ["server", "sessions", "bytes a session", "resident bytes a session"];
  const rows = entries.map((one) => [
    nameOf(one),
    whole(one.sessions),
    whole(one.bytesPerSession),
    whole(one.rssBytesPerSession),
  ]);
  return table(heads, rows);
}

function heapTable({ entries, subject = "server" }) {
  const heads = [subject, "after", "heap KB", "after", "heap KB", "growth"];
  const rows = entries.map(({ early, late, growth, ...one }) => [
    nameOf(one),
    `${whole(early.calls)} calls`,
    whole(early.heapUsed / 1024),
    `${whole(late.calls)} calls`,
    whole(late.heapUsed / 1024),
    growth.toFixed(3),
  ]);
  return table(heads, rows);
}

function startupTable({ entries, subject = "server", yardstick = "bare" }) {
  const heads = [subject, "protocol", "ms", "quartiles", `÷ ${yardstick}`];
  const rows = entries.map((one) => [
    nameOf(one),
    protocolLabels[one.protocol] ?? "",
    rounded(one.milliseconds.median),
    `${rounded(one.milliseconds.q1)}–${rounded(one.milliseconds.q3)}`,
    one.ratioToBare.median.toFixed(2),
  ]);
  return table(heads, rows);
}

function typecheckTable({ entries }) {
  const heads = ["server", "1 tool, s", "200 tools, s", "difference, s"];
  const rows = entries.map((one) => [
    one.label,
    one.few.median.toFixed(2),
    one.many.median.toFixed(2),
    one.extraSeconds.toFixed(2),
  ]);
  return table(heads, rows);
}

function workflowTable({ entries }) {
  const heads = ["what", "nodes", "ms a run", "quartiles", "µs a node beyond the functions"];
  const rows = entries.map((one) => [
    one.server === "backplane" ? `workflow, ${one.label}` : one.label,
    whole(one.nodes),
    rounded(one.milliseconds.median),
    `${rounded(one.milliseconds.q1)}–${rounded(one.milliseconds.q3)}`,
    one.microsecondsPerNode === undefined || one.isSlow ? "" : rounded(one.microsecondsPerNode),
  ]);
  return table(heads, rows);
}

function verificationTable({ entries }) {
  const heads = ["check", "µs a token", "quartiles of tokens/s", "÷ jose"];
  const rows = entries.map((one) => [
    one.label,
    rounded(1e6 / one.perSecond.median),
    `${whole(one.perSecond.q1)}–${whole(one.perSecond.q3)}`,
    one.costOverJose.median.toFixed(2),
  ]);
  return table(heads, rows);
}

/** Processor time of one call; the generator, on another core, is not in it. */
const microseconds = ({ cpu = 1, perSecond }) => (cpu * 1e6) / perSecond;

function layersTable({ entries }) {
  const costs = new Map(entries.map((one) => [one.id, middle(one.samples, microseconds)]));
  const rows = entries.map((one) => {
    const cost = costs.get(one.id);
    const before = costs.get(one.after);
    return [
      one.problems ? `${nameOf(one)}; **${one.problems.join("; ")}**` : nameOf(one),
      whole(one.perSecond.median),
      `${whole(one.perSecond.q1)}–${whole(one.perSecond.q3)}`,
      rounded(one.ratioToBare.median),
      cost.toFixed(1),
      before === undefined ? "" : (cost - before).toFixed(1),
      cell(one.samples, ({ p99Ms }) => p99Ms, rounded),
    ];
  });
  return table(["server", "calls/s", "quartiles", "÷ bare", "µs a call", "more", "p99 ms"], rows);
}

function cell(samples, read, format) {
  const value = middle(samples, read);
  return value === undefined ? "" : format(value);
}

function pageTable({ entries }) {
  const rows = entries.map((one) => [
    nameOf(one),
    whole(one.toolCount),
    rounded(one.milliseconds.median),
    `${rounded(one.milliseconds.q1)}–${rounded(one.milliseconds.q3)}`,
    whole(one.bytes / 1024),
  ]);
  return table(["server", "tools", "ms", "quartiles", "KB"], rows);
}

function pagePartsTable({ entries }) {
  const rows = entries.flatMap(({ parts, bytes }) => [
    ...parts.map((part) => [`\`${part.path}\``, (part.bytes / 1000).toFixed(1)]),
    ["together", (bytes / 1000).toFixed(1)],
  ]);
  return table(["answer", "kB"], rows);
}

function delayTable({ entries }) {
  const heads = ["server", "p99 ms", "quartiles", "÷ closed", "p50 ms", "calls/s"];
  const rows = entries.map((one) => [
    nameOf(one),
    one.p99Ms.median.toFixed(2),
    `${one.p99Ms.q1.toFixed(2)}–${one.p99Ms.q3.toFixed(2)}`,
    one.ratioToClosed.median.toFixed(2),
    cell(one.samples, ({ p50Ms }) => p50Ms, rounded),
    whole(one.perSecond.median),
  ]);
  return table(heads, rows);
}

function resourcesTable({ entries }) {
  const times = (value) => `× ${value.toFixed(2)}`;
  const heads = ["what", "measured"];
  const rows = entries.flatMap((one) => [
    [`first page of ${whole(one.files)} files, ÷ a full pass`, times(one.pageOverPass)],
    ["heap while it was made, KB", whole(one.heapGrowth / 1024)],
    [
      `bytes that the process reads while it refuses a file of ${whole(one.size)}`,
      whole(one.refused.bytesRead),
    ],
    ...["alone", "served"].flatMap((way) =>
      Object.entries(one[way]).map(([name, growth]) => [
        `resident memory of a read ÷ its size, ${way}, ${name}`,
        times(growth),
      ]),
    ),
  ]);
  return table(heads, rows);
}

const tables = {
  resources: resourcesTable,
  layers: layersTable,
  page: pageTable,
  "page-parts": pagePartsTable,
  delay: delayTable,
  throughput: throughputTable,
  "session-memory": memoryTable,
  heap: heapTable,
  startup: startupTable,
  typecheck: typecheckTable,
  workflow: workflowTable,
  verification: verificationTable,
};

function section(record) {
  const notes = [];
  if (record.yardstickSpread !== undefined) {
    const spread = `Bare quartiles: ${percent(record.yardstickSpread)} apart.`;
    const others = record.voidSpreads.map(percent).join(", ");
    const again = others ? ` Runs thrown away: bare quartiles ${others} apart.` : "";
    const noisy = record.isNoisy ? " **Noisy: no attempt was quiet enough.**" : "";
    notes.push(`${spread}${again}${noisy}`);
  }
  for (const { id, reason } of record.failures) {
    notes.push(`**${id} was left out:** ${reason.split("\n")[0]}`);
  }
  const { environment, measuredAt } = record;
  notes.push(`Measured ${measuredAt.slice(0, 10)} at commit ${environment.commit}.`);
  const body = tables[record.kind](record);
  return [`### ${record.title}`, record.about, body, notes.join("\n")].join("\n\n");
}

function targetTable(records) {
  const rows = judge(records).map(({ what, target, value, unit, verdict, isNoisy }) => [
    what,
    target,
    value === undefined ? "–" : `${rounded(value)}${unit ? ` ${unit}` : ""}`,
    `${verdict === "not reached" ? "**not reached**" : verdict}${isNoisy ? ", noisy" : ""}`,
  ]);
  const reasons = judge(records)
    .filter(({ reason }) => reason)
    .map(({ what, reason }) => `- Not reached, ${what}: ${reason}.`);
  const judged = table(["what", "to reach", "measured", "verdict"], rows);
  return [judged, ...(reasons.length > 0 ? [reasons.join("\n")] : [])].join("\n\n");
}

function machine({ environment: env }) {
  const pinned = env.pinned ? "server and generator pinned to one core each" : "not pinned";
  return table(
    ["what", "which"],
    [
      ["Node.js", `${env.node} (V8 ${env.v8})`],
      ["processor", `${env.cpu}, ${env.cores} cores, ${pinned}`],
      ["memory", `${env.memoryGiB} GiB`],
      ["system", env.system],
      ["load generator", env.generator],
      ...Object.entries(env.packages).map(([name, version]) => [`\`${name}\``, version]),
    ],
  );
}

const method = `## Method

- Two processes, the server pinned to one core and the load generator to another (\`taskset\`);
  every server is a plain \`node\` process with \`NODE_ENV=production\` and its library's defaults,
  wired as its authors document it. The wiring is in \`servers/\`.
- The first answers of every server are checked (id, text, number of tools, progress) before any
  load. Under load, failed requests and answers of another size are reported beside the figure.
- Every request has an id and a message of its own; 64 connections, each with one request in
  flight. Each server is warmed up when it has started: a second with one connection, and then with all
  until their rate stops rising (4 to 10 seconds). Without that first second, what the compiler makes
  of a server depends on its first milliseconds under full load, which makes any of them slower.
- In a round each server has 64 connections of its own under load, and all servers but one are
  stopped (\`SIGSTOP\`): they take turns of 50 ms on their core, forty each, in an order that is drawn
  anew each time. What else the machine does in those seconds so meets all of them alike. A
  figure is what was answered, divided by the time of a server's own turns. (Older rows: two
  seconds at a stretch, one server after the other. *Measured* says when.)
- How fast a process is depends a little on what its compiler saw first: a run goes through five
  generations of processes, each for three rounds. Figures are medians over these rounds with
  quartiles; a ratio is the median of the ratios within each round.
- Latencies are of a second in which the server runs alone.
- A run is void and repeated when the bare server's quartiles lie more than 15 % of its median
  apart; when no attempt of three is quiet enough, the quietest is kept and marked noisy.
- *CPU* is the server's processor time as a share of the time of its turns: well below 100 % means that the
  generator, or the machine, was the limit, not the server.
- The bare server is \`servers/bare.mjs\`: \`Buffer.concat\`, \`JSON.parse\`, one
  \`JSON.stringify\`, \`Content-Length\`. It checks nothing and validates nothing.
- A server that does not speak 2026-07-28 is measured in the mode nearest to it, as the column
  *protocol* says. Such requests carry no \`_meta\` and fewer headers, which is in their favour.

- In the scenarios of clients the client is the process under test and has the measured core; the
  server that answers it shares the other core with the runner, which waits. *CPU of the server*
  near 100 % means that the server was the limit, and that the client could do more than the figure
  says. *Warnings* counts those of Node.js in the client, such as that of too many listeners.
  \`servers/fixed.mjs\` is \`node:http\` with answers made once.

## How to repeat

\`\`\`sh
npm run bench                         # everything; writes bench/results/*.json and this file
npm run -s bench -- --quick --json    # short, machine-readable, writes nothing
npm run bench -- --only stdio,heap    # some scenarios; the others keep their last data
npm run bench -- --help               # all options and names
\`\`\`

\`wrk\` (Debian package \`wrk\`) is used when it is on PATH, else autocannon with a warning.
The raw data of every run is in \`results/\`, one file a scenario.
`;

/** The whole file. `records` are in the order in which they are to appear. */
export function resultsDocument(records) {
  const latest = [...records].sort((a, b) => b.measuredAt.localeCompare(a.measuredAt))[0];
  return [
    "# Benchmark results",
    "Written by `npm run bench` from the raw data in `results/`. Figures are not edited by hand.",
    "## Numbers to reach",
    targetTable(records),
    "## Scenarios",
    ...records.map(section),
    "## Machine and versions",
    machine(latest),
    method,
  ].join("\n\n");
}
