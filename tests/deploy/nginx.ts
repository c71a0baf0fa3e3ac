import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type Running, repository, start } from "../tooling/fixture.ts";

/** A real nginx with the configuration of `deploy/nginx`, in front of servers on loopback. */
export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

const folder = join(repository, "deploy/nginx");

/** Exactly one thing must change: a configuration that has become another one is not what is tested. */
function replaced(text: string, pattern: RegExp, replacement: string): string {
  if ((text.match(new RegExp(pattern, "g")) ?? []).length !== 1) {
    throw new Error(`expected ${pattern} once in:\n${text}`);
  }
  return text.replace(pattern, replacement);
}

/** Starts nginx, when the package `nginx` (or `nginx-light`) is installed; see scripts/services.sh. */
export async function startNginx(ports: readonly [number, number]): Promise<Nginx> {
  const root = mkdtempSync(join(tmpdir(), "backplane-nginx-"));
  for (const name of ["body", "proxy", "other"]) mkdirSync(join(root, name));
  const port = await freePort();
  let upstream = readFileSync(join(folder, "upstream.conf"), "utf8");
  ports.forEach((each, index) => {
    upstream = replaced(
      upstream,
      new RegExp(`server server-${index + 1}:8080;`),
      `server 127.0.0.1:${each};`,
    );
  });
  const site = replaced(
    readFileSync(join(folder, "backplane.conf"), "utf8"),
    /listen 8080;/,
    `listen 127.0.0.1:${port};`,
  );
  const temporary = ["fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${root}/other;`);
  writeFileSync(
    join(root, "nginx.conf"),
    `daemon off; pid ${root}/nginx.pid; error_log stderr; worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
events {}
http {
  access_log off; client_body_temp_path ${root}/body; proxy_temp_path ${root}/proxy; ${temporary.join(" ")}
  ${upstream}
  ${site}
}
`,
  );
  const child = spawn("nginx", ["-p", root, "-c", join(root, "nginx.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` },
  });
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints += chunk;
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  ended.catch(() => {});
  const url = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${url}/health`).then(
      ({ status }) => status === 200,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null || child.pid === undefined) {
      await ended;
      throw new Error(`nginx ended:\n${complaints}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A replica of the fixture in a process of its own. */
export async function startReplica(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly port: number; readonly running: Running }> {
  const port = await freePort();
  const main = join(import.meta.dirname, "fixtures/replica.mjs");
  const running = start(process.execPath, [main], {
    cwd: repository,
    env: { ...process.env, ...env, PORT: String(port) },
  });
  await running.waitFor(/ready/);
  return { port, running };
}
