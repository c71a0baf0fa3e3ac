import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, type Running, repository, start } from "../tooling/fixture.ts";
import { type Nginx, startNginx } from "../tooling/nginx.ts";

const folder = join(repository, "deploy/nginx");

/** So many things must change: a configuration that has become another one is not what is tested. */
function replaced(text: string, found: string, replacement: string, times = 1): string {
  const parts = text.split(found);
  if (parts.length !== times + 1) throw new Error(`expected "${found}" ${times}× in:\n${text}`);
  return parts.join(replacement);
}

/** The configuration of `deploy/nginx`, in front of servers on loopback. */
export function startBalancer(ports: readonly [number, number]): Promise<Nginx> {
  const upstream = ports.reduce(
    (text, port, index) =>
      // Once for everything, once for the dashboard.
      replaced(text, `server server-${index + 1}:8080;`, `server 127.0.0.1:${port};`, 2),
    readFileSync(join(folder, "upstream.conf"), "utf8"),
  );
  const site = readFileSync(join(folder, "backplane.conf"), "utf8");
  return startNginx(
    (listen) => `${upstream}\n${replaced(site, "listen 8080;", `listen ${listen};`)}`,
  );
}

/** A server in a process of its own. */
export interface Replica {
  readonly port: number;
  readonly running: Running;
}

/** Starts a program that serves at `PORT` and says so on stdout. */
export async function startReplica(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<Replica> {
  const port = await freePort();
  const running = start(process.execPath, [program], {
    cwd: repository,
    env: { ...process.env, ...env, PORT: String(port) },
  });
  await running.waitFor(/ready|listening/);
  return { port, running };
}

/** Ends replicas as an orchestrator does. */
export async function stopReplicas(replicas: readonly Replica[]): Promise<void> {
  for (const { running } of replicas) running.child.kill("SIGTERM");
  await Promise.all(replicas.map(({ running }) => running.finished));
}
