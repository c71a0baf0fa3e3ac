import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AuditLog } from "../audit/audit-log.ts";
import type { AuditOptions } from "../audit/audit-options.ts";
import { requestEnded } from "../audit/audit-rig.test-support.ts";
import { verifyAuditCommand } from "../verify-audit.ts";
import { type AuditFileOptions, auditFile, auditFiles } from "./audit-file.ts";
import { verifyAuditFiles } from "./verify-audit-files.ts";

let folder: string;
let path: string;
const logs: AuditLog[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backplane-audit-"));
  path = join(folder, "audit.jsonl");
});

afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
  rmSync(folder, { recursive: true, force: true });
});

function start(file: Partial<AuditFileOptions> = {}, more: Partial<AuditOptions> = {}): AuditLog {
  const log = new AuditLog({
    server: { serverId: "s" },
    sink: auditFile({ path, ...file }),
    ...more,
  });
  logs.push(log);
  return log;
}

async function verdict() {
  return verifyAuditFiles(await auditFiles(path));
}

describe("auditFile", () => {
  it("appends over restarts to a file that only its owner can read", async () => {
    for (let run = 0; run < 3; run++) {
      const log = start({ sync: run === 1 });
      requestEnded({ target: `run ${run}` });
      await log.close();
    }
    expect(await verdict()).toMatchObject({ valid: true, records: 9, lost: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("begins a new file when one is full, and the chain goes on", async () => {
    const log = start({ maxBytes: 2_000 });
    for (let n = 0; n < 30; n++) {
      requestEnded({ target: `t${n}` });
      await log.flush();
    }
    await log.close();
    const files = await auditFiles(path);
    expect(files.length).toBeGreaterThan(5);
    expect(files[0]).toBe(`${path}.000001`);
    expect(files.at(-1)).toBe(path);
    for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(2_000);
    expect(await verdict()).toMatchObject({ valid: true, records: 32 });
    // A restart goes on, even when the newest file is gone or empty.
    truncateSync(path, 0);
    const again = start();
    requestEnded();
    await again.close();
    expect((await verdict()).valid).toBe(true);
  });

  it("keeps maxFiles older ones", async () => {
    const log = start({ maxBytes: 1, maxFiles: 2 });
    for (let n = 0; n < 6; n++) {
      requestEnded();
      await log.flush();
    }
    await log.close();
    expect(await auditFiles(path)).toHaveLength(3);
    const { valid, notes } = await verdict();
    expect(valid).toBe(true);
    expect(notes[0]).toContain("earlier ones are not in these files");
  });

  it("takes a torn line away after a crash, and the chain says so", async () => {
    const first = start();
    for (let n = 0; n < 3; n++) requestEnded();
    await first.close();
    truncateSync(path, statSync(path).size - 40);
    expect((await verdict()).fault?.reason).toBe("the last line is not whole");
    const second = start();
    requestEnded();
    await second.close();
    expect((await verdict()).valid).toBe(true);
    expect(readFileSync(path, "utf8")).toContain('"tornBytes":');
  });

  it.each([
    ["within a line", 100, 20],
    ["between two lines", 100, 0],
    ["within the line of their seal", 128, 20],
  ])("takes lines away whose seal a crash tore: %s", async (_where, whole, more) => {
    const first = start();
    for (let n = 0; n < 130; n++) requestEnded({ target: `t${n}` });
    await first.close();
    const lines = readFileSync(path, "utf8").split("\n");
    const kept = lines.slice(0, whole).map((line) => `${line}\n`);
    truncateSync(path, Buffer.byteLength(kept.join("")) + more);
    expect((await verdict()).valid).toBe(false);
    const second = start();
    requestEnded({ target: "after" });
    await second.close();
    // The opening, 64 under the seal before, and what the second run wrote.
    expect(await verdict()).toMatchObject({ valid: true, records: 65 + 3 });
    expect(readFileSync(path, "utf8")).toContain('"tornBytes":');
  });

  it("goes on from a seal that lines share", async () => {
    const first = start();
    for (let n = 0; n < 64; n++) requestEnded({ target: `t${n}` });
    await first.flush();
    const text = readFileSync(path);
    await first.close();
    writeFileSync(path, text);
    const second = start();
    requestEnded();
    await second.close();
    expect(await verdict()).toMatchObject({ valid: true, records: 65 + 3 });
    expect(await auditFiles(path)).toEqual([path]);
  });

  it("puts an altered file aside, as it is, and begins a new chain", async () => {
    const first = start();
    requestEnded();
    await first.close();
    const text = readFileSync(path, "utf8").replace('"kind":"close"', '"kind":"CLOSE"');
    writeFileSync(path, text);
    const second = start();
    requestEnded();
    await second.close();
    expect(readFileSync(`${path}.000001`, "utf8")).toBe(text);
    expect((await verifyAuditFiles([path])).valid).toBe(true);
    expect((await verdict()).valid).toBe(false);
  });

  it("takes nothing away from a file that is no audit", async () => {
    for (const [n, other] of ["x".repeat(100_000), "notes", "{}", '{"seq' + "x"].entries()) {
      writeFileSync(path, other);
      const log = start();
      requestEnded();
      await log.close();
      expect(readFileSync(`${path}.00000${n + 1}`, "utf8")).toBe(other);
      expect((await verifyAuditFiles([path])).valid).toBe(true);
    }
  });

  it("does not write behind somebody else", async () => {
    const log = start();
    requestEnded();
    await log.flush();
    appendFileSync(path, "foreign\n");
    requestEnded();
    await log.flush();
    expect(log.status).toMatchObject({ degraded: true, buffered: 1 });
    expect(log.status.lastError).toContain("somebody else writes to it");
  });

  it("says why a file cannot be opened, and goes on when it can", async () => {
    const missing = join(folder, "later", "audit.jsonl");
    const log = start({ path: missing });
    requestEnded();
    await log.flush();
    expect(log.status.lastError).toContain("ENOENT");
    mkdirSync(join(folder, "later"));
    await log.flush();
    expect(log.status).toMatchObject({ written: 2, degraded: false });
  });

  it.each<[object, RegExp]>([
    [{ path: "" }, /"path"/],
    [{ path: "a", maxBytes: 0 }, /"maxBytes"/],
    [{ path: "a", maxFiles: 0 }, /"maxFiles"/],
    [{ path: "a", sync: 1 }, /"sync"/],
    [{ path: "a", mode: 1 }, /"mode"/],
  ])("refuses %j", (options, message) => {
    expect(() => auditFile(options as AuditFileOptions)).toThrow(message);
  });
});

describe("a full disk", () => {
  it("is counted and told of: /dev/full has no room for anything", async () => {
    const log = start({ path: "/dev/full" }, { maxBuffered: 5 });
    for (let n = 0; n < 12; n++) requestEnded();
    await log.flush();
    expect(log.status).toMatchObject({ written: 0, lost: 7, degraded: true });
    expect(log.status.lastError).toContain("ENOSPC");
  });

  // A disk of its own needs the right to mount one.
  it.skipIf(!mounts())(
    "that gets room again has a chain without a gap or a half line",
    async () => {
      const disk = join(folder, "disk");
      mkdirSync(disk);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
      try {
        path = join(disk, "audit.jsonl");
        const ballast = join(disk, "ballast");
        writeFileSync(ballast, Buffer.alloc(48 * 1024));
        const log = start({}, { maxBuffered: 100 });
        for (let round = 0; round < 4; round++) {
          for (let n = 0; n < 40; n++) requestEnded({ target: `round ${round}, call ${n}` });
          await log.flush();
        }
        expect(log.status.degraded).toBe(true);
        expect(log.status.lost).toBeGreaterThan(0);
        expect(statSync(path).size).toBeLessThan(16 * 1024 + 1);
        rmSync(ballast);
        await log.flush();
        await vi.waitFor(() => expect(log.status.buffered).toBe(0));
        const { lost } = log.status;
        await log.close();
        expect(await verdict()).toMatchObject({ valid: true, lost });
      } finally {
        await logs.pop()?.close();
        execFileSync("umount", [disk]);
      }
    },
  );
});

describe("the verifier as a program", () => {
  async function run(args: readonly string[], key?: string): Promise<[number, string]> {
    let text = "";
    const print = (more: string): void => {
      text += more;
    };
    const code = await verifyAuditCommand(args, print, key);
    return [code, text];
  }

  it("says what it found, and ends with its code", async () => {
    const key = "a key of thirty-two bytes or more";
    const heads: object[] = [];
    const log = start({ maxBytes: 1_500 }, { key, onHead: (head) => void heads.push(head) });
    for (let n = 0; n < 8; n++) {
      requestEnded();
      await log.flush();
    }
    await log.close();
    const kept = join(folder, "heads.jsonl");
    writeFileSync(kept, heads.map((head) => `${JSON.stringify(head)}\n`).join(""));
    expect(await run([path, "--heads", kept], key)).toEqual([
      0,
      expect.stringMatching(
        /^The audit verifies\.\n10 records verify, 1 to 10\.\nRecord 10, the last one, is anchored/,
      ),
    ]);
    expect((await run([path]))[0]).toBe(1);
    const first = `${path}.000001`;
    writeFileSync(first, readFileSync(first, "utf8").replace('"kind":"open"', '"kind":"Open"'));
    expect(await run([path], key)).toEqual([
      1,
      expect.stringContaining(`THE AUDIT DOES NOT VERIFY.\n${first}, line 1: its hash`),
    ]);
  });

  it("ends with 2 when it cannot tell", async () => {
    expect((await run([]))[1]).toContain("AUDIT_KEY");
    for (const args of [
      [],
      [path],
      [path, "--what"],
      [path, path],
      [path, "--heads", "/nowhere"],
    ]) {
      expect((await run(args))[0]).toBe(2);
    }
    writeFileSync(path, "");
    expect((await run([path], "short"))[0]).toBe(2);
    expect(readdirSync(folder)).toEqual(["audit.jsonl"]);
  });
});

function mounts(): boolean {
  const at = mkdtempSync(join(tmpdir(), "backplane-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k", "tmpfs", at], { stdio: "ignore" });
    execFileSync("umount", [at], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}
