import type { Secret } from "@backplane/protocol";
import { keyBytes } from "./audit-options.ts";
import type { AuditHead, AuditRecord } from "./audit-record.ts";
import { type AuditVerdict, ChainCheck } from "./chain-check.ts";

/** One file of an audit: its name, and its bytes in any pieces. */
export interface AuditPart {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What {@link verifyAudit} takes beside the files. */
export interface VerifyOptions {
  /** The key that the audit was written with. */
  readonly key?: Uint8Array | string | Secret;
  /** Heads that `onHead` was given, kept elsewhere: the chain must hold each of them. */
  readonly heads?: readonly AuditHead[];
  /** Is given each record of a line that verifies, in order. */
  readonly onRecord?: (record: AuditRecord) => void;
}

/** No line that an audit writes comes near it. */
const MAX_LINE_BYTES = 64 * 1024;

/**
 * Verifies an audit: that no byte of its lines was altered, and that none was taken out, put in or moved. Give
 * the files in their order, the oldest first.
 * @throws {TypeError} for a key that is none. What is wrong with an audit is in the verdict.
 */
export async function verifyAudit(
  parts: Iterable<AuditPart>,
  options: VerifyOptions = {},
): Promise<AuditVerdict> {
  const { key, heads = [], onRecord } = options;
  const crypto = await import("node:crypto");
  const bytes = key === undefined ? undefined : keyBytes("verifyAudit", key);
  const check = new ChainCheck(crypto, bytes, heads, onRecord);
  for (const { name, chunks } of parts) {
    check.beginFile(name);
    const torn = await forEachLine(chunks, (line) => check.line(line));
    if (check.fault !== undefined) break;
    check.endFile(torn);
  }
  return check.verdict();
}

/** @returns whether something follows the last line end. Stops at the first line that is refused. */
async function forEachLine(
  chunks: AuditPart["chunks"],
  take: (line: Uint8Array) => boolean,
): Promise<boolean> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? chunk : concat(rest, chunk);
    let start = 0;
    for (let end = data.indexOf(0x0a); end !== -1; end = data.indexOf(0x0a, start)) {
      if (!take(data.subarray(start, end))) return false;
      start = end + 1;
    }
    rest = data.subarray(start);
    if (rest.length > MAX_LINE_BYTES) return true;
  }
  return rest.length > 0;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
