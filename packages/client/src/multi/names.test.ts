import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNames } from "./names.ts";

const LEGAL = /^[A-Za-z0-9_.-]{1,128}$/;

describe("names of several servers", () => {
  it("are the tools' own behind the servers'", () => {
    const names = createNames(["files", "git-hub.v2"], "__");
    expect(names.shownName("files", "read_file")).toBe("files__read_file");
    expect(names.shownName("git-hub.v2", "pr.list")).toBe("git-hub.v2__pr.list");
    expect(names.read("files__read_file")).toEqual({ server: "files", rest: "read_file" });
    expect(names.read("other__x")).toBeUndefined();
  });

  it("take any separator", () => {
    expect(createNames(["a"], ".").shownName("a", "b")).toBe("a.b");
  });

  it("that are illegal or too long end in a hash, the same every time", () => {
    const names = createNames(["a"], "__");
    const long = names.shownName("a", "x".repeat(200));
    expect(long).toMatch(LEGAL);
    expect(long).toHaveLength(128);
    expect(long).toMatch(/^a__x+_[0-9a-z]{13}$/);
    expect(createNames(["a", "b"], "__").shownName("a", "x".repeat(200))).toBe(long);
    expect(names.shownName("a", "read file")).toMatch(/^a__read_file_[0-9a-z]{13}$/);
    expect(names.shownName("a", "read file")).not.toBe(names.shownName("a", "read_file"));
    expect(names.shownName("a", "read file")).not.toBe(names.shownName("a", "read/file"));
  });

  it("of one server never begin as those of another", () => {
    const names = createNames(["a", "a__b", "my files", "my_files"], "__");
    expect(names.prefixes.get("a__b")).toBe("a__b__");
    expect(names.prefixes.get("a")).toMatch(/^a_[0-9a-z]{13}__$/);
    // By its tool, the one could else stand for the other's.
    expect(names.read(names.shownName("a", "b__c"))?.server).toBe("a");
    expect(names.read(names.shownName("a__b", "c"))?.server).toBe("a__b");
    const [one, other] = ["my files", "my_files"].map((server) => names.shownName(server, "x"));
    expect(one).not.toBe(other);
  });

  it("that cannot be told apart are refused", () => {
    const [first] = createNames(["a", "a__b"], "__").prefixes.values();
    const forged = `${first}more`.replace(/__more$/, "__x");
    expect(() => createNames(["a", "a__b", forged], "__")).toThrow(/rename/);
  });

  it("are legal, and lead back to their server, whatever the names", () => {
    const word = fc.oneof(
      fc.string({ minLength: 1, maxLength: 12 }),
      fc.stringMatching(/^[ab_]{1,6}$/),
      fc.string({ minLength: 60, maxLength: 200 }),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(word, { minLength: 1, maxLength: 5 }),
        fc.uniqueArray(word, { minLength: 1, maxLength: 5 }),
        fc.constantFrom("__", "_", ".", "-"),
        (servers, tools, separator) => {
          const names = createNames(servers, separator);
          const shown = new Map<string, string>();
          for (const server of servers) {
            for (const tool of tools) {
              const name = names.shownName(server, tool);
              expect(name).toMatch(LEGAL);
              const read = names.read(name);
              expect(read?.server).toBe(server);
              if (name.endsWith(tool)) expect(read?.rest).toBe(tool);
              expect(shown.has(name)).toBe(false);
              shown.set(name, server);
              // Alone, a server has the same names as long as its own is not in question.
              const alone = createNames([server], separator);
              if (alone.prefixes.get(server) === names.prefixes.get(server)) {
                expect(alone.shownName(server, tool)).toBe(name);
              }
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
