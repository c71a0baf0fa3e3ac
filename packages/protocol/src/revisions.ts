/** How a revision carries identity: `modern` is stateless per request, `legacy` begins with `initialize`. */
export type Era = "modern" | "legacy";

/** Revisions without a handshake, newest first (spec: basic/versioning). */
export const MODERN_REVISIONS = ["2026-07-28"] as const;

/** Revisions that begin with `initialize`, newest first. */
export const LEGACY_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** A revision without a handshake. */
export type ModernRevision = (typeof MODERN_REVISIONS)[number];
/** A revision that begins with `initialize`. */
export type LegacyRevision = (typeof LEGACY_REVISIONS)[number];

/** Every protocol revision that Backplane speaks. */
export type Revision = ModernRevision | LegacyRevision;

/** The newest revision of each era: what a peer is offered first. */
export const LATEST_MODERN_REVISION: ModernRevision = MODERN_REVISIONS[0];
/** The newest legacy revision: what `initialize` is answered with when it asks for an unknown one. */
export const LATEST_LEGACY_REVISION: LegacyRevision = LEGACY_REVISIONS[0];

/** The revision assumed for a legacy HTTP request without `MCP-Protocol-Version` (2025-11-25, basic/transports). */
export const ASSUMED_LEGACY_REVISION: LegacyRevision = "2025-03-26";

const modern: ReadonlySet<string> = new Set(MODERN_REVISIONS);
const legacy: ReadonlySet<string> = new Set(LEGACY_REVISIONS);

/** Whether the text names a modern revision that is spoken here. */
export function isModernRevision(revision: string): revision is ModernRevision {
  return modern.has(revision);
}

/** Whether the text names a legacy revision that is spoken here. */
export function isLegacyRevision(revision: string): revision is LegacyRevision {
  return legacy.has(revision);
}

/** Whether the text names a revision of either era that is spoken here. */
export function isRevision(revision: string): revision is Revision {
  return modern.has(revision) || legacy.has(revision);
}

/** The era of a supported revision. */
export function eraOf(revision: Revision): Era {
  return modern.has(revision) ? "modern" : "legacy";
}

/** Whether `revision` is `other` or later. Revisions are ISO dates, so they order as strings. */
export function isAtLeast(revision: Revision, other: Revision): boolean {
  return revision >= other;
}
