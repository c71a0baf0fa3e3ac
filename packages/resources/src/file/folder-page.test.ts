import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { invalidParams } from "@backplane/protocol";
import { suiteRequestContext } from "@backplane/server/test-suite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileResourceProviderOptions } from "./file-options.ts";
import { FileResourceProvider } from "./file-provider.ts";
import { makeFolder, type TestFolder } from "./folder.test-support.ts";
import { SmallestNames } from "./smallest-names.ts";

let folder: TestFolder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(() => folder.remove());

const open = (options: FileResourceProviderOptions = {}): FileResourceProvider =>
  new FileResourceProvider(folder.root, { uriPrefix: "f:///", ...options });
const context = suiteRequestContext();

async function pages(
  provider: FileResourceProvider,
  limit: number,
  prefix?: string,
): Promise<readonly (readonly string[])[]> {
  const all: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await provider.list({ cursor, limit, prefix }, context);
    all.push(page.resources.map(({ uri }) => uri.slice("f:///".length)));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

describe("SmallestNames", () => {
  it("keeps the smallest, whatever the order", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (names, capacity) => {
          const smallest = new SmallestNames(capacity);
          for (const name of names) if (smallest.wants(name)) smallest.add({ name, kind: "file" });
          expect(smallest.overflowed).toBe(names.length > capacity);
          expect(smallest.drain().map(({ name }) => name)).toEqual(
            [...names].sort().slice(0, capacity),
          );
        },
      ),
      { seed: 6 },
    );
  });
});

