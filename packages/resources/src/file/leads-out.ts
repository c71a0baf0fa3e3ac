import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { partsInside } from "./parts-inside.ts";

/**
 * Whether a path, or of one that is not there the folder where it would be, is reached through a link that leads out
 * of the root: when something changes there is told to nobody either. Never rejects.
 */
export async function leadsOut(root: string, path: readonly string[]): Promise<boolean> {
  try {
    const realRoot = await realpath(root);
    for (let length = path.length; length > 0; length--) {
      const real = await realpath(join(root, ...path.slice(0, length))).catch(() => undefined);
      if (real !== undefined) return partsInside(realRoot, real) === undefined;
    }
  } catch {
    // The root itself has gone, which its watchers are to hear of.
  }
  return false;
}
