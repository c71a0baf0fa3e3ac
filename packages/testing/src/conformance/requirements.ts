import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the suite puts under test. */
export type ConformanceLeg = "server" | "client";

/**
 * Checks, by name, that a scenario skips whatever the implementation does. Every other skipped check
 * counts as a failure.
 */
export const INAPPLICABLE: Readonly<Record<string, readonly string[]>> = {
  // Methods of the earlier era, in a scenario of the later one.
  "http-standard-headers": [
    "ClientMcpMethodHeader_initialize",
    "ClientMcpMethodHeader_notifications_initialized",
  ],
};

/** The requirement set of a revision, as the installed suite defines it. */
export function readRequirements(suite: string, revision: string): string {
  return readFileSync(join(suite, "requirements", `${revision}.yaml`), "utf8");
}

/**
 * Reads the scored scenarios of one leg from a requirement set of the suite. Its files are YAML of
 * one fixed shape: a top-level key per leg, followed by a list of plain names.
 * @throws {Error} when it names none.
 */
export function scoredScenarios(requirementsYaml: string, leg: ConformanceLeg): string[] {
  const scored: string[] = [];
  let inside = false;
  for (const line of requirementsYaml.split("\n")) {
    if (/^\S/.test(line) && !line.startsWith("#")) inside = line.trimEnd() === `${leg}:`;
    const item = inside ? /^\s+-\s+(\S+)\s*$/.exec(line) : null;
    if (item?.[1] !== undefined) scored.push(item[1]);
  }
  if (scored.length === 0) throw new Error(`the requirement set names no ${leg} scenario`);
  return scored;
}
