import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { banner } from "./banner.ts";
import { codes } from "./errors.ts";
import {
  KEYS,
  type Message,
  modern,
  modernMessages,
  startApplication,
  type TestApplication,
} from "./harness.test-support.ts";

const ERROR_META = "dev.backplane/error";
const FORMS = { elicitation: { form: {} } };

let app: TestApplication;

beforeAll(async () => {
  app = await startApplication();
});

afterAll(async () => {
  await app.stop();
});

function call(
  name: string,
  args: Readonly<Record<string, unknown>>,
  extra: { capabilities?: object; inputResponses?: object; requestState?: unknown } = {},
): Promise<Message> {
  const { capabilities = {}, ...retry } = extra;
  return modern(app.url, {
    method: "tools/call",
    params: { name, arguments: args, ...retry },
    capabilities: capabilities as Record<string, unknown>,
  });
}

describe("the printed curl line", () => {
  it("works as pasted", { tags: ["curl"] }, async () => {
    const text = banner(app.url, { ...app, developmentKey: KEYS.operator }, app.config);
    const line = text.split("\n").find((each) => each.startsWith("curl ")) as string;
    const { stdout } = await promisify(execFile)("sh", ["-c", line]);
    expect(JSON.parse(stdout)).toMatchObject({
      id: 1,
      result: {
        resultType: "complete",
        structuredContent: { location: "Seattle", observedOn: "2015-12-31", condition: "sun" },
      },
    });
  });

  it("names an allowed host, and an address that can be reached", () => {
    const config = { ...app.config, allowedHosts: ["mcp.example"] };
    const text = banner("http://0.0.0.0:8080/mcp", app, config);
    expect(text).toContain(
      "curl -sS 'http://127.0.0.1:8080/mcp' -H \"X-API-Key: $BACKPLANE_KEY\" -H 'Host: mcp.example'",
    );
  });

  it("stands below what is served", async () => {
    const text = banner(app.url, app, app.config);
    const { result } = await modern(app.url, { method: "tools/list" });
    for (const { name } of result.tools) expect(text).toContain(name);
    const discovered = await modern(app.url, { method: "server/discover" });
    for (const revision of discovered.result.supportedVersions) expect(text).toContain(revision);
  });
});

describe("get_weather", () => {
  it("answers with units and source, as structure and as text", async () => {
    const { result } = await call("get_weather", { location: "new york", date: "2012-10-29" });
    expect(result.structuredContent).toEqual({
      location: "New York",
      observedOn: "2012-10-29",
      kind: "observed",
      condition: "rain",
      temperatureMax: 18.9,
      temperatureMin: 11.1,
      precipitation: 13,
      windSpeed: 16.2,
      windSpeedStatistic: "mean",
      units: { temperature: "°C", precipitation: "mm", windSpeed: "m/s" },
      source: expect.stringContaining("NOAA") as string,
    });
    expect(JSON.parse(result.content[0].text)).toEqual(result.structuredContent);
  });

  it("tells an unknown place as an error of the tool, with −1001 and the known ones", async () => {
    const { result } = await call("get_weather", { location: "Atlantis" });
    expect(result.isError).toBe(true);
    expect(result.content[0].text).toContain("Known locations: New York, Seattle.");
    expect(result._meta[ERROR_META]).toMatchObject({
      code: codes.invalidInput,
      data: { field: "location", known: ["New York", "Seattle"] },
    });
  });

  it("answers −2001 with retryAfterMs when the live service is away", async () => {
    const live = await startApplication({
      WEATHER_SOURCE: "live",
      WEATHER_API_URL: "http://127.0.0.1:1",
      GEOCODING_API_URL: "http://127.0.0.1:1",
    });
    const { result } = await modern(live.url, {
      method: "tools/call",
      params: { name: "get_weather", arguments: { location: "Berlin" } },
    });
    expect(result._meta[ERROR_META]).toMatchObject({
      code: codes.upstreamUnavailable,
      retryAfterMs: 60_000,
    });
    await live.stop();
  });
});

describe("get_calendar", () => {
  it("answers events and holidays in the zone asked for", async () => {
    const args = { date: "2026-12-25", timeZone: "America/New_York", country: "US" };
    const { result } = await call("get_calendar", args);
    expect(result.structuredContent).toMatchObject({
      weekday: "Friday",
      timeZone: "America/New_York",
      events: [{ title: "Monthly incident review", start: "2026-12-25T10:00:00-05:00" }],
      holidays: [{ name: "Christmas Day" }],
      problems: [],
    });
  });

  it("names a missing argument", async () => {
    const { result } = await call("get_calendar", {});
    expect(result.isError).toBe(true);
    expect(result.content[0].text).toContain("date");
  });
});

