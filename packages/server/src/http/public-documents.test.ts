import { afterEach, describe, expect, it } from "vitest";
import { MCPServer, type MCPServerOptions } from "../index.ts";

const failure = {
  status: 401 as const,
  headers: { "WWW-Authenticate": "Bearer" },
  message: "Authentication required",
  stage: "credentials",
};
const servers: MCPServer[] = [];

function make(options: Partial<MCPServerOptions> = {}): MCPServer {
  const server = new MCPServer({
    name: "documents",
    version: "1.0.0",
    auth: {
      authenticate: () => ({ failure }),
      documents: new Map([
        [
          "/.well-known/test",
          { contentType: "application/json", body: (guarded) => JSON.stringify(guarded.scopes()) },
        ],
      ]),
    },
    ...options,
  });
  server.tool("b", { scopes: ["write", "read"] }, () => "");
  server.resource("test://a", { scopes: ["read"] }, () => "");
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe("documents of an authenticator", () => {
  it("are served to everybody, beside the endpoint", async () => {
    const { url } = await make().start({ port: 0 });
    const document = new URL("/.well-known/test?x", url);
    const answer = await fetch(document, { headers: { origin: "https://anywhere.example" } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.json()).toEqual(["read", "write"]);
    expect((await fetch(document, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(document, { method: "OPTIONS" })).status).toBe(204);
    expect((await fetch(document, { method: "POST", body: "{}" })).status).toBe(405);
    expect((await fetch(new URL("/.well-known/other", url))).status).toBe(404);
  });

  it("are served by the mounted handlers", async () => {
    const answer = await make().handler(new Request("http://localhost/.well-known/test"));
    expect(await answer.json()).toEqual(["read", "write"]);
  });

  it("open nothing else", async () => {
    const { url } = await make().start({ port: 0 });
    expect((await fetch(url as string)).status).toBe(401);
    const none = await make({ auth: { authenticate: () => ({ failure }) } }).start({ port: 0 });
    expect((await fetch(new URL("/.well-known/test", none.url))).status).toBe(404);
  });
});

describe("a refused credential", () => {
  it.each([
    ["credentials", "debug"],
    ["signature", "warn"],
  ])("is logged by its stage: %s as %s", async (stage, level) => {
    const lines: unknown[] = [];
    const log = (name: string) => (fields: object) => void lines.push([name, fields]);
    const logger = { debug: log("debug"), info: () => {}, warn: log("warn"), error: log("error") };
    const auth = { authenticate: () => ({ failure: { ...failure, stage } }) };
    const { url } = await make({ auth, logger }).start({ port: 0 });
    await fetch(url as string, { headers: { authorization: "Bearer the-secret" } });
    expect(lines).toEqual([
      [level, { status: 401, stage, remoteAddress: expect.stringContaining("127.0.0.1") }],
    ]);
  });
});
