import { accessSync, constants } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";

const TIMEOUT_MS = 2_000;

/** Where the Redis and the PostgreSQL are that tests share, when the environment does not say. */
const DEFAULTS = {
  REDIS_URL: "redis://127.0.0.1:6379",
  DATABASE_URL: "postgres://postgres@127.0.0.1:5432/postgres",
};

/** The programs that some tests start, and their names. Packages put what only root uses where a PATH may not look. */
const PROGRAMS = {
  "redis-server": ["redis-server"],
  nginx: ["nginx"],
  promtool: ["promtool"],
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  curl: ["curl"],
  // mkfifo, mkdir and the like are one package everywhere.
  coreutils: ["mkfifo"],
};
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/** What brings all of them. */
export const REMEDY = "sh scripts/services.sh";

/**
 * What some suites need beyond Node, and whether it is there. A test names its needs as tags (`redis`,
 * `postgres`, or a program); vitest.config.ts skips those whose need is not met, and the last lines of a run
 * count them.
 *
 * `env` is for the tests: where the servers and the browser are, or nothing, so that no test meets an address
 * that does not answer.
 */
export async function services(env = process.env) {
  const [redis, postgres] = await Promise.all([
    answering(env.REDIS_URL || DEFAULTS.REDIS_URL, redisAnswers),
    answering(env.DATABASE_URL || DEFAULTS.DATABASE_URL, postgresAnswers),
  ]);
  const paths = Object.entries(PROGRAMS).map(([name, names]) => [name, programOf(names, env)]);
  const needs = [
    { name: "redis", isThere: redis !== "" },
    { name: "postgres", isThere: postgres !== "" },
    ...paths.map(([name, path]) => ({ name, isThere: path !== undefined })),
  ];
  const BACKPLANE_CHROMIUM = Object.fromEntries(paths).chromium ?? "";
  return { needs, env: { REDIS_URL: redis, DATABASE_URL: postgres, BACKPLANE_CHROMIUM } };
}

/** The file of the first of the names that is one. */
function programOf(names, { PATH = "" }) {
  const folders = [...PATH.split(delimiter), ...SYSTEM_FOLDERS];
  const files = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function answering(text, check) {
  return URL.canParse(text) && (await check(new URL(text))) ? text : "";
}

/** A ping, after the password where the URL has one. */
function redisAnswers({ hostname, port, username, password }) {
  const credentials = [username, password].filter((each) => each !== "").map(decodeURIComponent);
  const lines = password === "" ? [] : [`AUTH ${credentials.join(" ")}`];
  const said = [...lines, "PING", ""].join("\r\n");
  return exchange({ hostname, port: port || 6379 }, said, (answer) =>
    /(^|\n)(\+PONG|-)/.test(answer) ? answer.includes("+PONG") : undefined,
  );
}

/** The first message of a session. A server that wants a password the URL lacks is none for us. */
function postgresAnswers({ hostname, port, username, password }) {
  const parameters = ["user", decodeURIComponent(username) || "postgres", "database", "postgres"];
  const body = Buffer.from(`${parameters.join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(196_608, 4); // version 3.0
  const hello = Buffer.concat([head, body]);
  return exchange({ hostname, port: port || 5432 }, hello, (answer) => {
    if (answer.length < 9) return answer.length > 0 && answer[0] !== "R" ? false : undefined;
    const isIn = answer.slice(5, 9) === "\0\0\0\0";
    return answer[0] === "R" && (isIn || password !== "");
  });
}

/** Says something to a server, and resolves with the verdict on its answer, or false without one. */
function exchange({ hostname, port }, said, verdict) {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
    let answer = "";
    const end = (is) => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(TIMEOUT_MS, () => end(false));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      const is = verdict(answer);
      if (is !== undefined) end(is);
    });
    socket.write(said);
  });
}
