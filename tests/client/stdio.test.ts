import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEraCache, MCPClient, type MCPClientOptions } from "@backplane/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { closing, eras, revisionOf } from "./harness/clients.ts";
import type { Message } from "./harness/scripted-server.ts";

const script = join(import.meta.dirname, "fixtures", "recording-server.mjs");

let folder: string;
let journal: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "recording-server-"));
  journal = join(folder, "journal");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = () => readFileSync(journal, "utf8").trimEnd().split("\n");
const messages = () => lines().map((line) => JSON.parse(line) as Message);
const methods = () => messages().map(({ method }) => method);

function recorded(probe: string, options: Partial<MCPClientOptions> = {}): MCPClient {
  return closing(
    new MCPClient({
      stdio: { command: process.execPath, args: [script, journal, probe], stderr: "ignore" },
      eraCache: createEraCache(),
      maxRetries: 0,
      ...options,
    }),
  );
}

describe.each(eras)("%s: what a local server reads", (era) => {
  const probe = "modern";
  const protocol = revisionOf[era];

  it("[C26-12a] is one message a line, whatever it holds", async () => {
    const client = recorded(probe, { protocol });
    const text = 'line\nend\r\n\u2028\u2029 and \u0000 "quotes"';
    await client.callTool("echo", { text });
    await client.close();
    for (const message of messages()) expect(message).toMatchObject({ jsonrpc: "2.0" });
    const call = messages().find(({ method }) => method === "tools/call");
    expect(call?.params).toMatchObject({ arguments: { text } });
  });

  it("[C26-12b] is notifications/cancelled for a request that is given up", async () => {
    const client = recorded(probe, { protocol });
    await client.connect();
    const call = client.callTool("silent", {}, { timeoutMs: 100 });
    await expect(call).rejects.toMatchObject({ code: "timeout" });
    await vi.waitFor(() => expect(methods()).toContain("notifications/cancelled"));
    const given = messages().find(({ method }) => method === "tools/call");
    const cancelled = messages().find(({ method }) => method === "notifications/cancelled");
    expect(cancelled?.params).toMatchObject({ requestId: given?.id });
  });
});

describe("the era of a local server", () => {
  it("[C26-13a] is asked for by server/discover", async () => {
    const client = recorded("modern");
    await client.connect();
    expect(client.era).toBe("modern");
    expect(methods()).toEqual(["server/discover"]);
  });

  it.each(["-32601", "-32600", "-32602", "-32000", "-32603", "7", "silent", "exit"])(
    "[C26-13b] is the older one after a probe that ends in %s",
    async (probe) => {
      // Half of the time that is left is what a silent server gets for the probe.
      const client = recorded(probe, { connectTimeoutMs: probe === "silent" ? 3_000 : 20_000 });
      await client.connect();
      expect(client.era).toBe("legacy");
      const handshake = ["server/discover", "initialize", "notifications/initialized"];
      await vi.waitFor(() => expect(methods()).toEqual(expect.arrayContaining(handshake)));
    },
  );
});

it("[C26-15a] notifications find their subscription by its id", async () => {
  const client = recorded("modern");
  const heard: [string, string][] = [];
  const listen = (name: string, uri: string) =>
    client.subscribe(uri, (changed) => heard.push([name, changed]));
  const listening = [await listen("first", "a:1"), await listen("second", "a:2")];
  await client.callTool("touch");
  await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(2));
  for (const [name, uri] of heard) expect(uri).toBe(name === "first" ? "a:1" : "a:2");
  await Promise.all(listening.map((each) => each.close()));
});