describe("the list of a folder", () => {
  it("has every file once, in the order of their paths, whatever the shape and the pages", async () => {
    const name = fc.constantFrom("a", "b", "B", "c d", "é", "z", "0", "a.b", "%41", "[x]", "x#y?z");
    const tree = fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 4 }), {
      selector: (path) => path.join("/"),
      maxLength: 25,
    });
    let shapes = 0;
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 1, max: 6 }), async (paths, limit) => {
        const root = join(folder.root, `shape${shapes++}`);
        await mkdir(root);
        const files = paths.filter((path) => !paths.some((other) => isBelow(path, other)));
        for (const path of files) {
          await mkdir(join(root, ...path.slice(0, -1)), { recursive: true });
          await writeFile(join(root, ...path), "");
        }
        await mkdir(join(root, "empty", "deep"), { recursive: true });
        const provider = new FileResourceProvider(root, { uriPrefix: "f:///" });
        const all = await pages(provider, limit);
        const expected = [...files]
          .sort(byParts)
          .map((path) => path.map(encodeURIComponent).join("/"));
        expect(all.flat()).toEqual(expected);
        for (const page of all.slice(0, -1)) expect(page).toHaveLength(limit);
      }),
      { seed: 7, numRuns: 40 },
    );
    // Hundreds of files on a disk that others use too.
  }, 60_000);

  it("goes on where it was although the file of the cursor became a folder, or went", async () => {
    for (const name of ["a", "b/1", "b/2", "c"]) await folder.write(name, "");
    const provider = open();
    const rest = async (cursor: string) => {
      const { resources } = await provider.list({ cursor, limit: 9, prefix: undefined }, context);
      return resources.map(({ uri }) => uri.slice("f:///".length));
    };
    expect(await rest("a")).toEqual(["b/1", "b/2", "c"]);
    expect(await rest("b")).toEqual(["c"]);
    expect(await rest("b/1")).toEqual(["b/2", "c"]);
    // A file in the place of a folder is one that was never listed.
    expect(await rest("b/1/deeper")).toEqual(["b/1", "b/2", "c"]);
    expect(await rest("aa/gone")).toEqual(["b/1", "b/2", "c"]);
    for (const forged of ["..", "b/../a", "%2e%2e", "/b", "b//1", "%00", "%"]) {
      await expect(rest(forged)).rejects.toMatchObject({ code: invalidParams("").code });
    }
  });

  it("lists by prefix: a folder, a part of a name, or nothing", async () => {
    for (const name of ["a/x1", "a/x2", "a/y", "ab", "b", "é/1"]) await folder.write(name, "");
    const provider = open();
    const by = async (prefix: string) => (await pages(provider, 2, prefix)).flat();
    expect(await by("f:///a/x")).toEqual(["a/x1", "a/x2"]);
    expect(await by("f:///a/")).toEqual(["a/x1", "a/x2", "a/y"]);
    expect(await by("f:///a")).toEqual(["a/x1", "a/x2", "a/y", "ab"]);
    expect(await by("f:///%C3%A9/")).toEqual(["%C3%A9/1"]);
    expect(await by("f:///")).toHaveLength(6);
    expect(await by("f:")).toHaveLength(6);
    for (const nothing of ["g:///", "f:///..", "f:///nope/", "f:///a/%", "f:///a/../"]) {
      expect(await by(nothing)).toEqual([]);
    }
  });

  it("hides what is ignored, by default what begins with a dot, with everything below", async () => {
    for (const name of [
      ".env",
      ".git/config",
      "a/.hidden",
      "a/b.txt",
      "node_modules/x/y.js",
      "c.log",
    ])
      await folder.write(name, "");
    expect((await pages(open(), 9)).flat()).toEqual(["a/b.txt", "c.log", "node_modules/x/y.js"]);
    const ignore = ["**/node_modules", "*.log"];
    const provider = open({ ignore });
    expect((await pages(provider, 9)).flat()).toEqual([
      ".env",
      ".git/config",
      "a/.hidden",
      "a/b.txt",
    ]);
    expect(await provider.read("f:///node_modules/x/y.js", context)).toBe(undefined);
    expect(await provider.read("f:///.env", context)).toBeDefined();
    expect(await open().read("f:///.git/config", context)).toBe(undefined);
    expect((await pages(provider, 9, "f:///node_modules/x/")).flat()).toEqual([]);
  });

  it("sends a page early when it has looked at enough, and loses nothing", async () => {
    for (let index = 0; index < 12; index++) {
      await mkdir(join(folder.root, `empty${String(index).padStart(2, "0")}`));
    }
    for (const name of ["empty05/x", "z1", "z2"]) await folder.write(name, "");
    const all = await pages(open({ maxScanned: 3 }), 10);
    expect(all.length).toBeGreaterThan(1);
    expect(all.flat()).toEqual(["empty05/x", "z1", "z2"]);
  });

  it("does not go round in circles, nor deeper than it may", async () => {
    await folder.write("a/b/c/deep.txt", "");
    await symlink("..", join(folder.root, "a", "loop"));
    await symlink("itself", join(folder.root, "itself"));
    await symlink(folder.root, join(folder.root, "a", "root"));
    expect((await pages(open(), 9)).flat()).toEqual(["a/b/c/deep.txt"]);
    expect((await pages(open({ maxDepth: 2 }), 9)).flat()).toEqual([]);
  });

  it("says size, type and age of each", async () => {
    await folder.write("a.json", "{}");
    const { resources } = await open().list(
      { cursor: undefined, limit: 1, prefix: undefined },
      context,
    );
    expect(resources).toEqual([
      {
        uri: "f:///a.json",
        name: "a.json",
        mimeType: "application/json",
        size: 2,
        annotations: { lastModified: expect.stringMatching(/^\d{4}-.*Z$/) as string },
      },
    ]);
  });

  it("ends when it is given up, and says when the folder has gone", async () => {
    for (let index = 0; index < 1_500; index++) await writeFile(join(folder.root, `f${index}`), "");
    const request = { cursor: undefined, limit: 1, prefix: undefined };
    const aborted = suiteRequestContext(AbortSignal.abort());
    await expect(open().list(request, aborted)).rejects.toMatchObject({ name: "AbortError" });
    const provider = open();
    await folder.remove();
    await expect(provider.list(request, context)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

/** Whether `other` is a file in whose place `path` would need a folder, or the other way round. */
function isBelow(path: readonly string[], other: readonly string[]): boolean {
  return other.length > path.length && path.every((part, index) => other[index] === part);
}

function byParts(left: readonly string[], right: readonly string[]): number {
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (part !== other) return part < other ? -1 : 1;
  }
  return -1;
}
