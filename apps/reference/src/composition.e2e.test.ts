import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MCPClient } from "@backplane/client";
import { verifyAuditFiles } from "@backplane/monitoring/node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { codes } from "./errors.ts";
import { KEYS, startApplication, type TestApplication } from "./harness.test-support.ts";

let app: TestApplication;
let folder: string;
const clients: MCPClient[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "composition-"));
  await writeFile(join(folder, "tools.json"), '{ "tools": [] }');
  app = await startApplication({
    SERVER_NAME: "one",
    AUDIT_FILE: join(folder, "audit.jsonl"),
    TOOLS_FILE: join(folder, "tools.json"),
  });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(async () => {
  await app.stop();
  await rm(folder, { recursive: true });
});

type ClientOptions = ConstructorParameters<typeof MCPClient>[0];

function connect(options: Partial<ClientOptions> = {}, key: string = KEYS.operator): MCPClient {
  const headers = { "X-API-Key": key };
  const client = new MCPClient({ url: app.url, headers, ...options } as ClientOptions);
  clients.push(client);
  return client;
}

async function read(path: string): Promise<string> {
  const response = await fetch(new URL(path, app.url), { headers: { "X-API-Key": KEYS.operator } });
  return response.text();
}

describe("plan_day", () => {
  const HOT = { location: "New York", date: "2015-09-03" };

  it("warns of heat and puts it into the calendar, once", async () => {
    const client = connect();
    const plan = await client.call("plan_day", HOT);
    expect(plan).toMatchObject({
      weather: { temperatureMax: 33.9, units: { temperature: "°C" } },
      alert: "Heat in New York: up to 33.9 °C",
      booking: { booked: true, start: "2015-09-03T12:00:00+00:00" },
      calendar: {
        date: "2015-09-03",
        events: expect.arrayContaining([
          expect.objectContaining({ title: "Heat in New York: up to 33.9 °C" }),
        ]),
      },
    });
    const again = await client.call("plan_day", HOT);
    expect(again).toMatchObject({
      booking: expect.stringMatching(/is taken by “Heat in New York/) as string,
    });
    const mild = await client.call("plan_day", { location: "Seattle" });
    expect(mild).not.toHaveProperty("alert");
    expect(mild).not.toHaveProperty("booking");
  });

  it("asks who can be asked, and does as it is told", async () => {
    const asked: string[] = [];
    const client = connect({
      handlers: {
        elicit: {
          form: ({ message }) => {
            asked.push(message);
            return { action: "accept", content: { confirm: false } };
          },
        },
      },
    });
    const plan = await client.call("plan_day", { location: "New York", date: "2015-09-08" });
    expect(asked).toEqual([
      "Put “Heat in New York: up to 32.8 °C” into the calendar of 2015-09-08, at 12:00?",
    ]);
    expect(plan).toMatchObject({ alert: "Heat in New York: up to 32.8 °C" });
    expect(plan).not.toHaveProperty("booking");
  });

  it("fails as its steps do", async () => {
    await expect(connect().call("plan_day", { location: "Atlantis" })).rejects.toMatchObject({
      code: codes.invalidInput,
      data: { field: "location" },
    });
  });
});

describe("errors", () => {
  it("carry the application's codes, and what nobody foresaw shows nothing", async () => {
    const client = connect({ maxRetries: 0 });
    const failure = (kind: string) => client.call("fail_on_purpose", { failure: kind });
    await expect(failure("invalid")).rejects.toMatchObject({
      code: -1001,
      data: { field: "failure" },
    });
    await expect(failure("unavailable")).rejects.toMatchObject({
      code: -2001,
      retryAfterMs: 2_000,
    });
    const masked = await failure("internal").catch((error: unknown) => error);
    expect(masked).toMatchObject({
      code: -3000,
      message: "Internal server error",
      data: { correlationId: expect.any(String) },
    });
    expect(JSON.stringify(masked)).not.toContain("db-7");
  });
});

describe("tools of a file", () => {
  it("come and go with it, and listeners are told", async () => {
    const client = connect();
    let told = (): void => {};
    const listening = await client.listen({ toolsListChanged: true }, { onChange: () => told() });
    const next = () =>
      new Promise<void>((resolve) => {
        told = resolve;
      });
    const write = async (tools: unknown) => {
      const change = next();
      await writeFile(join(folder, "tools.json"), JSON.stringify({ tools }));
      await change;
    };
    const convert = {
      name: "double",
      kind: "convert",
      description: "Doubles",
      from: "m",
      to: "half m",
      factor: 2,
    };
    await write([convert]);
    expect(await client.call("double", { value: 4 })).toEqual({ value: 8, unit: "half m" });
    await write([{ ...convert, factor: 3 }]);
    expect(await client.call("double", { value: 4 })).toEqual({ value: 12, unit: "half m" });
    await write([]);
    await expect(client.call("double", { value: 4 })).rejects.toThrow();
    await listening.close();
  });

  it("are refused at the start when they are wrong", async () => {
    const path = join(folder, "wrong.json");
    await writeFile(path, '{ "tools": [{ "name": "x", "kind": "convert" }] }');
    await expect(startApplication({ TOOLS_FILE: path })).rejects.toThrow(
      /^TOOLS_FILE: .*wrong\.json cannot be used: [\s\S]*description/,
    );
  });
});

describe("what the server does", () => {
  it("is counted, told apart by server, and served from the cache the second time", async () => {
    const client = connect();
    const day = { location: "Seattle", date: "2013-03-03" };
    expect(await client.call("get_weather", day)).toEqual(await client.call("get_weather", day));
    const text = await read("/metrics");
    expect(text).toMatch(/^mcp_server_operation_duration_seconds_count\{.*get_weather.*\} \d+$/m);
    expect(text).toContain('server="one"');
    expect(text).toMatch(/cache.*hit.* [1-9]/);
  });

  it("is healthy, part by part", async () => {
    const report = JSON.parse(await read("/health/details"));
    expect(report.status).toBe("healthy");
    expect(Object.keys(report.checks)).toEqual(
      expect.arrayContaining(["audit", "disk", "event_loop", "heap"]),
    );
  });

  it("is on record, in a chain that verifies", async () => {
    await connect({}, KEYS.user).call("get_calendar", { date: "2026-06-12" });
    const path = join(folder, "audit.jsonl");
    await expect
      .poll(() => readFile(path, "utf8"))
      .toMatch(/"user".*get_calendar|get_calendar.*"user"/);
    expect(await verifyAuditFiles([path])).toMatchObject({ valid: true });
  });
});
