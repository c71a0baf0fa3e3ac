import { Agent } from "node:http";
import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { callTool, modern, send } from "./harness/http.ts";
import {
  metaCapabilities,
  metaClientInfo,
  metaServerInfo,
  metaVersion,
  modernHeaders,
  modernRequest,
  modernRevision,
} from "./harness/messages.ts";
import { useServer } from "./harness/servers.ts";

const everything = useEverything();
const own = useServer((server) => {
  server.tool("test_simple_text", {}, () => "text");
});

describe.each([
  ["apps/everything", everything],
  ["a server of this process", own],
])("version and _meta over HTTP: %s", (_name, target) => {
  it("[S26-10] discovers versions, capabilities and identity", async () => {
    const { status, message } = await modern(target.url, "server/discover");
    expect(status).toBe(200);
    expect(message?.result?.["supportedVersions"]).toContain(modernRevision);
    expect(message?.result?.capabilities).toHaveProperty("tools");
    expect(message?.result?._meta?.[metaServerInfo]).toMatchObject({
      name: expect.any(String),
      version: expect.any(String),
    });
  });

  it("[S26-10] names only versions that serve such a request", async () => {
    const { message } = await modern(target.url, "server/discover");
    const versions = message?.result?.["supportedVersions"] as string[];
    for (const version of versions) {
      const { status } = await modern(
        target.url,
        "tools/list",
        {},
        { meta: { [metaVersion]: version } },
      );
      expect(status).toBe(200);
    }
  });

  it("serves a request without clientInfo, which is only advised", async () => {
    const { status } = await modern(
      target.url,
      "tools/list",
      {},
      { meta: { [metaClientInfo]: undefined } },
    );
    expect(status).toBe(200);
  });

  it.each([
    ["the version", { [metaVersion]: undefined }],
    ["the capabilities", { [metaCapabilities]: undefined }],
  ])("[S26-04] refuses a request without %s", async (_case, meta) => {
    const { status, message } = await modern(target.url, "tools/list", {}, { meta });
    expect(status).toBe(400);
    expect(message?.error?.code).toBe(-32602);
    expect(message?.id).toBe(1);
  });

  it.each([
    ["no _meta", {}],
    ["an empty _meta", { _meta: {} }],
    ["no params", undefined],
  ])("[S26-04] refuses a request with a modern header and %s", async (_case, params) => {
    const { status, message } = await send(target.url, {
      headers: modernHeaders(modernRequest("tools/list")),
      body: { jsonrpc: "2.0", id: 1, method: "tools/list", ...(params && { params }) },
    });
    expect(status).toBe(400);
    expect(message?.error?.code).toBe(-32602);
  });

  it.each([
    ["a version that is no string", { [metaVersion]: 20260728 }],
    ["capabilities that are no object", { [metaCapabilities]: "all" }],
    ["capabilities that are an array", { [metaCapabilities]: [] }],
    ["capabilities that are null", { [metaCapabilities]: null }],
  ])("[S26-04] refuses %s", async (_case, meta) => {
    const { status, message } = await modern(target.url, "tools/list", {}, { meta });
    expect(status).toBe(400);
    expect([-32602, -32020]).toContain(message?.error?.code);
    expect(message?.error?.code).not.toBe(-32603);
  });

  it.each(["v999.0.0", "2099-01-01", "", "2025-11-25"])(
    "[S26-09, S26-20b] refuses the version %j and says which it has",
    async (version) => {
      const { status, message } = await modern(
        target.url,
        "tools/list",
        {},
        { meta: { [metaVersion]: version } },
      );
      expect(status).toBe(400);
      expect(message?.error?.code).toBe(-32022);
      expect(message?.error?.data?.["requested"]).toBe(version);
      const discovered = await modern(target.url, "server/discover");
      const known = discovered.message?.result?.["supportedVersions"] as string[];
      const supported = message?.error?.data?.["supported"] as string[];
      expect(supported.length).toBeGreaterThan(0);
      expect(known).toEqual(expect.arrayContaining(supported));
    },
  );

  it.each(["2025-11-25", "2099-01-01"])(
    "[S26-20a] refuses the version header %j against the version in _meta",
    async (version) => {
      const headers = { "mcp-protocol-version": version };
      const { status, message } = await modern(target.url, "tools/list", {}, { headers });
      expect(status).toBe(400);
      expect(message?.error?.code).toBe(-32020);
    },
  );

  it("[S26-21, S26-22d] refuses a request of this revision without the version header", async () => {
    const headers = { "mcp-protocol-version": undefined };
    const { status, message } = await modern(target.url, "tools/list", {}, { headers });
    expect(status).toBe(400);
    expect(message?.error?.code).toBe(-32020);
  });

  it.each([
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "roots/list",
    "sampling/createMessage",
    "elicitation/create",
    "unknown/method",
    "__proto__",
    "constructor",
  ])("[S26-20c] answers the method %j with 404", async (method) => {
    const { status, message } = await modern(target.url, method);
    expect(status).toBe(404);
    expect(message?.error?.code).toBe(-32601);
    expect(message?.id).toBe(1);
  });

  it("[S26-03a] remembers neither version nor capabilities on a connection", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await modern(target.url, "tools/list", {}, { agent });
    const bare = await modern(
      target.url,
      "tools/list",
      {},
      { agent, meta: { [metaCapabilities]: undefined } },
    );
    const versionless = await modern(
      target.url,
      "tools/list",
      {},
      { agent, meta: { [metaVersion]: undefined } },
    );
    agent.destroy();
    expect([first.status, bare.status, versionless.status]).toEqual([200, 400, 400]);
  });

  it("[S26-03b, S26-25b] makes no session, and ignores one that is sent", async () => {
    const headers = { "mcp-session-id": "no-such-session", "last-event-id": "1" };
    const answer = await callTool(target.url, "test_simple_text", {}, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty("mcp-session-id");
  });
});
