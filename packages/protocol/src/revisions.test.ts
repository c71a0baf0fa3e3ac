import { describe, expect, it } from "vitest";
import {
  ASSUMED_LEGACY_REVISION,
  eraOf,
  isAtLeast,
  isLegacyRevision,
  isModernRevision,
  isRevision,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
  LEGACY_REVISIONS,
  MODERN_REVISIONS,
} from "./revisions.ts";

describe("revisions", () => {
  it("are the published ones, newest first in each era", () => {
    expect(MODERN_REVISIONS).toEqual(["2026-07-28"]);
    expect(LEGACY_REVISIONS).toEqual(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
    expect(LATEST_MODERN_REVISION).toBe("2026-07-28");
    expect(LATEST_LEGACY_REVISION).toBe("2025-11-25");
    for (const revisions of [MODERN_REVISIONS, LEGACY_REVISIONS]) {
      expect([...revisions].sort().reverse()).toEqual(revisions);
    }
  });

  it("belong to one era each", () => {
    for (const revision of MODERN_REVISIONS) {
      expect([isModernRevision(revision), isLegacyRevision(revision)]).toEqual([true, false]);
      expect(eraOf(revision)).toBe("modern");
    }
    for (const revision of LEGACY_REVISIONS) {
      expect([isModernRevision(revision), isLegacyRevision(revision)]).toEqual([false, true]);
      expect(eraOf(revision)).toBe("legacy");
    }
  });

  it.each(["", "2026-07-27", "2026-07-28 ", "v999.0.0", "toString", "__proto__", "draft"])(
    "do not include %j",
    (text) => {
      expect(isRevision(text)).toBe(false);
    },
  );

  it("order by date", () => {
    const oldestFirst = [...LEGACY_REVISIONS].reverse();
    for (const [index, revision] of oldestFirst.entries()) {
      for (const [other, earlier] of oldestFirst.entries()) {
        expect(isAtLeast(revision, earlier)).toBe(index >= other);
      }
      expect(isAtLeast("2026-07-28", revision)).toBe(true);
      expect(isAtLeast(revision, "2026-07-28")).toBe(false);
    }
  });

  it("assume the last one without a version header where there is none", () => {
    // 2025-06-18 brought `MCP-Protocol-Version` (2025-11-25, basic/transports).
    expect(ASSUMED_LEGACY_REVISION).toBe("2025-03-26");
  });
});
