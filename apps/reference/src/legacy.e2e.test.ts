import { existsSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ElicitRequestSchema, type ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codes } from "./errors.ts";
import { KEYS, startApplication, type TestApplication } from "./harness.test-support.ts";

const CREDENTIAL = { requestInit: { headers: { "X-API-Key": KEYS.operator } } };

let app: TestApplication;
const clients: Client[] = [];

beforeEach(async () => {
  app = await startApplication();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await app.stop();
});

/** An official client (SDK v1), which speaks 2025-11-25; it can be asked when `answer` is given. */
async function connect(
  answer?: (message: string) => ElicitResult | Promise<ElicitResult>,
  transport: Transport = new StreamableHTTPClientTransport(
    new URL(app.url),
    CREDENTIAL,
  ) as Transport,
): Promise<Client> {
  const capabilities = answer === undefined ? {} : { elicitation: {} };
  const client = new Client({ name: "test", version: "1.0.0" }, { capabilities });
  if (answer !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(params.message));
  }
  await client.connect(transport);
  clients.push(client);
  return client;
}

describe("a client of 2025-11-25", () => {
  it("finds everything", async () => {
    const client = await connect();
    expect(client.getServerVersion()).toMatchObject({ name: "backplane-reference" });
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(
      expect.arrayContaining(["book_event", "climate_summary", "get_calendar", "get_weather"]),
    );
    expect((await client.listPrompts()).prompts).toMatchObject([{ name: "plan_day" }]);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([
      { uriTemplate: "calendar:///{+path}" },
      { uriTemplate: "weather://{location}/{date}" },
    ]);
  });

  it("gets the weather, checked by the client against the output schema", async () => {
    const client = await connect();
    await client.listTools();
    const result = await client.callTool({
      name: "get_weather",
      arguments: { location: "Seattle" },
    });
    expect(result.structuredContent).toMatchObject({ observedOn: "2015-12-31" });
    const calendar = await client.callTool({
      name: "get_calendar",
      arguments: { date: "2026-06-12", timeZone: "Europe/Berlin", country: "DE" },
    });
    expect(calendar.structuredContent).toMatchObject({ weekday: "Friday", problems: [] });
    const daylight = await client.callTool({
      name: "daylight_day_length",
      arguments: { latitude: 0, date: "2015-06-21" },
    });
    expect(daylight.structuredContent).toMatchObject({ hours: 12.1 });
  });

  it("is asked twice and books", async () => {
    const asked: string[] = [];
    const client = await connect((message) => {
      asked.push(message);
      expect(existsSync(app.bookingsDir)).toBe(false);
      return message === "What should be booked?"
        ? { action: "accept", content: { startTime: "09:30", durationMinutes: 45 } }
        : { action: "accept", content: { confirm: true } };
    });
    const result = await client.callTool({
      name: "book_event",
      arguments: { title: "Dentist", date: "2026-09-02" },
    });
    expect(result.structuredContent).toMatchObject({ booked: true, title: "Dentist" });
    expect(asked).toEqual([
      "What should be booked?",
      "Book “Dentist” from 2026-09-02T09:30:00+00:00 to 2026-09-02T10:15:00+00:00 (UTC)?",
    ]);
    expect(existsSync(app.bookingsDir)).toBe(true);
  });

  it("books nothing when the user does not want to", async () => {
    const client = await connect(() => ({ action: "cancel" }));
    const result = await client.callTool({ name: "book_event", arguments: {} });
    expect(result.structuredContent).toEqual({
      booked: false,
      reason: "The user did not give the details.",
    });
    expect(existsSync(app.bookingsDir)).toBe(false);
  });

  it("books without questions when it cannot be asked", async () => {
    const client = await connect();
    const args = { title: "Walk", date: "2026-09-05", startTime: "10:00", durationMinutes: 30 };
    const result = await client.callTool({ name: "book_event", arguments: args });
    expect(result.structuredContent).toMatchObject({ booked: true });
    const taken = await client.callTool({ name: "book_event", arguments: args });
    expect(taken).toMatchObject({
      isError: true,
      _meta: { "dev.backplane/error": { code: codes.conflict } },
    });
  });

  it("sees progress, and its cancellation ends the walk", async () => {
    const client = await connect();
    const progress: unknown[] = [];
    const result = await client.callTool(
      { name: "climate_summary", arguments: { location: "Seattle", pauseMsPerYear: 1 } },
      undefined,
      { onprogress: ({ progress: done, total }) => progress.push([done, total]) },
    );
    expect(result.structuredContent).toMatchObject({ location: "Seattle" });
    expect(progress).toEqual([1, 2, 3, 4].map((step) => [step, 4]));

    const controller = new AbortController();
    const cancelled = client.callTool(
      { name: "climate_summary", arguments: { location: "Seattle", pauseMsPerYear: 10_000 } },
      undefined,
      { signal: controller.signal, onprogress: () => controller.abort() },
    );
    await expect(cancelled).rejects.toThrow();
    // The client does not wait for its notification to leave, and closing would keep it back.
    await client.ping();
    // Stopping this server waits ten minutes for running work, so a walk that went on would hang.
  });

  it("completes and reads the template, and gets the prompt", async () => {
    const client = await connect();
    const { completion } = await client.complete({
      ref: { type: "ref/resource", uri: "weather://{location}/{date}" },
      argument: { name: "date", value: "2015-12-3" },
      context: { arguments: { location: "Seattle" } },
    });
    expect(completion.values).toEqual(["2015-12-31", "2015-12-30"]);
    const { contents } = await client.readResource({ uri: "weather://Seattle/2015-12-31" });
    expect(contents).toMatchObject([{ mimeType: "application/json" }]);
    const missing = client.readResource({ uri: "weather://Seattle/2016-12-31" });
    await expect(missing).rejects.toMatchObject({ code: -32002 });
    const prompt = await client.getPrompt({
      name: "plan_day",
      arguments: { location: "Seattle", date: "2015-12-31" },
    });
    expect(prompt.messages[0]?.content).toMatchObject({
      text: expect.stringContaining("Plan my Thursday, 2015-12-31, in Seattle.") as string,
    });
  });
});

describe("a client of 2024-11-05", () => {
  it("is served at the same path over HTTP+SSE", async () => {
    const client = await connect(undefined, new SSEClientTransport(new URL(app.url), CREDENTIAL));
    const result = await client.callTool({
      name: "get_weather",
      arguments: { location: "new york", date: "2012-10-29" },
    });
    expect(result.structuredContent).toMatchObject({ windSpeed: 16.2 });
  });
});
