import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder of its own for one test, and what is outside of it. */
export interface TestFolder {
  readonly root: string;
  /** A folder beside the root, which must never be served. */
  readonly outside: string;
  write(path: string, content: string | Uint8Array): Promise<string>;
  remove(): Promise<void>;
}

export async function makeFolder(): Promise<TestFolder> {
  const base = await realpath(await mkdtemp(join(tmpdir(), "resources-")));
  const root = join(base, "root");
  const outside = join(base, "outside");
  await Promise.all([mkdir(root), mkdir(outside)]);
  return {
    root,
    outside,
    write: async (path, content) => {
      const full = join(root, path);
      await mkdir(dirname(full), { recursive: true });
      await writeFile(full, content);
      return full;
    },
    remove: () => rm(base, { recursive: true, force: true }),
  };
}
