import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { type ConnectorParts, connect } from "./connector.ts";
import {
  type ConnectorRig,
  closeAll,
  connectorRig,
  LEGACY,
  MODERN,
} from "./connector-rig.test-support.ts";
import type { EraCache, EraVerdict } from "./era-cache.ts";
import {
  answerTo,
  event,
  json,
  optionsFor,
  type Script,
  ScriptedServer,
  stream,
} from "./http/http-rig.test-support.ts";
import { HttpTransport } from "./http/http-transport.ts";
import { LegacySseTransport } from "./http/legacy-sse-transport.ts";
import { until } from "./recorders.test-support.ts";

afterEach(closeAll);

describe("connect over HTTP", () => {
  async function rig(
    script: Script,
    more: Partial<ConnectorParts> = {},
  ): Promise<ConnectorRig & { server: ScriptedServer; asked(): string[] }> {
    const server = await ScriptedServer.open(script);
    onTestFinished(() => server.close());
    const options = optionsFor(server.url);
    const made = connectorRig(
      "http",
      (over) => (over === "sse" ? new LegacySseTransport(options) : new HttpTransport(options)),
      more,
    );
    const asked = (): string[] =>
      server.seen.map(({ method, body }) =>
        body === "" ? method : (JSON.parse(body) as { method: string }).method,
      );
    return { ...made, server, asked };
  }

  const methodOf = (body: string): unknown =>
    body === "" ? undefined : (JSON.parse(body) as { method: unknown }).method;
  const discovery = { supportedVersions: [MODERN], capabilities: {} };
  const initialization = { protocolVersion: "2025-06-18", capabilities: {} };

  it("4b.7: a modern server gets the metadata in headers too", async () => {
    const { parts, server, cache } = await rig((seen, response) =>
      json(response, answerTo(seen, discovery)),
    );
    const { agreement } = await connect(parts);
    expect(agreement).toEqual({ era: "modern", revision: MODERN });
    expect(server.seen[0]?.headers).toMatchObject({
      "mcp-protocol-version": MODERN,
      "mcp-method": "server/discover",
    });
    expect(await cache.get("server")).toMatchObject({ era: "modern", transport: "http" });
  });

  it("4f.15, 4f.16: a legacy server gets its session and its version from then on", async () => {
    const { parts, server } = await rig((seen, response) => {
      if (methodOf(seen.body) !== "initialize") {
        response.writeHead(methodOf(seen.body) === "server/discover" ? 400 : 202).end();
        return;
      }
      response.setHeader("mcp-session-id", "s1");
      json(response, answerTo(seen, initialization));
    });
    expect((await connect(parts)).agreement).toEqual({ era: "legacy", revision: "2025-06-18" });
    const [, first, second] = server.seen;
    expect(first?.headers["mcp-protocol-version"]).toBeUndefined();
    expect(first?.headers["mcp-method"]).toBeUndefined();
    expect(second?.headers).toMatchObject({
      "mcp-session-id": "s1",
      "mcp-protocol-version": "2025-06-18",
    });
  });

  it("4f.16: a session that cannot be used is ended", async () => {
    const { parts, asked, server } = await rig((seen, response) => {
      if (methodOf(seen.body) !== "initialize") {
        response.writeHead(404).end();
        return;
      }
      response.setHeader("mcp-session-id", "s1");
      json(response, answerTo(seen, { ...initialization, protocolVersion: "2031-01-01" }));
    });
    await expect(connect(parts)).rejects.toMatchObject({ code: "unsupported_version" });
    expect(asked()).toEqual(["server/discover", "initialize", "DELETE"]);
    expect(server.seen[2]?.headers["mcp-session-id"]).toBe("s1");
  });

  it("HTTP+SSE is found, and at once the next time", async () => {
    const script: Script = (seen, response) => {
      if (seen.method === "GET") {
        streams.push(stream(response));
        response.write(event("/message", { event: "endpoint" }));
      } else if (seen.url === "/message") {
        response.writeHead(202).end();
        if (methodOf(seen.body) !== "initialize") return;
        streams.at(-1)?.write(event(answerTo(seen, initialization), { event: "message" }));
      } else response.writeHead(405).end();
    };
    const streams: ReturnType<typeof stream>[] = [];
    const { parts, asked, cache, made } = await rig(script);
    const { agreement, transport } = await connect(parts);
    expect([agreement.revision, transport.kind]).toEqual(["2025-06-18", "sse"]);
    expect(asked()).toEqual([
      "server/discover",
      "initialize",
      "GET",
      "initialize",
      "notifications/initialized",
    ]);
    expect(await cache.get("server")).toMatchObject({ era: "legacy", transport: "sse" });
    await connect(parts);
    expect(asked().slice(5)).toEqual(["GET", "initialize", "notifications/initialized"]);
    expect(made).toHaveLength(3);
  });

  it("a server that is away says nothing about its era: one question, and when to come back", async () => {
    const { parts, asked } = await rig((_, response) => {
      response.writeHead(503, { "retry-after": "2" }).end();
    });
    await expect(connect(parts)).rejects.toMatchObject({
      code: "http_status",
      status: 503,
      retry: "always",
      retryAfterMs: 2_000,
    });
    expect(asked()).toEqual(["server/discover"]);
  });

  it("so does one that says it in JSON-RPC", async () => {
    const { parts, asked } = await rig((seen, response) => {
      const { id } = JSON.parse(seen.body) as { id: number };
      const error = { code: -1503, message: "draining" };
      json(response, JSON.stringify({ jsonrpc: "2.0", id, error }), 503);
    });
    await expect(connect(parts)).rejects.toMatchObject({ code: -1503 });
    expect(asked()).toEqual(["server/discover"]);
  });

  it("a server that hangs: connectTimeoutMs, and no socket is left", async () => {
    const { parts, server } = await rig(() => {}, { connectTimeoutMs: 200 });
    await expect(connect(parts)).rejects.toMatchObject({
      code: "timeout",
      details: { deadline: "connect" },
    });
    await until(() => expect(server.seen[0]?.socket.destroyed).toBe(true));
  });

  it("nobody there", async () => {
    const { parts, server } = await rig(() => {});
    await server.close();
    await expect(connect(parts)).rejects.toMatchObject({
      code: "connection_failed",
      retry: "always",
    });
  });

  describe("the era cache", () => {
    const verdict: EraVerdict = { era: "legacy", revision: LEGACY, transport: "http", at: 0 };
    const modernOnly: Script = (seen, response) => {
      if (methodOf(seen.body) === "server/discover") json(response, answerTo(seen, discovery));
      else response.writeHead(400).end();
    };

    it("4b.14: a verdict that no longer holds is found out and replaced", async () => {
      const { parts, asked, cache } = await rig(modernOnly);
      await cache.set("server", { ...verdict, at: Date.now() });
      expect((await connect(parts)).agreement.era).toBe("modern");
      expect(asked()).toEqual(["initialize", "server/discover"]);
      expect(await cache.get("server")).toMatchObject({ era: "modern" });
    });

    it("a verdict of a server that fails altogether is forgotten", async () => {
      const { parts, cache } = await rig((_, response) => response.writeHead(410).end());
      await cache.set("server", { ...verdict, at: Date.now() });
      await expect(connect(parts)).rejects.toMatchObject({ status: 410 });
      expect(await cache.get("server")).toBeUndefined();
    });

    it("may fail, or hold nonsense: the server is asked", async () => {
      const broken: EraCache = {
        get: () => Promise.reject(new Error("away")),
        set: () => {
          throw new Error("away");
        },
        delete: () => {},
      };
      const { parts, log } = await rig(modernOnly, { eraCache: broken });
      expect((await connect(parts)).agreement.era).toBe("modern");
      expect(log.entries.filter(([level]) => level === "warn")).toHaveLength(2);
      const nonsense = { ...broken, get: () => "modern" as never, set: () => {} };
      expect((await connect({ ...parts, eraCache: nonsense })).agreement.era).toBe("modern");
    });
  });
});
