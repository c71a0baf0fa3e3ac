// The command line of `npm run bench`.
import { parseArgs } from "node:util";
import { servers } from "./catalogue.mjs";

const usage = `npm run bench -- [options]
  --quick               short run: figures are rough, RESULTS.md and the raw data stay as they are
  --json                one JSON document on stdout, progress on stderr (with npm run --silent)
  --only a,b            these scenarios only
  --servers a,b         these servers only (the bare server always takes part)
  --attempts N          how often a run that was not quiet enough is repeated, itself included (3)
  --out FILE            also write all the data of this run to FILE
  --report              measure nothing; write RESULTS.md anew from the raw data
  --help                this text`;

const full = {
  seconds: 2,
  warmUpSeconds: 4,
  warmUpMaxSeconds: 10,
  rounds: 3,
  processes: 5,
  attempts: 3,
  isQuick: false,
};
const quick = {
  seconds: 1,
  warmUpSeconds: 2,
  warmUpMaxSeconds: 5,
  rounds: 3,
  processes: 1,
  attempts: 2,
  isQuick: true,
};

function listOf(value, known, what) {
  const names = value?.split(",").map((name) => name.trim());
  for (const name of names ?? []) {
    if (!known.includes(name)) {
      throw new Error(`unknown ${what} "${name}"; known are: ${known.join(", ")}`);
    }
  }
  return names;
}

function withAttempts(settings, given) {
  if (given === undefined) return settings;
  const attempts = Number(given);
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw new Error(`--attempts must be a whole number of 1 or more, not "${given}"`);
  }
  return { ...settings, attempts };
}

/** Parses the arguments; throws an Error that says what is wrong with them. */
export function readOptions(args, scenarioIds) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      only: { type: "string" },
      servers: { type: "string" },
      attempts: { type: "string" },
      out: { type: "string" },
      report: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    ...values,
    usage: `${usage}\n\nscenarios: ${scenarioIds.join(", ")}\nservers: ${Object.keys(servers).join(", ")}`,
    only: listOf(values.only, scenarioIds, "scenario"),
    servers: listOf(values.servers, Object.keys(servers), "server"),
    settings: withAttempts(values.quick ? quick : full, values.attempts),
  };
}
