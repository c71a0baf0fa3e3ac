import { canonicalJson, isJsonObject } from "@backplane/protocol";
import type { ServerSurface } from "./surface.ts";

/** One difference between two surfaces. */
export interface SurfaceChange {
  /** `tool get_weather`, `resource weather://now`, `instructions`. */
  readonly where: string;
  /** Within it, such as `inputSchema.properties.location.minLength`; empty for the whole. */
  readonly path: string;
  /** Undefined for what was added. */
  readonly before: unknown;
  /** Undefined for what was removed. */
  readonly after: unknown;
}

const GROUPS = {
  tools: "tool",
  prompts: "prompt",
  resources: "resource",
  resourceTemplates: "resource template",
} as const;

/** What became of a surface, in the order of its parts. The order of members and of names does not count. */
export function compareSurfaces(before: ServerSurface, after: ServerSurface): SurfaceChange[] {
  const changes: SurfaceChange[] = [];
  for (const part of ["name", "instructions", "capabilities"] as const) {
    compare(part, "", before[part], after[part], changes);
  }
  for (const [group, label] of Object.entries(GROUPS)) {
    const [old, now] = [before[group as keyof typeof GROUPS], after[group as keyof typeof GROUPS]];
    for (const name of namesOf(old, now)) {
      compare(`${label} ${name}`, "", old[name], now[name], changes);
    }
  }
  return changes;
}

/** Changes as people read them: one heading for each part, one line for each change. */
export function formatChanges(changes: readonly SurfaceChange[]): string {
  const lines: string[] = [];
  let heading: string | undefined;
  for (const { where, path, before, after } of changes) {
    if (path === "" && (before === undefined || after === undefined)) {
      lines.push(`  ${where}: ${before === undefined ? "added" : "removed"}`);
      heading = undefined;
      continue;
    }
    if (where !== heading) lines.push(`  ${where}`);
    heading = where;
    lines.push(`    ${path === "" ? "" : `${path}: `}${said(before, after)}`);
  }
  return lines.join("\n");
}

function said(before: unknown, after: unknown): string {
  if (before === undefined) return `added ${canonicalJson(after)}`;
  if (after === undefined) return `removed, was ${canonicalJson(before)}`;
  return `${canonicalJson(before)} → ${canonicalJson(after)}`;
}

function compare(
  where: string,
  path: string,
  before: unknown,
  after: unknown,
  changes: SurfaceChange[],
): void {
  if (isJsonObject(before) && isJsonObject(after)) {
    for (const name of namesOf(before, after)) {
      compare(where, path === "" ? name : `${path}.${name}`, before[name], after[name], changes);
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    compareLists(where, path, before, after, changes);
  } else if (before !== after) {
    changes.push({ where, path, before, after });
  }
}

/** `required` and `enum` are sets, so plain members are told by their value and others by their place. */
function compareLists(
  where: string,
  path: string,
  before: readonly unknown[],
  after: readonly unknown[],
  changes: SurfaceChange[],
): void {
  if ([...before, ...after].every((member) => typeof member !== "object" || member === null)) {
    const lost = before.filter((member) => !after.includes(member));
    const gained = after.filter((member) => !before.includes(member));
    for (const member of lost) {
      changes.push({ where, path: `${path}[]`, before: member, after: undefined });
    }
    for (const member of gained) {
      changes.push({ where, path: `${path}[]`, before: undefined, after: member });
    }
    return;
  }
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    compare(where, `${path}[${index}]`, before[index], after[index], changes);
  }
}

function namesOf(before: object, after: object): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
}
