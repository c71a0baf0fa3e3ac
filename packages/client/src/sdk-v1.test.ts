import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { answerTo, json } from "./http/http-rig.test-support.ts";
import { until } from "./recorders.test-support.ts";
import { asked, legacyServer, refusingServer } from "./sdk-servers.test-support.ts";
import { createSdkTransport, type SdkTransportOptions } from "./sdk-v1.ts";

async function connected(options: SdkTransportOptions): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  onTestFinished(() => client.close());
  await client.connect(createSdkTransport(options));
  return client;
}

describe("createSdkTransport for SDK v1", () => {
  it("carries a session: its id, its version, its stream, its end", async () => {
    const server = await legacyServer();
    const client = new Client({ name: "test", version: "1.0.0" });
    const notified: string[] = [];
    client.fallbackNotificationHandler = async ({ method }) => {
      notified.push(method);
    };
    const transport = createSdkTransport({ url: server.url, headers: { "X-Own": "1" } });
    await client.connect(transport);
    await client.ping();
    await until(() => expect(notified).toEqual(["notifications/tools/list_changed"]));
    expect(transport.sessionId).toBe("s1");
    let closed = 0;
    client.onclose = () => {
      closed++;
    };
    await client.close();
    await transport.close();
    expect(closed).toBe(1);
    expect(asked(server).sort()).toEqual([
      "DELETE",
      "GET",
      "initialize",
      "notifications/initialized",
      "ping",
    ]);
    for (const { headers, body } of server.seen) {
      expect(headers["x-own"]).toBe("1");
      const first = body.includes('"initialize"');
      expect(headers["mcp-session-id"]).toBe(first ? undefined : "s1");
      expect(headers["mcp-protocol-version"]).toBe(first ? undefined : "2025-06-18");
    }
  });

  it("holds no more sockets than it was told, however many calls there are", async () => {
    const server = await legacyServer((seen, response) =>
      setImmediate(() => json(response, answerTo(seen, { tools: [] }))),
    );
    const client = await connected({ url: server.url, maxSockets: 2 });
    await Promise.all(Array.from({ length: 50 }, () => client.listTools()));
    // The stream of the session has one of its own.
    expect(server.sockets).toBeLessThanOrEqual(3);
  });

  it("a call that times out tells the server, and reads no further", async () => {
    const server = await legacyServer();
    const client = await connected({ url: server.url });
    await expect(client.listTools(undefined, { timeout: 100 })).rejects.toThrow("timed out");
    await until(() => expect(asked(server)).toContain("notifications/cancelled"));
    const call = server.seen.find(({ body }) => body.includes("tools/list"));
    await until(() => expect(call?.socket.destroyed).toBe(true));
  });

  it("fails with the SDK's own errors, and says more in their cause", async () => {
    const { url } = await refusingServer(502);
    const failing = connected({ url });
    await expect(failing).rejects.toBeInstanceOf(StreamableHTTPError);
    await expect(failing).rejects.toMatchObject({
      code: 502,
      cause: { code: "http_status", retry: "if-idempotent" },
    });
    const unauthorized = connected({ url: (await refusingServer(401)).url, auth: "token" });
    await expect(unauthorized).rejects.toBeInstanceOf(UnauthorizedError);
  });

  it("a server that is not there", async () => {
    const server = await refusingServer(200);
    const { url } = server;
    await server.close();
    await expect(connected({ url })).rejects.toMatchObject({
      code: "connection_failed",
    });
  });

  it("refuses what it could only drop", async () => {
    const server = await legacyServer();
    const client = await connected({ url: server.url });
    const options = { onresumptiontoken: () => {} };
    await expect(client.ping(options)).rejects.toMatchObject({ code: "not_supported" });
    const transport = createSdkTransport({ url: server.url });
    await transport.start();
    await expect(transport.send([])).rejects.toMatchObject({ code: "not_supported" });
    await transport.close();
  });

  it.each([
    [{ url: "ftp://x" }, '"url"'],
    [{ url: "http://x", maxSockets: 0 }, '"maxSockets"'],
    [{ url: "http://x", timeoutMs: 5 }, '"timeoutMs"'],
    [{ url: "http://x", limits: { maxPages: 5 } }, '"maxPages"'],
  ])("refuses %j and names the option", (options, name) => {
    expect(() => createSdkTransport(options as SdkTransportOptions)).toThrow(name);
  });
});