describe("book_event", () => {
  it("asks for what is missing, confirms, and writes only then", async () => {
    const args = { title: "Dentist", date: "2026-09-02" };
    const first = await call("book_event", args, { capabilities: FORMS });
    expect(first.result.resultType).toBe("input_required");
    const details = first.result.inputRequests.details.params.requestedSchema;
    expect(details.required).toEqual(["startTime", "durationMinutes"]);
    expect(Object.keys(details.properties)).toEqual(["startTime", "durationMinutes"]);

    const second = await call("book_event", args, {
      capabilities: FORMS,
      inputResponses: {
        details: { action: "accept", content: { startTime: "09:30", durationMinutes: 45 } },
      },
      requestState: first.result.requestState,
    });
    expect(second.result.inputRequests.confirm.params.message).toBe(
      "Book “Dentist” from 2026-09-02T09:30:00+00:00 to 2026-09-02T10:15:00+00:00 (UTC)?",
    );
    expect(existsSync(app.bookingsDir)).toBe(false);

    const third = await call("book_event", args, {
      capabilities: FORMS,
      inputResponses: { confirm: { action: "accept", content: { confirm: true } } },
      requestState: second.result.requestState,
    });
    expect(third.result.structuredContent).toMatchObject({ booked: true, title: "Dentist" });
    const { result } = await call("get_calendar", { date: "2026-09-02" });
    expect(result.structuredContent.events).toContainEqual(
      expect.objectContaining({ title: "Dentist", calendar: "Bookings" }),
    );
  });

  it.each([
    ["declines", { action: "decline" }],
    ["says no", { action: "accept", content: { confirm: false } }],
  ])("books nothing when the user %s", async (_name, answer) => {
    const args = { title: "Gym", date: "2026-09-03", startTime: "18:00", durationMinutes: 60 };
    const asked = await call("book_event", args, { capabilities: FORMS });
    const { result } = await call("book_event", args, {
      capabilities: FORMS,
      inputResponses: { confirm: answer },
      requestState: asked.result.requestState,
    });
    expect(result.structuredContent).toEqual({
      booked: false,
      reason: "The user did not confirm.",
    });
  });

  it("asks again, and says so, when the time was taken between question and answer", async () => {
    const args = { title: "Choir", date: "2026-09-04", startTime: "19:00", durationMinutes: 60 };
    const asked = await call("book_event", args, { capabilities: FORMS });
    await app.services.bookings.bookEvent({ ...args, title: "Dinner" });
    const again = await call("book_event", args, {
      capabilities: FORMS,
      inputResponses: { confirm: { action: "accept", content: { confirm: true } } },
      requestState: asked.result.requestState,
    });
    expect(Object.keys(again.result.inputRequests)).toEqual(["overlap"]);
    expect(again.result.inputRequests.overlap.params.message).toMatch(
      /^The time overlaps with “Dinner” /,
    );
    const { result } = await call("book_event", args, {
      capabilities: FORMS,
      inputResponses: { overlap: { action: "accept", content: { confirm: true } } },
      requestState: again.result.requestState,
    });
    expect(result.structuredContent).toMatchObject({ booked: true, title: "Choir" });
  });

  it("serves a client that cannot ask: books what is complete, names what is missing", async () => {
    const args = { title: "Walk", date: "2026-09-05", startTime: "10:00", durationMinutes: 30 };
    const booked = await call("book_event", args);
    expect(booked.result.structuredContent).toMatchObject({ booked: true });
    const taken = await call("book_event", args);
    expect(taken.result._meta[ERROR_META]).toMatchObject({
      code: codes.conflict,
      data: { conflicts: [{ title: "Walk" }] },
    });
    const missing = await call("book_event", { title: "Walk" });
    expect(missing.result._meta[ERROR_META]).toMatchObject({ code: codes.invalidInput });
    expect(missing.result.content[0].text).toContain("Missing: date, startTime, durationMinutes");
  });

  it("tells a bad date as an error of the tool", async () => {
    const args = { title: "Walk", date: "2026-02-30", startTime: "10:00", durationMinutes: 30 };
    const { result } = await call("book_event", args, { capabilities: FORMS });
    expect(result._meta[ERROR_META]).toMatchObject({
      code: codes.invalidInput,
      data: { field: "date" },
    });
  });
});

