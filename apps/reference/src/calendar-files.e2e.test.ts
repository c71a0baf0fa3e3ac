import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataFile } from "./config.ts";
import { modernMessages, startApplication, type TestApplication } from "./harness.test-support.ts";

let app: TestApplication;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "calendars-"));
  await cp(dataFile("calendars"), folder, { recursive: true });
  app = await startApplication({ CALENDAR_DIR: folder });
});

afterAll(async () => {
  await app.stop();
  await rm(folder, { recursive: true });
});

describe("the calendar folder", () => {
  it("tells who subscribed that a calendar has changed on disk", async () => {
    const uri = "calendar:///team.ics";
    const given = new AbortController();
    const messages = modernMessages(app.url, {
      method: "subscriptions/listen",
      params: { notifications: { resourceSubscriptions: [uri] } },
      signal: given.signal,
    });
    expect((await messages.next()).value).toMatchObject({
      params: { notifications: { resourceSubscriptions: [uri] } },
    });
    await writeFile(join(folder, "team.ics"), "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n");
    expect((await messages.next()).value).toMatchObject({
      method: "notifications/resources/updated",
      params: { uri },
    });
    given.abort();
    await messages.next().catch(() => {});
  });
});
