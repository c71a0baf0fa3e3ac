import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  constants,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
} from "node:fs";
import fs, { link, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { suiteRequestContext } from "@backplane/server/test-suite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FileResourceProviderOptions } from "./file-options.ts";
import { FileResourceProvider } from "./file-provider.ts";
import { makeFolder, type TestFolder } from "./folder.test-support.ts";

const SECRET = "the secret of the outside";
const context = suiteRequestContext();
let folder: TestFolder;
const restores: (() => void)[] = [];

beforeEach(async () => {
  folder = await makeFolder();
  await writeFile(join(folder.outside, "secret.txt"), SECRET);
  await folder.write("in/side.txt", "inside");
});
afterEach(async () => {
  for (const restore of restores.splice(0)) restore();
  await folder.remove();
});

const open = (options: FileResourceProviderOptions = {}): FileResourceProvider =>
  new FileResourceProvider(folder.root, { uriPrefix: "f:///", ...options });

async function read(uri: string, provider = open()): Promise<unknown> {
  const known = provider.locate(uri);
  const contents = known === undefined ? undefined : await provider.read(known, context);
  return contents?.body;
}

async function listed(provider = open()): Promise<readonly string[]> {
  const { resources } = await provider.list(
    { cursor: undefined, limit: 99, prefix: undefined },
    context,
  );
  return resources.map(({ uri }) => uri.slice(5));
}

/** Runs something just before, or after, the provider's next call of a function of `node:fs/promises`. */
function around(
  name: "open" | "realpath" | "stat",
  when: "before" | "after",
  act: () => unknown,
): void {
  const original = fs[name] as (...all: unknown[]) => Promise<unknown>;
  let done = false;
  const restore = (): void => {
    (fs as Record<string, unknown>)[name] = original;
    syncBuiltinESMExports();
  };
  (fs as Record<string, unknown>)[name] = async (...all: unknown[]) => {
    if (!done && when === "before") {
      done = true;
      await act();
    }
    const result = await original(...all);
    if (!done && when === "after") {
      done = true;
      await act();
    }
    return result;
  };
  syncBuiltinESMExports();
  restores.push(restore);
}

describe("nothing outside of the folder is read", () => {
  it.each([
    "..",
    "../outside/secret.txt",
    "in/../../outside/secret.txt",
    "./in/side.txt",
    "in/./side.txt",
    "in//side.txt",
    "/etc/passwd",
    "//etc/passwd",
    "%2e%2e/outside/secret.txt",
    "%2E%2E%2Foutside%2Fsecret.txt",
    "..%2foutside%2fsecret.txt",
    "%252e%252e/outside/secret.txt",
    "%252e%252e%252foutside%252fsecret.txt",
    "%c0%ae%c0%ae/outside/secret.txt",
    "..\\outside\\secret.txt",
    "..%5coutside%5csecret.txt",
    "in\\..\\..\\outside\\secret.txt",
    "in/..\\../outside/secret.txt",
    "C:/Windows/win.ini",
    "C:%5CWindows%5Cwin.ini",
    "%5C%5Cserver%5Cshare%5Cfile",
    "\\\\?\\C:\\x",
    "in/side.txt%00.png",
    "%00",
    "in/side.txt\u0000",
    "CON",
    "nul.txt",
    "in/COM1",
    "lpt9.log",
    "aux",
    "in/side.txt#x",
    "in/side.txt?x",
    "in/",
    "in",
    "",
    "%ff",
    "%",
    "in/side.txt/more",
    "x".repeat(300),
    "x/".repeat(3_000),
    "\ufffd",
  ])("by the path %j", async (path) => {
    expect(await read(`f:///${path}`)).toBe(undefined);
  });

  it("by any path at all", async () => {
    const part = fc.constantFrom(
      "..",
      ".",
      "in",
      "side.txt",
      "outside",
      "secret.txt",
      "%2e%2e",
      "%2f",
      "\\",
      "%5c",
      "",
      "%00",
      "%25",
      "~",
      "file:",
      folder.outside,
    );
    const separator = fc.constantFrom("/", "\\", "%2f", "%5C", "//");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(part, separator), { maxLength: 8 }), async (parts) => {
        const body = await read(`f:///${parts.flat().join("")}`);
        expect(String(body)).not.toContain(SECRET);
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  it("through no link that leads out, neither listed nor read", async () => {
    await symlink(join(folder.outside, "secret.txt"), join(folder.root, "link.txt"));
    await symlink("../outside/secret.txt", join(folder.root, "relative.txt"));
    await symlink(folder.outside, join(folder.root, "folder"));
    await symlink("link.txt", join(folder.root, "chain.txt"));
    await symlink("nowhere", join(folder.root, "dangling"));
    await symlink("/dev/zero", join(folder.root, "zero"));
    await symlink("/proc/self/environ", join(folder.root, "environ"));
    for (const path of [
      "link.txt",
      "relative.txt",
      "folder/secret.txt",
      "chain.txt",
      "dangling",
      "zero",
      "environ",
    ])
      expect(await read(`f:///${path}`)).toBe(undefined);
    expect(await listed()).toEqual(["in/side.txt"]);
  });

  it("but a link inside of the folder is followed, unless what it leads to is ignored", async () => {
    await symlink("in/side.txt", join(folder.root, "good.txt"));
    await symlink("in", join(folder.root, "also"));
    await folder.write(".env", "hidden");
    await symlink(".env", join(folder.root, "env.txt"));
    expect(await read("f:///good.txt")).toBe("inside");
    expect(await read("f:///also/side.txt")).toBe("inside");
    expect(await read("f:///env.txt")).toBe(undefined);
    expect(await listed()).toEqual(["good.txt", "in/side.txt"]);
  });

  it("by no exchange between the checks and the read", async () => {
    const secret = join(folder.outside, "secret.txt");
    const swap = (path: string, target: string) => () => {
      renameSync(path, `${path}.was`);
      symlinkSync(target, path);
    };
    const back = (path: string) => () => {
      unlinkSync(path);
      renameSync(`${path}.was`, path);
    };
    // A file becomes a link out of the folder before it is opened.
    const file = await folder.write("swapped.txt", "inside");
    around("open", "before", swap(file, secret));
    expect(await read("f:///swapped.txt")).toBe(undefined);
    // It is one while it is opened, and a file again when its real path is asked for.
    const again = await folder.write("there-and-back.txt", "inside");
    around("open", "before", swap(again, secret));
    around("open", "after", back(again));
    expect(await read("f:///there-and-back.txt")).toBe(undefined);
    // The same with the folder above.
    await folder.write("sub/secret.txt", "inside");
    around("open", "before", swap(join(folder.root, "sub"), folder.outside));
    around("open", "after", back(join(folder.root, "sub")));
    expect(await read("f:///sub/secret.txt")).toBe(undefined);
  });

  it("the planted exchanges are real: without the comparison the secret would be read", async () => {
    const file = await folder.write("swapped.txt", "inside");
    around("open", "before", () => {
      renameSync(file, `${file}.was`);
      symlinkSync(join(folder.outside, "secret.txt"), file);
    });
    const handle = await fs.open(file, constants.O_RDONLY);
    expect(await handle.readFile("utf8")).toBe(SECRET);
    await handle.close();
  });

  it("through a hard link only when that is allowed, since nobody can tell it from a file", async () => {
    await link(join(folder.outside, "secret.txt"), join(folder.root, "hard.txt"));
    const strict = open({ rejectMultiplyLinked: true });
    expect(await read("f:///hard.txt", strict)).toBe(undefined);
    expect(await listed(strict)).toEqual(["in/side.txt"]);
    expect(await read("f:///in/side.txt", strict)).toBe("inside");
    expect(await read("f:///hard.txt")).toBe(SECRET);
  });
});

describe("what is no regular file does not exist", () => {
  it("pipes, sockets and folders, without waiting for a writer", {
    tags: ["coreutils"],
  }, async () => {
    execFileSync("mkfifo", [join(folder.root, "pipe")]);
    const socket = createServer();
    await new Promise<void>((resolve) => socket.listen(join(folder.root, "socket"), resolve));
    try {
      for (const name of ["pipe", "socket", "in"])
        expect(await read(`f:///${name}`)).toBe(undefined);
      expect(await listed()).toEqual(["in/side.txt"]);
      // A file that becomes a pipe just before it is opened.
      const file = await folder.write("becomes-pipe", "x");
      around("open", "before", () => {
        unlinkSync(file);
        execFileSync("mkfifo", [file]);
      });
      expect(await read("f:///becomes-pipe")).toBe(undefined);
    } finally {
      await new Promise((resolve) => socket.close(resolve));
    }
  });

  it("names that are no UTF-8 are left out, and stop nothing", async () => {
    const name = Buffer.concat([Buffer.from(`${folder.root}/bad-`), Buffer.of(0xff, 0xfe)]);
    await writeFile(name, "x");
    await folder.write("back\\slash", "x");
    await folder.write("aux.txt", "x");
    expect(await listed()).toEqual(["in/side.txt"]);
  });

  it("files that may not be read", async () => {
    await folder.write("gone.txt", "x");
    around("open", "before", () => unlinkSync(join(folder.root, "gone.txt")));
    expect(await read("f:///gone.txt")).toBe(undefined);
  });
});

describe("a file that is read", () => {
  it("is of one moment: what changes meanwhile is read anew, and given up when it never rests", async () => {
    const file = await folder.write("grows.txt", "one");
    around("realpath", "after", () => appendFileSync(file, " two"));
    expect(await read("f:///grows.txt")).toBe("one two");
    const shrinks = await folder.write("shrinks.txt", "a long text");
    around("realpath", "after", () => truncateSync(shrinks, 3));
    expect(await read("f:///shrinks.txt")).toBe("a l");
    const restless = await folder.write("restless.txt", "x");
    for (let times = 0; times < 3; times++)
      around("realpath", "after", () => appendFileSync(restless, "x"));
    // Each of the three is planted around the one before it: all strike the first attempt.
    expect(await read("f:///restless.txt")).toBe("xxxx");
    const original = fs.realpath;
    restores.push(() => {
      fs.realpath = original;
      syncBuiltinESMExports();
    });
    fs.realpath = (async (path: string) => {
      appendFileSync(restless, "y");
      return original(path);
    }) as never;
    syncBuiltinESMExports();
    await expect(read("f:///restless.txt")).rejects.toMatchObject({
      code: -1503,
      data: { reason: "resource_changing" },
    });
  });

  it("is refused for its size before a byte of it is read", async () => {
    const file = await folder.write("large.bin", "");
    truncateSync(file, 50 * 1024 ** 3);
    const provider = open({ maxBytes: 1_000 });
    await expect(read("f:///large.bin", provider)).rejects.toMatchObject({
      code: -1413,
      data: { uri: "f:///large.bin", maxBytes: 1_000 },
    });
    await folder.write("fits.bin", Buffer.alloc(1_000, 0x61));
    expect(await read("f:///fits.bin", provider)).toHaveLength(1_000);
  });

  it("is given up with its request", async () => {
    const aborted = suiteRequestContext(AbortSignal.abort());
    await expect(open().read("f:///in/side.txt", aborted)).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  it("is found by its one name where the file system ignores case", async () => {
    // As such a file system answers: the real path is spelt otherwise.
    const original = fs.realpath;
    restores.push(() => {
      fs.realpath = original;
      syncBuiltinESMExports();
    });
    await folder.write("in/SIDE.TXT", "inside");
    fs.realpath = (async (path: string) =>
      (await original(path)).replace("SIDE.TXT", "side.txt")) as never;
    syncBuiltinESMExports();
    expect(await read("f:///in/SIDE.TXT")).toBe(undefined);
    expect(await read("f:///in/side.txt")).toBe("inside");
  });
});

describe("FileResourceProvider", () => {
  it.each([
    ["", {}, /path of a folder/],
    ["/nonexistent-folder", {}, /is no folder/],
    [undefined, { maxBytes: 0 }, /"maxBytes"/],
    [undefined, { maxDepth: 256 }, /"maxDepth" must be at most 255/],
    [undefined, { uriPrefix: "x" }, /"uriPrefix"/],
    [undefined, { uriPrefix: "docs://x" }, /end with "\/"/],
    [undefined, { ignore: "*.log" }, /"ignore"/],
    [undefined, { rejectMultiplyLinked: 1 }, /"rejectMultiplyLinked"/],
    [undefined, { follow: true }, /unknown option "follow"/],
  ])("refuses %j %j", (path, options, message) => {
    expect(() => new FileResourceProvider(path ?? folder.root, options as never)).toThrow(message);
  });

  it("completes paths", async () => {
    await mkdir(join(folder.root, "docs"));
    for (const name of ["docs/a b.md", "docs/b.md"]) await folder.write(name, "");
    const complete = (value: string) =>
      open().complete(
        { uriTemplate: "f:///{+path}", variable: "path", value, chosen: {} },
        context,
      );
    expect(await complete("docs/a")).toEqual({ values: ["docs/a b.md"], hasMore: false });
    expect(await complete("")).toEqual({
      values: ["docs/a b.md", "docs/b.md", "in/side.txt"],
      hasMore: false,
    });
    expect(await complete("../")).toEqual({ values: [], hasMore: false });
    expect(await complete("\ud800")).toMatchObject({ hasMore: false });
  });

  it("watches what is replaced by a rename, and nothing that is ignored", async () => {
    let changes = 0;
    const provider = open();
    const stop = await provider.watch("f:///in/side.txt", () => changes++);
    await folder.write(".tmp", "new");
    await rename(join(folder.root, ".tmp"), join(folder.root, "in/side.txt"));
    const endMs = Date.now() + 5_000;
    while (changes === 0 && Date.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(changes).toBeGreaterThan(0);
    await stop();
    const nothing = await provider.watch("f:///.env", () => changes++);
    await nothing();
  });

  it("watches a file of a folder that comes later, goes and comes again", async () => {
    const provider = open();
    let changes = 0;
    const stop = await provider.watch("f:///new/deep/a.txt", () => changes++);
    const heard = async (act: () => Promise<unknown>): Promise<void> => {
      const before = changes;
      await act();
      await vi.waitFor(() => expect(changes).toBeGreaterThan(before), { timeout: 5_000 });
    };
    await heard(() => folder.write("new/deep/a.txt", "1"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await heard(() => folder.write("new/deep/a.txt", "22"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await heard(() => rm(join(folder.root, "new"), { recursive: true }));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await heard(() => folder.write("new/deep/a.txt", "1"));
    await stop();
  });

  it("tells of nothing that changes outside, where a link leads to", async () => {
    await symlink(folder.outside, join(folder.root, "folder"));
    await writeFile(join(folder.outside, "seen.txt"), "1");
    const provider = open();
    const heard: string[] = [];
    const names = ["folder/seen.txt", "folder/new.txt", "in/side.txt"];
    const stops = await Promise.all(
      names.map((name) => provider.watch(`f:///${name}`, () => heard.push(name))),
    );
    for (const name of ["seen.txt", "new.txt"]) await writeFile(join(folder.outside, name), "22");
    // What is told of after them was noticed after them.
    await folder.write("in/side.txt", "22");
    await vi.waitFor(() => expect(heard).toContain("in/side.txt"), { timeout: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(new Set(heard)).toEqual(new Set(["in/side.txt"]));
    await Promise.all(stops.map((stop) => stop()));
  });

  it("knows no path so deep that its comparison with what is ignored would cost much", () => {
    const deep = (parts: number): string => `f:///${"a/".repeat(parts - 1)}b`;
    expect(open().locate(deep(256))).toBe(deep(256));
    expect(open().locate(deep(257))).toBe(undefined);
  });

  it("does not watch more folders than it may", async () => {
    for (const name of ["a/x", "b/x", "c/x"]) await folder.write(name, "");
    const provider = open({ maxWatchedFolders: 2 });
    await expect(provider.watchList(() => {})).rejects.toThrow(/"maxWatchedFolders"/);
  });
});
