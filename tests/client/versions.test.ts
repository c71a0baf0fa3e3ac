import { createEraCache, MCPClient, type MCPClientOptions } from "@backplane/client";
import { describe, expect, it } from "vitest";
import { metaKey, metaOf, requestsOf } from "./harness/answers.ts";
import { closing, scripted } from "./harness/clients.ts";
import type { ScriptedServer } from "./harness/scripted-server.ts";

/** A client that has to find out, and remembers for itself. */
function finding(server: ScriptedServer, options: Partial<MCPClientOptions> = {}): MCPClient {
  return closing(new MCPClient({ url: server.url, eraCache: createEraCache(), ...options }));
}

const names = (server: ScriptedServer) => server.received.map(({ name }) => name);

describe("[C26-11] a 400 to the first request", () => {
  it("with an error of the modern era stays in it", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "server/discover": (request) => {
          if (request.server.count("server/discover") > 1) {
            return request.result({ supportedVersions: ["2026-07-28"], capabilities: {} });
          }
          const data = { supported: ["2026-07-28"], requested: "?" };
          request.error(-32_022, "Unsupported protocol version", data, 400);
        },
      },
    });
    const client = finding(server);
    await client.connect();
    expect(client.era).toBe("modern");
    expect(server.count("initialize")).toBe(0);
  });

  it.each([
    ["without a body", ""],
    ["with a text", "Bad Request: no valid session ID provided"],
    [
      "with an error of a server's own",
      '{"jsonrpc":"2.0","error":{"code":-32000,"message":"no"},"id":null}',
    ],
  ])("%s falls back to initialize", async (_name, body) => {
    const server = await scripted({
      era: "legacy",
      script: {
        "server/discover": (request) =>
          request.text(body, 400, { "content-type": "application/json" }),
      },
    });
    const client = finding(server);
    await client.connect();
    expect(client.era).toBe("legacy");
    expect(names(server).slice(0, 2)).toEqual(["server/discover", "initialize"]);
  });
});

describe("what was found out", () => {
  it("[C26-14a] is remembered for the origin", async () => {
    const server = await scripted({ era: "legacy" });
    const eraCache = createEraCache();
    await finding(server, { eraCache }).connect();
    await finding(server, { eraCache }).connect();
    expect(server.count("server/discover")).toBe(1);
    expect(server.count("initialize")).toBe(2);
  });

  it("is found out again when it no longer holds", async () => {
    let era = "legacy";
    const server = await scripted({
      era: "modern",
      script: {
        "server/discover": (request) => {
          if (era === "legacy") return request.text("", 400);
          request.result({ supportedVersions: ["2026-07-28"], capabilities: {} });
        },
        initialize: (request) => {
          if (era === "modern") return request.error(-32_601, "gone", undefined, 404);
          request.json({
            jsonrpc: "2.0",
            id: request.message.id,
            result: {
              protocolVersion: "2025-11-25",
              capabilities: {},
              serverInfo: { name: "s", version: "1" },
            },
          });
        },
      },
    });
    const eraCache = createEraCache();
    const before = finding(server, { eraCache });
    await before.connect();
    expect(before.era).toBe("legacy");
    era = "modern";
    const after = finding(server, { eraCache });
    await after.connect();
    expect(after.era).toBe("modern");
  });

  it("[C26-14b] is a version that the server says it supports", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "server/discover": (request) =>
          request.result({ supportedVersions: ["2031-01-01", "2026-07-28"], capabilities: {} }),
      },
    });
    const client = finding(server);
    await client.callTool("work");
    expect(client.revision).toBe("2026-07-28");
    const [call] = requestsOf(server, "tools/call");
    expect(call && metaOf(call)[`${metaKey}protocolVersion`]).toBe("2026-07-28");
  });

  it("is an error when there is nothing in common", async () => {
    const data = { supported: ["2031-01-01"], requested: "2026-07-28" };
    const server = await scripted({
      era: "modern",
      script: {
        "server/discover": (request) => request.error(-32_022, "Unsupported", data, 400),
      },
    });
    await expect(finding(server).connect()).rejects.toMatchObject({ code: "unsupported_version" });
    expect(server.count("initialize")).toBe(0);
  });
});
