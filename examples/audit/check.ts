import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MCPClient } from "@backplane/client";
import type { AuditHead, AuditRecord, VerifyOptions } from "@backplane/monitoring";
import { auditFiles, verifyAuditFiles } from "@backplane/monitoring/node";
import { withServer } from "../check/server-process.ts";

const folder = await mkdtemp(join(tmpdir(), "backplane-audit-example-"));
const path = join(folder, "audit.jsonl");
const headsPath = join(folder, "heads.jsonl");
const key = "a-key-of-this-check-with-32-bytes-or-more";
const env = { AUDIT_FILE: path, AUDIT_HEADS: headsPath, AUDIT_KEY: key };

await withServer(new URL("server.js", import.meta.url), env, async ({ url }) => {
  const clerk = new MCPClient({ url, headers: { "X-API-Key": "example-key-of-the-clerk" } });
  await clerk.connect();
  assert.equal(await clerk.call("pay", { amount: 12 }), "paid 12");
  assert.equal((await clerk.callTool("pay", { amount: -1 })).isError, true);
  await assert.rejects(clerk.call("audit_status", {}));
  await clerk.close();
  await fetch(url, { method: "POST", headers: { "X-API-Key": "a key of nobody" } });
});

const records: AuditRecord[] = [];
const heads = (await readFile(headsPath, "utf8"))
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as AuditHead);
const verify = async (options: VerifyOptions = {}) =>
  verifyAuditFiles(await auditFiles(path), { key, heads, ...options });

const verdict = await verify({ onRecord: (record) => void records.push(record) });
assert.equal(verdict.valid, true);
assert.equal(verdict.anchoredSeq, verdict.lastSeq, "the server gave out a head when it stopped");
const calls = records.flatMap((record) =>
  record.kind === "call" && record.method === "tools/call"
    ? [[record.principal?.id, record.target, record.decision, record.outcome]]
    : [],
);
assert.deepEqual(calls, [
  ["clerk", "pay", "allow", "ok"],
  ["clerk", "pay", "allow", "tool_error"],
  ["clerk", "audit_status", "hide", "error"],
]);
assert.ok(records.some(({ kind }) => kind === "authentication"));

const text = await readFile(path, "utf8");
await writeFile(path, text.replace('"outcome":"tool_error"', '"outcome":"ok_really"'));
assert.match((await verify()).fault?.reason ?? "", /altered/);

const lines = text.split("\n");
await writeFile(path, `${lines.slice(0, -3).join("\n")}\n`);
assert.equal((await verify({ heads: [] })).valid, true, "a cut at the end shows in no chain");
assert.match((await verify()).fault?.reason ?? "", /cut off/, "and it shows against a head");
await rm(folder, { recursive: true });
