import { spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { MCPMetrics } from "@backplane/monitoring";
import { prometheus, prometheusText } from "@backplane/monitoring/prometheus";
import { MCPServer } from "@backplane/server";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { guarded, KEYS, observedServer, observingClient } from "./harness/observed-server.ts";

const HOSTILE = [
  'quoted "name"',
  "line\nbreak",
  "back\\slash",
  '"} 1\nfake_metric 2',
  "\u001b[31mred\u0000",
  "<script>alert(1)</script>",
  "emoji 🦊",
  "\uD800 half a pair",
  "x".repeat(100_000),
  // The same first characters: their labels must not meet.
  `${"x".repeat(100_000)}y`,
];

/** What the tool of Prometheus itself says of the text. */
async function promtool(text: string): Promise<{ code: number; said: string }> {
  const child = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
  child.stdin.end(text);
  const [code] = (await once(child, "close")) as [number];
  return { code, said };
}

async function measured(options: Parameters<typeof observedServer>[0] = {}) {
  const { server, url } = await observedServer(options);
  const metrics = new MCPMetrics({ server });
  onTestFinished(() => metrics.close());
  return { server, url, metrics, at: new URL("/metrics", url) };
}

describe("promtool accepts", { tags: ["promtool"] }, () => {
  // It has to be seen refusing.
  beforeAll(async () => {
    expect((await promtool("a_total{x=} 1\n")).code).not.toBe(0);
  });

  it("an empty server", async () => {
    const { metrics } = await measured();
    expect(await promtool(prometheusText(metrics))).toEqual({ code: 0, said: "" });
  });

  it("names of every kind, from a server and a client in both eras", async () => {
    const { server, url } = await observedServer();
    for (const name of HOSTILE) server.prompt(name, {}, () => "Hello");
    const client = observingClient({ url });
    const legacy = observingClient({ url, protocol: "2025-11-25" });
    const metrics = new MCPMetrics({ server, clients: [client, legacy] });
    onTestFinished(() => metrics.close());
    for (const each of [client, legacy]) {
      for (const name of HOSTILE) await each.getPrompt(name).catch(() => {});
      await each.callTool("refuses");
      await each.callTool("<b>invented</b>").catch(() => {});
    }
    await legacy.close();
    const text = prometheusText(metrics);
    expect(await promtool(text)).toEqual({ code: 0, said: "" });
    const [ofServer] = text.split("mcp_client");
    expect(ofServer).not.toContain("invented");
    expect(text).toContain('gen_ai_prompt_name="line\\nbreak"');
    expect(text).not.toMatch(/^fake_metric/m);
    expect(text).toContain('error_type="tool_error"');
  });

  it("routes of every kind of path, and what refused them", async () => {
    const { server, url } = await observedServer(guarded());
    const metrics = new MCPMetrics({ server });
    onTestFinished(() => metrics.close());
    server.addRoute(prometheus(metrics));
    const handle = () => ({ body: "{}" });
    for (const path of ['/quo"ted', "/back\\slash", "/folder/*"]) {
      server.addRoute({ method: "GET", path, access: "public", handle });
      // As it is: a URL would be written otherwise.
      const { port } = new URL(url);
      const [answer] = await once(get({ port, path: path.replace("*", "a/b") }), "response");
      answer.resume();
    }
    for (const key of [KEYS.ada, "wrong"]) {
      await fetch(new URL("/metrics", url), { headers: { "X-API-Key": key } });
    }
    const text = prometheusText(metrics);
    expect(await promtool(text)).toEqual({ code: 0, said: "" });
    expect(text).toContain('http_route="/quo\\"ted"');
    expect(text).toContain('http_route="/folder/*"');
    expect(text).toMatch(/routes_refused_total\{http_route="\/metrics",.*"authentication"\} 1$/m);
  });

  it("two servers in one text, each family once", async () => {
    const first = await measured();
    const second = await measured();
    await observingClient({ url: first.url }).callTool("echo", { text: "hi" });
    await observingClient({ url: second.url }).callTool("echo", { text: "hi" });
    const text = prometheusText({ first: first.metrics, second: second.metrics });
    expect(await promtool(text)).toEqual({ code: 0, said: "" });
    for (const name of ["first", "second"]) {
      expect(text).toMatch(
        new RegExp(`duration_seconds_count\\{server="${name}".*gen_ai_tool_name="echo".*\\} 1`),
      );
    }
  });

  it("what was called since the last reading", async () => {
    const { url, metrics } = await measured();
    const client = observingClient({ url });
    for (const calls of [1, 2, 3]) {
      await client.callTool("echo", { text: "hi" });
      const count = /duration_seconds_count\{.*gen_ai_tool_name="echo".*\} (\d+)$/m;
      // Read twice: what is idle reads the same again.
      for (let reading = 0; reading < 2; reading++) {
        expect(count.exec(prometheusText(metrics))?.[1]).toBe(String(calls));
      }
    }
  });

  it("counts without durations", async () => {
    const { server, url } = await observedServer();
    const metrics = new MCPMetrics({ server, collectRequestDuration: false });
    onTestFinished(() => metrics.close());
    await observingClient({ url }).callTool("echo", { text: "hi" });
    await fetch(new URL("/health", url));
    const text = prometheusText(metrics);
    expect(await promtool(text)).toEqual({ code: 0, said: "" });
    expect(text).toMatch(/^mcp_server_operations_total\{.*gen_ai_tool_name="echo".*\} 1$/m);
  });
});

describe("/metrics", () => {
  it("is for who has a credential", async () => {
    const { server, metrics, at } = await measured(guarded());
    server.addRoute(prometheus(metrics));
    expect((await fetch(at)).status).toBe(401);
    const answer = await fetch(at, { headers: { "X-API-Key": KEYS.ada } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await answer.text()).toContain("mcp_server_operation_duration_seconds");
  });

  it("without an authenticator it has to be opened by name", async () => {
    const { server, metrics } = await measured();
    expect(() => server.addRoute(prometheus(metrics))).toThrow('no option "auth"');
  });

  it("open, it is for this machine alone, and for nobody behind a proxy", async () => {
    const { server, metrics, at } = await measured(guarded());
    server.addRoute(prometheus(metrics, { open: true }));
    expect((await fetch(at)).status).toBe(200);
    const forwarded = await fetch(at, { headers: { "X-Forwarded-For": "203.0.113.9" } });
    expect(forwarded.status).toBe(403);
  });

  it("open, it keeps a server from binding beyond loopback", async () => {
    const outside = new MCPServer({ name: "o", version: "1", allowedHosts: ["mcp.example"] });
    const metrics = new MCPMetrics({ server: outside });
    onTestFinished(() => metrics.close());
    outside.addRoute(prometheus(metrics, { open: true }));
    await expect(outside.start({ host: "0.0.0.0", port: 0 })).rejects.toThrow(/open/);
  });

  it("refuses what is no metrics, and options that it does not have", async () => {
    const { metrics } = await measured();
    expect(() => prometheus({} as never)).toThrow("give it an MCPMetrics");
    expect(() => prometheus({ a: {} } as never)).toThrow("give it an MCPMetrics");
    expect(() => prometheus(metrics, { opened: true } as never)).toThrow('unknown option "opened"');
  });
});
