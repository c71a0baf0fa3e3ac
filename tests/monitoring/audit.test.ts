import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { rateLimit } from "@backplane/auth";
import { AuditLog, type AuditOptions, type AuditRecord } from "@backplane/monitoring";
import { auditFile } from "@backplane/monitoring/node";
import { ErrorCode, type MCPServer } from "@backplane/server";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  guarded,
  KEYS,
  observedServer,
  observingClient,
  PROTOCOLS,
} from "./harness/observed-server.ts";

const run = promisify(execFile);
const { rateLimited: RATE_LIMITED } = ErrorCode;

/** The program as users have it: built, and reached through the link of the package manager. */
const VERIFIER = fileURLToPath(
  new URL("../node_modules/@backplane/monitoring/dist/verify-audit.js", import.meta.url),
);

function audited(
  server: MCPServer,
  options: Partial<AuditOptions> = {},
): {
  readonly log: AuditLog;
  readonly path: string;
  readonly records: () => Promise<AuditRecord[]>;
} {
  const folder = mkdtempSync(join(tmpdir(), "backplane-audit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "audit.jsonl");
  const log = new AuditLog({ server, sink: auditFile({ path }), ...options });
  const records = async (): Promise<AuditRecord[]> => {
    await log.flush();
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as AuditRecord);
  };
  return { log, path, records };
}

describe.each(PROTOCOLS)("an audit, %s", (protocol) => {
  it("has one record of each call: who, what, the decision and how it ended", async () => {
    const { server, url } = await observedServer(guarded());
    server.use(rateLimit({ limit: 5, windowMs: 60_000, methods: ["tools/call"] }));
    const { records } = audited(server);
    const headers = { "x-api-key": KEYS.bob };
    const client = observingClient({ url, protocol, headers, maxRetries: 0 });
    await client.callTool("echo", { text: "an argument that nobody else may see" });
    await client.callTool("echo", { text: 5 });
    for (const name of ["refuses", "fails", "secret", "nothing"]) {
      await client.callTool(name).catch(() => {});
    }
    await client.callTool("echo", { text: "x" });
    await client.callTool("echo", { text: "limited" }).catch(() => {});
    await fetch(url, { method: "POST", headers: { "x-api-key": "not-a-key" } });
    const all = await records();
    const calls = all.filter((record) => record.kind === "call" && record.method === "tools/call");
    expect(calls).toMatchObject([
      { target: "echo", known: true, decision: "allow", outcome: "ok" },
      { target: "echo", known: true, decision: "allow", outcome: "tool_error" },
      { target: "refuses", known: true, decision: "allow", outcome: "tool_error" },
      { target: "fails", known: true, decision: "allow", outcome: "error", errorCode: -32603 },
      { target: "secret", known: true, decision: "hide", outcome: "error", errorCode: -32602 },
      { target: "nothing", known: false, outcome: "error", errorCode: -32602 },
      { target: "echo", known: true, outcome: "ok" },
      { target: "echo", known: true, decision: "allow", outcome: "error", errorCode: RATE_LIMITED },
    ]);
    for (const call of calls) {
      expect(call).toMatchObject({
        principal: { id: "bob" },
        transport: "http",
        era: protocol === "2026-07-28" ? "modern" : "legacy",
      });
    }
    const hashOf = (index: number) => (calls[index] as { schemaHash?: string }).schemaHash;
    expect(hashOf(0)).toBe(hashOf(6));
    expect(hashOf(0)).not.toBe(hashOf(2));
    expect(hashOf(5)).toBeUndefined();
    expect(all.at(-1)).toMatchObject({ kind: "authentication", status: 401 });
    const text = JSON.stringify(all);
    for (const hidden of ["nobody else may see", KEYS.bob, "not-a-key"]) {
      expect(text).not.toContain(hidden);
    }
  });

  it("has the correlation id that the client of a masked error saw", async () => {
    const { server, url } = await observedServer();
    const { records } = audited(server);
    const client = observingClient({ url, protocol });
    const error = await client.callTool("fails").catch((reason: unknown) => reason);
    const call = (await records()).find(
      (record) => "target" in record && record.target === "fails",
    );
    const { correlationId } = call as { correlationId: string };
    expect(JSON.stringify({ error, message: String(error) })).toContain(correlationId);
  });
});

describe("an audit", () => {
  it("ends with its server, and verifies by the program that is shipped", async () => {
    const { server, url } = await observedServer();
    const { path } = audited(server, { key: "a key of thirty-two bytes or more" });
    server.addRoute({ method: "PUT", path: "/notes", access: "public", handle: () => ({}) });
    await fetch(new URL("/notes", url), { method: "PUT", body: "x" });
    const client = observingClient({ url });
    await client.callTool("echo", { text: "x" });
    await client.close();
    await server.stop();
    const env = { ...process.env, AUDIT_KEY: "a key of thirty-two bytes or more" };
    const { stdout } = await run(process.execPath, [VERIFIER, path], { env });
    expect(stdout).toMatch(/^The audit verifies\.\n\d+ records verify, 1 to \d+\.\n/);
    expect(stdout).toContain("whether records were cut off at the end cannot be told");
    const bytes = readFileSync(path);
    expect(bytes.toString()).toMatch(/"kind":"route",.*"route":"\/notes","method":"PUT"/);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(path, bytes);
    await expect(run(process.execPath, [VERIFIER, path], { env })).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining("DOES NOT VERIFY"),
    });
  });

  it("whose disk is full costs no call", async () => {
    const { server, url } = await observedServer();
    const { log } = audited(server, { sink: auditFile({ path: "/dev/full" }), maxBuffered: 10 });
    const client = observingClient({ url });
    for (let call = 0; call < 30; call++) {
      expect(await client.call("echo", { text: `call ${call}` })).toBe(`call ${call}`);
    }
    await log.flush();
    expect(log.status.degraded).toBe(true);
    expect(log.status.lost).toBeGreaterThanOrEqual(20);
  });

  it("of one server holds nothing of another in the same process", async () => {
    const [one, two] = [await observedServer(), await observedServer()];
    const first = audited(one.server);
    const second = audited(two.server);
    for (const { url } of [one, two, two]) {
      await observingClient({ url }).callTool("echo", { text: "x" });
    }
    const callsIn = async ({ records }: typeof first) =>
      (await records()).filter((record) => "target" in record).length;
    expect([await callsIn(first), await callsIn(second)]).toEqual([1, 2]);
  });
});
