import { statfs } from "node:fs/promises";
import { checkMembers } from "@backplane/protocol";
import type { Check } from "../health/check.ts";

/** What {@link diskSpaceCheck} takes; one of the two bounds, or both. */
export interface DiskSpaceOptions {
  /** A file or folder on the disk that is meant. */
  readonly path: string;
  /** Least free bytes. */
  readonly minFreeBytes?: number;
  /** Least free part of the whole, over 0 and below 1. Default 0.05 when no bound is given. */
  readonly minFreeRatio?: number;
}

/**
 * Whether a disk has room for who runs the process: what is reserved for root does not count.
 * @throws {TypeError} that names the option and what it takes.
 */
export function diskSpaceCheck(options: DiskSpaceOptions): Check {
  checkMembers("diskSpaceCheck", options, ["path", "minFreeBytes", "minFreeRatio"]);
  const { path, minFreeBytes = 0 } = options;
  const minFreeRatio = options.minFreeRatio ?? (options.minFreeBytes === undefined ? 0.05 : 0);
  if (typeof path !== "string" || path === "") {
    throw new TypeError('diskSpaceCheck: option "path" must be a path');
  }
  if (!Number.isSafeInteger(minFreeBytes) || minFreeBytes < 0) {
    throw new TypeError(
      'diskSpaceCheck: option "minFreeBytes" must be a whole number of 0 or more',
    );
  }
  if (!(minFreeRatio >= 0 && minFreeRatio < 1)) {
    throw new TypeError('diskSpaceCheck: option "minFreeRatio" must be 0 or more, and below 1');
  }
  return {
    check: async () => {
      const { bavail, blocks, bsize } = await statfs(path);
      const freeBytes = bavail * bsize;
      // Some virtual file systems have no blocks at all.
      const freeRatio = blocks === 0 ? 1 : bavail / blocks;
      const enough = freeBytes >= minFreeBytes && freeRatio >= minFreeRatio;
      return {
        status: enough ? "healthy" : "unhealthy",
        freeBytes,
        freeRatio: Math.round(freeRatio * 1_000) / 1_000,
      };
    },
  };
}
