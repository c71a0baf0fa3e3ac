import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { argv, env, stdout } from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { AuditHead } from "./audit/audit-record.ts";
import type { AuditVerdict } from "./audit/chain-check.ts";
import { auditFiles } from "./node/audit-file.ts";
import { verifyAuditFiles } from "./node/verify-audit-files.ts";

const USAGE = `node verify-audit.js [--heads FILE] AUDIT

Verifies the audit file AUDIT, and the older ones beside it (AUDIT.000001 and so on).

  --heads FILE   heads that were kept elsewhere, one JSON object a line
  AUDIT_KEY      environment variable: the key that the audit was written with, if it has one

Ends with 0 when the audit verifies, 1 when it does not, 2 when it could not be verified.
`;

/**
 * The verifier as a program: `node node_modules/@backplane/monitoring/dist/verify-audit.js audit.jsonl`.
 * @param args what stands behind the program's name.
 * @param print takes the text of the verdict, and of what is wrong with the arguments.
 * @returns the exit code: 0 for an audit that verifies, 1 for one that does not, 2 when it could not be said.
 */
export async function verifyAuditCommand(
  args: readonly string[],
  print: (text: string) => void,
  key: string | undefined,
): Promise<0 | 1 | 2> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { heads: { type: "string" } },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) {
      print(USAGE);
      return 2;
    }
    const files = await auditFiles(path);
    if (files.length === 0) throw new Error(`there is no audit at ${path}`);
    const heads = values.heads === undefined ? [] : await headsIn(values.heads);
    const verdict = await verifyAuditFiles(files, { heads, ...(key !== undefined && { key }) });
    print(describe(verdict));
    return verdict.valid ? 0 : 1;
  } catch (error) {
    print(`${(error as Error).message}\n`);
    return 2;
  }
}

async function headsIn(file: string): Promise<readonly AuditHead[]> {
  const text = await readFile(file, "utf8");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => JSON.parse(line) as AuditHead);
}

function describe({ valid, fault, records, firstSeq, lastSeq, lost, notes }: AuditVerdict): string {
  const range = records === 0 ? "" : `, ${firstSeq} to ${lastSeq}`;
  return [
    valid ? "The audit verifies." : "THE AUDIT DOES NOT VERIFY.",
    fault && `${fault.file}, line ${fault.line}: ${fault.reason}`,
    `${records} records verify${range}.`,
    lost > 0 && `${lost} records were lost when they were made, as the audit itself says.`,
    ...notes,
    "",
  ]
    .filter((line) => typeof line === "string")
    .join("\n");
}

// Run as a program, and not imported. Package managers link packages, and Node resolves that for one side only.
if (argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(argv[1])).href) {
  const print = (text: string): void => {
    stdout.write(text);
  };
  process.exitCode = await verifyAuditCommand(argv.slice(2), print, env["AUDIT_KEY"]);
}
