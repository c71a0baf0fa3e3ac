import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./fixture.ts";

/** A running nginx. */
export interface Nginx {
  /** Its origin. */
  readonly url: string;
  stop(): Promise<void>;
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/**
 * Starts a real nginx (Debian package `nginx-light`, see scripts/services.sh), and waits until `/health` answers
 * through it.
 * @param httpBlock the content of its http block, given the address that it shall listen on.
 * @throws {Error} with what nginx said, when it ends.
 */
export async function startNginx(httpBlock: (listen: string) => string): Promise<Nginx> {
  const root = mkdtempSync(join(tmpdir(), "backplane-nginx-"));
  const address = `127.0.0.1:${await freePort()}`;
  const file = join(root, "nginx.conf");
  const temporary = TEMPORARY.map((name) => `${name}_temp_path ${root}/${name};`).join(" ");
  writeFileSync(
    file,
    `daemon off; pid ${root}/pid; error_log stderr; worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
events {}
http {
  access_log off; ${temporary}
  ${httpBlock(address)}
}
`,
  );
  const child = spawn("nginx", ["-p", root, "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
    // The package puts it where root alone looks.
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` },
  });
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints += chunk;
  });
  let over = false;
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  }).finally(() => {
    over = true;
  });
  ended.catch(() => {});
  const url = `http://${address}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) {
    if (over) {
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
