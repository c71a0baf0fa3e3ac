import { createReadStream } from "node:fs";
import type { AuditVerdict } from "../audit/chain-check.ts";
import { type VerifyOptions, verifyAudit } from "../audit/verify.ts";

/**
 * Verifies an audit in files, given in their order, the oldest first, as `auditFiles` lists them.
 * @throws {Error} when a file cannot be read. What is wrong with an audit is in the verdict.
 */
export function verifyAuditFiles(
  files: readonly string[],
  options: VerifyOptions = {},
): Promise<AuditVerdict> {
  return verifyAudit(
    (function* () {
      for (const name of files) yield { name, chunks: createReadStream(name) };
    })(),
    options,
  );
}
