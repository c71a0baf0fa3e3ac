import { Client, SdkHttpError, UnauthorizedError } from "@modelcontextprotocol/client";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  answerTo,
  json,
  type Script,
  ScriptedServer,
  stream,
} from "./http/http-rig.test-support.ts";
import { until } from "./recorders.test-support.ts";
import { asked, legacyServer, refusingServer } from "./sdk-servers.test-support.ts";
import { createSdkTransport, type SdkTransportOptions } from "./sdk-v2.ts";

async function connected(
  options: SdkTransportOptions,
  mode: "auto" | "legacy" = "auto",
): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode } });
  onTestFinished(() => client.close());
  await client.connect(createSdkTransport(options));
  return client;
}

async function modernServer(more: Script): Promise<ScriptedServer> {
  const server = await ScriptedServer.open((seen, response, index) => {
    const { method, id } = JSON.parse(seen.body) as { method: string; id?: unknown };
    if (id === undefined) response.writeHead(202).end();
    else if (method === "server/discover") {
      const discovery = {
        resultType: "complete",
        supportedVersions: ["2026-07-28"],
        capabilities: { tools: {} },
        ttlMs: 0,
        cacheScope: "private",
      };
      json(response, answerTo(seen, discovery));
    } else more(seen, response, index);
  });
  onTestFinished(() => server.close());
  return server;
}

describe("createSdkTransport for SDK v2", () => {
  it("a legacy server is found out in every mode that allows it", async () => {
    for (const mode of ["auto", "legacy"] as const) {
      const server = await legacyServer();
      const client = await connected({ url: server.url }, mode);
      await client.ping();
      expect(client.getNegotiatedProtocolVersion()).toBe("2025-06-18");
      expect(asked(server)[0]).toBe(mode === "auto" ? "server/discover" : "initialize");
      expect(server.seen.at(-1)?.headers["mcp-session-id"]).toBe("s1");
    }
  });

  it("4b.7, 4b.8: a modern call is mirrored in its headers", async () => {
    const server = await modernServer((seen, response) =>
      json(response, answerTo(seen, { resultType: "complete", content: [] })),
    );
    const client = await connected({ url: server.url });
    await client.callTool({ name: "größe", arguments: {} });
    const call = server.seen.find(({ body }) => body.includes("tools/call"));
    expect(call?.headers).toMatchObject({
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "=?base64?Z3LDtsOfZQ==?=",
    });
    expect(call?.headers["mcp-session-id"]).toBeUndefined();
  });

  it("a call that is given up ends its stream, which is the cancellation", async () => {
    const server = await modernServer((_, response) => {
      stream(response);
    });
    const client = await connected({ url: server.url });
    const controller = new AbortController();
    const calling = client.callTool({ name: "slow" }, { signal: controller.signal });
    const failing = expect(calling).rejects.toThrow();
    const call = () => server.seen.find(({ body }) => body.includes("tools/call"));
    await until(() => expect(call()).toBeDefined());
    controller.abort("enough");
    await failing;
    await until(() => expect(call()?.socket.destroyed).toBe(true));
    expect(asked(server)).not.toContain("notifications/cancelled");
  });

  it("fails with the SDK's own errors, and says more in their cause", async () => {
    const failing = connected({ url: (await refusingServer(502)).url }, "legacy");
    await expect(failing).rejects.toBeInstanceOf(SdkHttpError);
    await expect(failing).rejects.toMatchObject({ status: 502, cause: { code: "http_status" } });
    const unauthorized = connected({ url: (await refusingServer(401)).url, auth: "token" });
    await expect(unauthorized).rejects.toBeInstanceOf(UnauthorizedError);
  });

  it("a server that is away is not taken for a legacy one, in whatever words it says so", async () => {
    const html = await refusingServer(503);
    await expect(connected({ url: html.url })).rejects.toThrow("503");
    const rpc = await ScriptedServer.open((seen, response) => {
      const { id } = JSON.parse(seen.body) as { id: number };
      const error = { code: -1503, message: "draining" };
      json(response, JSON.stringify({ jsonrpc: "2.0", id, error }), 503);
    });
    onTestFinished(() => rpc.close());
    await expect(connected({ url: rpc.url })).rejects.toThrow("503");
    expect([asked(html), asked(rpc)]).toEqual([["server/discover"], ["server/discover"]]);
  });
});
