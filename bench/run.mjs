// Runs the benchmark. `npm run bench -- --help` lists the options.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { backplaneAuthIsBuilt } from "./lib/auth.mjs";
import { backplaneIsBuilt } from "./lib/catalogue.mjs";
import { backplaneClientIsBuilt } from "./lib/client-catalogue.mjs";
import { environment } from "./lib/environment.mjs";
import { loadGenerator } from "./lib/load.mjs";
import { readOptions } from "./lib/options.mjs";
import { cores, pinGenerator } from "./lib/pinning.mjs";
import { resultsDocument } from "./lib/report.mjs";
import { judge } from "./lib/targets.mjs";
import { scenario as authCall } from "./scenarios/auth-call.mjs";
import { scenario as authManyTools } from "./scenarios/auth-many-tools.mjs";
import { scenario as authPrincipals } from "./scenarios/auth-principals.mjs";
import { scenario as authVerification } from "./scenarios/auth-verification.mjs";
import { scenario as cacheGet } from "./scenarios/cache-get.mjs";
import { scenario as cacheHit } from "./scenarios/cache-hit.mjs";
import { scenario as cacheMiss } from "./scenarios/cache-miss.mjs";
import { scenario as cacheRedis1 } from "./scenarios/cache-redis-1.mjs";
import { scenario as cacheRedis64 } from "./scenarios/cache-redis-64.mjs";
import { scenario as call } from "./scenarios/call.mjs";
import { scenario as clientCall } from "./scenarios/client-call.mjs";
import { scenario as clientEndToEnd } from "./scenarios/client-end-to-end.mjs";
import { scenario as clientHeap } from "./scenarios/client-heap.mjs";
import { scenario as clientPool } from "./scenarios/client-pool.mjs";
import { scenario as clientStartup } from "./scenarios/client-startup.mjs";
import { scenario as dashboardDelay } from "./scenarios/dashboard-delay.mjs";
import { scenario as dashboardPage } from "./scenarios/dashboard-page.mjs";
import { scenario as heap } from "./scenarios/heap.mjs";
import { scenario as importing } from "./scenarios/import.mjs";
import { scenario as legacySession } from "./scenarios/legacy-session.mjs";
import { scenario as manyTools } from "./scenarios/many-tools.mjs";
import { scenario as metricsPage } from "./scenarios/metrics-page.mjs";
import { scenario as monitoring } from "./scenarios/monitoring.mjs";
import { scenario as progress } from "./scenarios/progress.mjs";
import { scenario as resources } from "./scenarios/resources.mjs";
import { scenario as sessionMemory } from "./scenarios/session-memory.mjs";
import { scenario as signal } from "./scenarios/signal.mjs";
import { scenario as startup } from "./scenarios/startup.mjs";
import { scenario as stdio } from "./scenarios/stdio.mjs";
import { scenario as testClient } from "./scenarios/test-client.mjs";
import { scenario as toolsList } from "./scenarios/tools-list.mjs";
import { scenario as typecheck } from "./scenarios/typecheck.mjs";
import { scenario as workflow } from "./scenarios/workflow.mjs";

const scenarios = [
  call,
  manyTools,
  toolsList,
  signal,
  progress,
  legacySession,
  stdio,
  sessionMemory,
  heap,
  startup,
  importing,
  typecheck,
  clientCall,
  clientPool,
  clientEndToEnd,
  clientHeap,
  clientStartup,
  testClient,
  workflow,
  authCall,
  authManyTools,
  authVerification,
  authPrincipals,
  monitoring,
  metricsPage,
  dashboardPage,
  dashboardDelay,
  resources,
  cacheHit,
  cacheGet,
  cacheMiss,
  cacheRedis1,
  cacheRedis64,
];

const isBuilt = backplaneIsBuilt && backplaneClientIsBuilt && backplaneAuthIsBuilt;
const rawFile = (id) => new URL(`./results/${id}.json`, import.meta.url);
const log = (line) => process.stderr.write(`${line}\n`);

function warnings() {
  const list = [];
  if (!isBuilt) {
    list.push("the packages are not built: Backplane is left out (`npm run build` builds them)");
  }
  if (loadGenerator().name !== "wrk") {
    list.push("wrk is not on PATH: autocannon generates the load and may limit fast servers");
  }
  if (!cores) {
    list.push("servers are not pinned: this needs taskset and two cores");
  }
  return list;
}

function participants(scenario, wanted) {
  return scenario.servers.filter((id) => {
    const isWanted = id === "bare" || !wanted || wanted.includes(id);
    return isWanted && (id !== "backplane" || isBuilt);
  });
}

async function measure(scenario, options, env) {
  const startedAt = performance.now();
  log(`${scenario.id}: ${scenario.title}`);
  const selected = participants(scenario, options.servers);
  const measuredAt = new Date().toISOString();
  const outcome = await scenario.run({ selected, settings: options.settings, log });
  log(`  took ${Math.round((performance.now() - startedAt) / 1000)} s`);
  const { id, title, about } = scenario;
  return { id, title, about, measuredAt, settings: options.settings, environment: env, ...outcome };
}

function writeReport() {
  const records = scenarios
    .map(({ id }) => rawFile(id))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, "utf8")));
  if (records.length === 0) {
    throw new Error("there is no raw data in results/ to report on");
  }
  writeFileSync(new URL("./RESULTS.md", import.meta.url), resultsDocument(records));
  return records;
}

function printTargets(records) {
  const measured = new Set(records.map(({ id }) => id));
  for (const { what, scenario, target, value, verdict, isNoisy } of judge(records)) {
    if (!measured.has(scenario)) {
      continue;
    }
    const figure = value === undefined ? "" : `${Number(value.toPrecision(3))} `;
    log(`${verdict.padEnd(13)} ${figure}(${target}) ${what}${isNoisy ? ", noisy" : ""}`);
  }
}

async function main() {
  const ids = scenarios.map(({ id }) => id);
  const options = readOptions(process.argv.slice(2), ids);
  if (options.help) {
    process.stdout.write(`${options.usage}\n`);
    return;
  }
  if (options.report) {
    printTargets(writeReport());
    return;
  }
  pinGenerator();
  const env = environment();
  const notices = warnings();
  for (const notice of notices) {
    log(`warning: ${notice}`);
  }
  const records = [];
  for (const scenario of scenarios.filter(({ id }) => options.only?.includes(id) ?? true)) {
    const record = await measure(scenario, options, env);
    records.push(record);
    if (!options.settings.isQuick) {
      mkdirSync(new URL("./results/", import.meta.url), { recursive: true });
      writeFileSync(rawFile(record.id), `${JSON.stringify(record, null, 1)}\n`);
    }
  }
  const data = { environment: env, warnings: notices, targets: judge(records), records };
  if (options.out) {
    writeFileSync(options.out, `${JSON.stringify(data, null, 2)}\n`);
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify(data)}\n`);
  }
  printTargets(options.settings.isQuick ? records : writeReport());
  const broken = records
    .flatMap(({ entries, failures }) => [...failures, ...entries.filter((one) => one.problems)])
    .filter(({ server }) => server === "bare" || server === "backplane");
  if (broken.length > 0) {
    log(`failed: ${broken.map(({ id }) => id).join(", ")} did not answer correctly`);
    process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  log(`bench: ${error.message}`);
  process.exitCode = 1;
}
