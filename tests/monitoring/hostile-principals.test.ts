import { AuditLog, createLogs, logEvents, MCPMetrics, verifyAudit } from "@backplane/monitoring";
import { Dashboard } from "@backplane/monitoring/dashboard";
import { prometheusText } from "@backplane/monitoring/prometheus";
import { expect, it, onTestFinished } from "vitest";
import { observedServer, observingClient } from "./harness/observed-server.ts";

/** Nothing of it may stand in a line that a terminal shows. */
const ACTS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

const NAMES = [
  "\u001b]0;owned\u0007\u001b[31mred",
  'line\nbreak\r\n{"kind":"call"}',
  "<img src=x onerror=alert(1)>",
  '"quoted" \\ back',
  "\u202etxet denrut \u2028",
  "emoji 🦊 and half a pair \uD800",
  "x".repeat(3_000_000),
];

it("whatever an issuer calls its people, each line stays a line, and nothing acts", async () => {
  let name = "";
  const { server, url } = await observedServer({
    auth: {
      authenticate: () => ({
        principal: { id: name, issuer: name, clientId: name, scopes: [], roles: [] },
      }),
    },
  });
  server.addRoute({
    method: "GET",
    path: "/mine",
    access: "authenticated",
    handle: () => ({ body: "{}" }),
  });
  const text: string[] = [];
  const audit = new AuditLog({ server, sink: (lines) => void text.push(lines) });
  const metrics = new MCPMetrics({ server });
  onTestFinished(() => metrics.close());
  new Dashboard({ server, metrics, audit });
  const logged: string[] = [];
  const say = (fields: object): void => void logged.push(JSON.stringify(fields));
  const destination = { debug: say, info: say, warn: say, error: say };
  const logs = createLogs({ level: "debug", logger: destination });
  onTestFinished(logEvents({ server, logger: logs.channel("requests") }));

  for (const each of NAMES) {
    name = each;
    // Each is somebody else: a connection of its own.
    await observingClient({ url }).callTool("echo", { text: "hi" });
    expect((await fetch(new URL("/mine", url))).status).toBe(200);
  }
  await audit.flush();

  const lines = text.join("").split("\n").slice(0, -1);
  const records = lines.map((line) => JSON.parse(line) as { kind: string; method?: string });
  for (const line of lines) {
    expect(line).not.toMatch(ACTS);
    expect(line.length).toBeLessThan(10_000);
  }
  expect(records.filter(({ method }) => method === "tools/call")).toHaveLength(NAMES.length);
  expect(records.filter(({ kind }) => kind === "route")).toHaveLength(NAMES.length);
  const chunks = [Buffer.from(text.join(""))];
  expect(await verifyAudit([{ name: "audit", chunks }])).toMatchObject({ valid: true });

  expect(logged.length).toBeGreaterThanOrEqual(2 * NAMES.length);
  for (const line of logged) expect(line.length).toBeLessThan(20_000);
  expect(prometheusText(metrics)).not.toContain("owned");

  const events = await fetch(new URL("/dashboard/events", url));
  const reader = (events.body as ReadableStream<Uint8Array>).getReader();
  let shown = "";
  while (!shown.includes("\n\n")) shown += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  // One event, of whole lines of it; what acts on a reader is spelt out by the page.
  const [data = "", ...others] = shown.split("\n").filter((line) => !/^(?:event: |:|$)/.test(line));
  expect(others).toEqual([]);
  expect(data.length).toBeLessThan(200_000);
  expect(JSON.stringify(JSON.parse(data.replace("data: ", "")))).toContain("alert(1)");
});