describe("climate_summary", () => {
  it("reports progress per year on the call's own stream", async () => {
    const messages: Message[] = [];
    for await (const message of modernMessages(app.url, {
      method: "tools/call",
      params: { name: "climate_summary", arguments: { location: "seattle", pauseMsPerYear: 1 } },
      progressToken: "p1",
    })) {
      messages.push(message);
    }
    const response = messages.pop();
    expect(
      response?.result.structuredContent.years.map((each: { year: number }) => each.year),
    ).toEqual([2012, 2013, 2014, 2015]);
    expect(
      messages.map(({ method, params }) => [
        method,
        params.progressToken,
        params.progress,
        params.total,
      ]),
    ).toEqual([1, 2, 3, 4].map((step) => ["notifications/progress", "p1", step, 4]));
    expect(messages[3]?.params.message).toMatch(/^Seattle 2015 \(365 days\): /);
  });

  it("answers at once, and without a stream, for a client that wants no progress", async () => {
    const { result } = await call("climate_summary", { location: "New York" });
    expect(result.structuredContent).toMatchObject({ location: "New York" });
    expect(result.structuredContent.years).toHaveLength(4);
  });

  // The drain of this server waits ten minutes for running work, so a walk that went on would hang here.
  it("stops when the client is gone", async () => {
    const own = await startApplication();
    const controller = new AbortController();
    const messages = modernMessages(own.url, {
      method: "tools/call",
      params: {
        name: "climate_summary",
        arguments: { location: "Seattle", pauseMsPerYear: 10_000 },
      },
      progressToken: "p1",
      signal: controller.signal,
    });
    expect((await messages.next()).value).toMatchObject({ params: { progress: 1 } });
    controller.abort();
    await expect(messages.next()).rejects.toThrow();
    await own.stop();
  });
});

describe("the hosted server of the official SDK", () => {
  it("answers in a revision that it has never heard of", async () => {
    const args = { latitude: 47.6, date: "2015-12-31" };
    const { result } = await call("daylight_day_length", args);
    expect(result.resultType).toBe("complete");
    expect(result.structuredContent).toEqual({ ...args, hours: 8.5 });
  });

  it("refuses bad arguments by its own schema", async () => {
    const { result } = await call("daylight_day_length", { latitude: 100, date: "2015-12-31" });
    expect(result.isError).toBe(true);
    expect(result.content[0].text).toContain("latitude");
  });
});

describe("resources and prompts", () => {
  it("offer templates, whose variables complete from what is chosen", async () => {
    const { result } = await modern(app.url, { method: "resources/templates/list" });
    expect(result.resourceTemplates).toMatchObject([
      { uriTemplate: "calendar:///{+path}" },
      { uriTemplate: "weather://{location}/{date}" },
    ]);
    const ref = { type: "ref/resource", uri: "weather://{location}/{date}" };
    const complete = (argument: object, context?: object) =>
      modern(app.url, { method: "completion/complete", params: { ref, argument, ...context } });
    const places = await complete({ name: "location", value: "n" });
    expect(places.result.completion.values).toEqual(["New York"]);
    const dates = await complete(
      { name: "date", value: "2012-02-2" },
      { context: { arguments: { location: "Seattle" } } },
    );
    expect(dates.result.completion.values[0]).toBe("2012-02-29");
    expect(dates.result.completion.values).toHaveLength(10);
    const all = await complete({ name: "date", value: "" });
    expect(all.result.completion).toMatchObject({ total: 1461, hasMore: true });
  });

  it("read a day as JSON, and know which day is none", async () => {
    const uri = "weather://New%20York/2012-10-29";
    const { result } = await modern(app.url, { method: "resources/read", params: { uri } });
    expect(result.contents).toMatchObject([{ uri, mimeType: "application/json" }]);
    expect(JSON.parse(result.contents[0].text)).toMatchObject({ location: "New York" });
    for (const missing of ["weather://Atlantis/2012-10-29", "weather://Seattle/2016-01-01"]) {
      const { error } = await modern(app.url, {
        method: "resources/read",
        params: { uri: missing },
      });
      expect(error).toMatchObject({ code: -32602 });
    }
  });

  it("serve the calendar folder as it is, and nothing beside it", async () => {
    const { result } = await modern(app.url, { method: "resources/list" });
    expect(result.resources).toMatchObject(
      ["on-call", "personal", "team"].map((name) => ({
        uri: `calendar:///${name}.ics`,
        mimeType: "text/calendar",
      })),
    );
    const read = (uri: string) => modern(app.url, { method: "resources/read", params: { uri } });
    const { contents } = (await read("calendar:///team.ics")).result;
    expect(contents[0]).toMatchObject({
      mimeType: "text/calendar",
      text: expect.stringContaining("BEGIN:VCALENDAR") as string,
    });
    const outside = await read("calendar:///../weather.csv");
    expect(outside.error).toMatchObject({ code: -32602 });
  });

  it("put the day's facts into the prompt", async () => {
    const { result } = await modern(app.url, {
      method: "prompts/get",
      params: {
        name: "plan_day",
        arguments: { location: "new york", timeZone: "America/New_York" },
      },
    });
    const { text } = result.messages[0].content;
    expect(text).toContain("Plan my Thursday, 2015-12-31, in New York.");
    expect(text).toContain("Weather: New York, 2015-12-31 (observed): rain");
    expect(text).toContain("- 20:00–2016-01-01 01:30 New Year's Eve party, New York [Personal]");
    const completion = await modern(app.url, {
      method: "completion/complete",
      params: {
        ref: { type: "ref/prompt", name: "plan_day" },
        argument: { name: "location", value: "S" },
      },
    });
    expect(completion.result.completion.values).toEqual(["Seattle"]);
  });
});
