import { createInMemoryTransportPair, type MessageTransport } from "@backplane/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { type ConnectorParts, connect } from "./connector.ts";
import {
  type ConnectorRig,
  closeAll,
  connectorRig,
  info,
  LEGACY,
  MODERN,
} from "./connector-rig.test-support.ts";
import { MessageClientTransport } from "./message-transport.ts";
import { recordEvents, until } from "./recorders.test-support.ts";

afterEach(closeAll);

describe("connect over a given connection", () => {
  type Request = { readonly id?: number; readonly method?: string; readonly result?: unknown };

  /** A server that answers as scripted; undefined for silence. */
  function rig(
    script: (request: Request, server: MessageTransport) => object | undefined,
    more: Partial<ConnectorParts> = {},
  ): ConnectorRig & { received: Request[]; server: MessageTransport } {
    const [near, server] = createInMemoryTransportPair();
    const received: Request[] = [];
    server.start({
      onMessage(text) {
        const request = JSON.parse(text) as Request;
        received.push(request);
        const answer = script(request, server);
        if (answer !== undefined) {
          server.send(JSON.stringify({ jsonrpc: "2.0", id: request.id, ...answer }));
        }
      },
      onClose() {},
    });
    const limits = { maxMessageChars: 1_000_000, maxJsonDepth: 64, maxPending: 100 };
    const made = connectorRig(
      "in-memory",
      (_, logger) =>
        new MessageClientTransport(near, { kind: "in-memory", name: "given", ...limits, logger }),
      { eraKey: undefined, ...more },
    );
    return { ...made, received, server };
  }

  const notFound = { error: { code: -32601, message: "Method not found" } };
  const initialized = {
    result: { protocolVersion: LEGACY, capabilities: {}, serverInfo: { name: "s", version: "1" } },
  };
  const legacy = ({ method }: Request): object | undefined =>
    method === "initialize" ? initialized : method === "server/discover" ? notFound : undefined;

  it("sends what the revision prescribes", async () => {
    const { parts, received } = rig(legacy);
    await connect(parts);
    await until(() => expect(received).toHaveLength(3));
    expect(received[0]).toMatchObject({
      id: 1,
      params: { _meta: { "io.modelcontextprotocol/protocolVersion": MODERN } },
    });
    expect(received[1]).toEqual({
      jsonrpc: "2.0",
      id: 2,
      method: "initialize",
      params: {
        protocolVersion: LEGACY,
        capabilities: { elicitation: { form: {} } },
        clientInfo: info,
      },
    });
    expect(received[2]).toEqual({ jsonrpc: "2.0", method: "notifications/initialized" });
  });

  it("answers a ping before anything else is settled", async () => {
    const { parts, received } = rig((request, server) => {
      if (request.method === "initialize") {
        server.send(JSON.stringify({ jsonrpc: "2.0", id: "p", method: "ping" }));
        return undefined;
      }
      if (request.id === ("p" as never)) {
        server.send(JSON.stringify({ jsonrpc: "2.0", id: 2, ...initialized }));
        return undefined;
      }
      return legacy(request);
    });
    expect((await connect(parts)).agreement.era).toBe("legacy");
    expect(received).toContainEqual({ jsonrpc: "2.0", id: "p", result: {} });
  });

  it("loses neither a message nor the end that come before somebody listens", async () => {
    const changed = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };
    const { parts } = rig((request, server) => {
      if (request.method !== "notifications/initialized") return legacy(request);
      server.send(JSON.stringify(changed));
      setImmediate(() => void server.close());
      return undefined;
    });
    const connected = await connect(parts);
    const events = recordEvents();
    await until(async () => {
      await expect(connected.transport.post("{}", [])).rejects.toThrow();
    });
    connected.attach(events);
    expect(events.messages).toEqual([changed]);
    expect(events.closes).toMatchObject([{ code: "connection_lost" }]);
  });

  it("believes nothing that is not as the protocol has it", async () => {
    const { parts } = rig(({ method }) =>
      method === "server/discover"
        ? {
            result: {
              supportedVersions: [MODERN],
              capabilities: { tools: null, prompts: [], resources: { subscribe: true } },
              instructions: 5,
              ttlMs: -1,
              cacheScope: "public",
              _meta: { "io.modelcontextprotocol/serverInfo": { name: "no version" } },
            },
          }
        : undefined,
    );
    expect((await connect(parts)).server).toEqual({
      info: undefined,
      capabilities: { resources: { subscribe: true } },
      instructions: undefined,
      hint: undefined,
    });
  });

  it.each([
    ["no versions", { result: {} }],
    ["versions that are none", { result: { supportedVersions: [1] } }],
    ["an unknown resultType", { result: { supportedVersions: [MODERN], resultType: "later" } }],
    ["a result that is none", { result: [] }],
    ["an error that is none", { error: "no" }],
  ])("takes %s for no discovery", async (_, discovery) => {
    const { parts } = rig((request) =>
      request.method === "server/discover" ? discovery : legacy(request),
    );
    expect((await connect(parts)).agreement.era).toBe("legacy");
  });

  it("an initialize without a version ends in an error that says so", async () => {
    const { parts } = rig(({ method }) => (method === "initialize" ? { result: {} } : notFound));
    await expect(connect(parts)).rejects.toMatchObject({
      code: "invalid_response",
      message: expect.stringContaining("protocolVersion"),
    });
  });

  it("a server in pieces: its own error reaches the caller", async () => {
    const { parts } = rig(() => ({
      error: { code: -32603, message: "Out of order", data: { retryAfterMs: 5 } },
    }));
    await expect(connect(parts)).rejects.toMatchObject({
      code: -32603,
      message: "Out of order",
      retryAfterMs: 5,
    });
  });
});
