// @module-tag curl
// @module-tag postgres
// @module-tag redis
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, remove, repository, start } from "../tooling/fixture.ts";
import { snippetsOf } from "./snippets.ts";

const README = join(repository, "apps/reference/README.md");
const postgresUrl = process.env["DATABASE_URL"] ?? "";
const database = `tour_${randomUUID().replaceAll("-", "")}`;
const END = "== end of a block ==";

/** A command block of the tour, with what it shall print. */
interface Step {
  readonly commands: string;
  readonly output: string;
}

/** The blocks of the section, with the ports that it names replaced. */
function tour(ports: ReadonlyMap<string, number>): readonly Step[] {
  const [, section = ""] = /^## A tour$([\s\S]*?)^## /m.exec(readFileSync(README, "utf8")) ?? [];
  const replaced = section.replaceAll(/\b808\d\b/g, (port) => String(ports.get(port)));
  const blocks = snippetsOf(replaced);
  return blocks.flatMap(({ language, text: commands }, index) =>
    language === "sh" ? [{ commands, output: outputOf(blocks[index + 1]) }] : [],
  );
}

function outputOf(block: { language: string; text: string } | undefined): string {
  return block?.language === "text" ? block.text : "";
}

/** `…` stands for anything. */
function pattern(output: string): RegExp {
  const parts = output.trim().split("…");
  return new RegExp(`^${parts.map(literally).join("[\\s\\S]*?")}$`);
}

describe("the tour of the reference application", () => {
  let folder: string;
  let admin: pg.Client;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tour-"));
    admin = new pg.Client(postgresUrl);
    await admin.connect();
    await admin.query(`create database ${database}`);
  });
  afterAll(async () => {
    await admin.query(`drop database ${database} with (force)`);
    await admin.end();
    remove(folder);
  });

  it("prints what it says that it prints", async () => {
    const names = ["8080", "8081", "8082", "8083"];
    const ports = new Map(
      await Promise.all(names.map(async (name) => [name, await freePort()] as const)),
    );
    const [first, ...steps] = tour(ports);
    // tests/tooling starts a fresh clone in this way; here the application is built already.
    expect(first?.commands).toBe("npm start\n");
    const { DATABASE_URL: _database, REDIS_URL, ...rest } = process.env;
    const env = {
      ...rest,
      TMPDIR: folder,
      BOOKINGS_DIR: join(folder, "bookings"),
      PORT: String(ports.get("8080")),
    };
    const running = start(process.execPath, ["apps/reference/dist/main.js"], {
      cwd: repository,
      env,
    });
    const [key] = await running.waitFor(/^export BACKPLANE_KEY=.*$/m);
    const url = new URL(postgresUrl);
    url.pathname = `/${database}`;
    const shared = {
      DATABASE_URL: url.href,
      REDIS_PREFIX: database,
      ...(REDIS_URL && { REDIS_URL }),
    };
    const script = join(folder, "tour.sh");
    const blocks = steps.flatMap(({ commands }) => [commands, `echo '${END}'`]);
    writeFileSync(script, ["exec 2>&1", key, ...blocks].join("\n"));
    const shell = spawn("sh", [script], {
      cwd: repository,
      env: { ...env, ...shared, MCP_URL: `http://127.0.0.1:${ports.get("8080")}/mcp` },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const printed = (await text(shell.stdout)).replaceAll("\r", "").split(`${END}\n`);
    for (const [index, { commands, output }] of steps.entries()) {
      expect(printed[index]?.trim(), commands).toMatch(pattern(output));
    }
    running.child.kill("SIGTERM");
    expect((await running.finished).code).toBe(0);
  }, 120_000);
});

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
