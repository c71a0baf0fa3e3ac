import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codes } from "../errors.ts";
import { icsOf, vevent } from "./calendar.test-support.ts";
import { createIcsFolder } from "./ics-folder.ts";

const sound = icsOf(vevent("DTSTART:20260302T100000Z"));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ics-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const put = (name: string, text: string) => writeFile(join(folder, name), text);

describe("a folder of calendars", () => {
  it("reads .ics files in alphabetical order, and nothing else", async () => {
    await Promise.all([
      put("b.ics", sound),
      put("a.ICS", sound),
      put(".hidden.ics", sound),
      put("a.txt", "x"),
    ]);
    const calendars = await createIcsFolder(folder).read();
    expect(calendars.map((calendar) => calendar.file)).toEqual(["a.ICS", "b.ics"]);
  });

  it("reports what it cannot read and keeps the rest", { tags: ["coreutils"] }, async () => {
    await put("good.ics", sound);
    await put("large.ics", sound.padEnd(2_000, "\n"));
    await put("broken.ics", "BEGIN:VCALENDAR");
    await symlink(join(folder, "gone"), join(folder, "dangling.ics"));
    await mkdir(join(folder, "folder.ics"));
    execFileSync("mkfifo", [join(folder, "pipe.ics")]);
    const calendars = await createIcsFolder(folder, { maxFileBytes: 1_000 }).read();
    const problems = calendars.flatMap((calendar) => calendar.problems);
    expect(Object.fromEntries(problems.map(({ file, reason }) => [file, reason]))).toEqual({
      "broken.ics": expect.stringContaining("not a readable iCalendar file") as string,
      "dangling.ics": "cannot be read (ENOENT)",
      "folder.ics": "not a regular file",
      "large.ics": "2000 bytes, more than the limit of 1000",
      "pipe.ics": "not a regular file",
    });
    expect(calendars.flatMap((calendar) => calendar.events)).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain(folder);
  });

  it("stops at the file limit and says so", async () => {
    await Promise.all(["a", "b", "c"].map((name) => put(`${name}.ics`, sound)));
    const calendars = await createIcsFolder(folder, { maxFiles: 2 }).read();
    expect(calendars.flatMap((calendar) => calendar.events)).toHaveLength(2);
    expect(calendars.at(-1)?.problems).toEqual([
      { file: "*.ics", reason: "3 files; only the first 2 are read" },
    ]);
  });

  it("parses a file again only when it changed, and forgets a removed one", async () => {
    await put("a.ics", sound);
    const ics = createIcsFolder(folder);
    const [first] = await ics.read();
    expect((await ics.read())[0]).toBe(first);
    await put(
      "a.ics",
      icsOf(vevent("DTSTART:20260302T100000Z"), vevent("DTSTART:20260303T100000Z")),
    );
    expect((await ics.read())[0]?.events).toHaveLength(2);
    await rm(join(folder, "a.ics"));
    expect(await ics.read()).toEqual([]);
  });

  it("answers −2002 for a missing folder, unless it may be missing", async () => {
    const missing = join(folder, "missing");
    await expect(createIcsFolder(missing).read()).rejects.toMatchObject({
      code: codes.storageUnavailable,
      message: expect.not.stringContaining(folder) as string,
    });
    expect(await createIcsFolder(missing, { mayBeMissing: true }).read()).toEqual([]);
  });
});
