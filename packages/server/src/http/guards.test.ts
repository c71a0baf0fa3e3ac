import { connect } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { afterEach, describe, expect, it } from "vitest";
import { Guards } from "./guards.ts";
import { callTool, HttpRigs, type Mount, mountListener } from "./http-rig.test-support.ts";
import { send } from "./raw-client.test-support.ts";

const LISTED = "https://app.example";

const MOUNTS: readonly (readonly [string, Mount])[] = [
  [
    "the node handler",
    (server) => mountListener((request, response) => server.nodeHandler(request, response)),
  ],
  ["the fetch handler", (server) => mountListener(getRequestListener(server.handler))],
];

describe.each(MOUNTS)("%s", (_name, mount) => {
  const rigs = new HttpRigs(mount);
  afterEach(() => rigs.close());

  it.each(["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"])(
    "refuses Host %s on every method",
    async (host) => {
      const { url } = await rigs.open();
      for (const method of ["POST", "GET", "DELETE"]) {
        const response = await send(url, method, { host });
        expect(response.status).toBe(403);
        expect((await response.json()).error).toMatchObject({
          code: -32600,
          message: expect.stringContaining("allowedHosts"),
        });
      }
    },
  );

  it.each(["localhost", "LOCALHOST:9", "127.0.0.1:1234", "[::1]:8080"])(
    "serves the loopback name %s",
    async (host) => {
      const { url } = await rigs.open();
      expect((await callTool(url, "echo", {}, {}, { host })).status).toBe(200);
    },
  );

  it("serves only the names of allowedHosts, when it is given", async () => {
    const { url } = await rigs.open({ allowedHosts: ["MCP.example"] });
    const statusFor = async (host: string): Promise<number> =>
      (await callTool(url, "echo", {}, {}, { host })).status;
    expect(await statusFor("mcp.example")).toBe(200);
    expect(await statusFor("mcp.example:8443")).toBe(200);
    expect(await statusFor("localhost")).toBe(403);
    expect(await statusFor("other.mcp.example")).toBe(403);
    // The one that passed last must not open the door for another.
    expect(await statusFor("mcp.example.evil")).toBe(403);
  });

  it("refuses a request without Host", async () => {
    const { url } = await rigs.open();
    const { hostname, port } = new URL(url);
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(Number(port), hostname, () => {
        socket.write("POST /mcp HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}");
      });
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
  });

  it.each(["https://evil.example", "http://localhost.evil.example", "null", "file://", "x"])(
    "refuses Origin %s",
    async (origin) => {
      const { url } = await rigs.open({ allowedOrigins: [LISTED] });
      const response = await callTool(url, "echo", {}, {}, { origin });
      expect(response.status).toBe(403);
      expect(response.headers["access-control-allow-origin"]).toBeUndefined();
      expect((await response.json()).error?.message).toContain("allowedOrigins");
    },
  );

  it.each(["http://localhost:5173", "http://127.0.0.1", "http://[::1]:3000"])(
    "lets a loopback page at %s call, without CORS headers",
    async (origin) => {
      const { url } = await rigs.open();
      const response = await callTool(url, "echo", {}, {}, { origin });
      expect(response.status).toBe(200);
      expect(response.headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  it("gives a listed origin CORS headers on results, errors and streams", async () => {
    const { url } = await rigs.open({ allowedOrigins: [LISTED] });
    const cors = {
      "access-control-allow-origin": LISTED,
      vary: "Origin",
      "access-control-expose-headers": expect.stringContaining("Mcp-Session-Id"),
    };
    const origin = { origin: LISTED };
    const result = await callTool(url, "echo", {}, {}, origin);
    expect(result.status).toBe(200);
    expect(result.headers).toMatchObject(cors);
    const stream = await callTool(url, "count", {}, { progressToken: 1 }, origin);
    expect(stream.isStream).toBe(true);
    expect(stream.headers).toMatchObject(cors);
    for (const headers of [{ "content-type": "text/plain" }, { "mcp-name": "another" }]) {
      const refused = await callTool(url, "echo", {}, {}, { ...origin, ...headers });
      expect(refused.status).toBeGreaterThanOrEqual(400);
      expect(refused.headers).toMatchObject(cors);
    }
  });

  it("answers the preflight of a listed origin without asking who it is", async () => {
    const { url } = await rigs.open({
      allowedOrigins: [LISTED],
      auth: {
        authenticate: () => ({ failure: { status: 401, headers: {}, message: "no token" } }),
      },
    });
    const response = await send(url, "OPTIONS", {
      origin: LISTED,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type, authorization, mcp-param-region",
    });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect(response.headers).toMatchObject({
      "access-control-allow-origin": LISTED,
      "access-control-allow-methods": "POST, GET, DELETE",
      "access-control-allow-headers": "*, Authorization",
      "access-control-max-age": "86400",
    });
    expect(response.headers).not.toHaveProperty("access-control-allow-credentials");
    // The refusal of the call itself is readable for the page, or it could not ask its user to sign in.
    const refused = await callTool(url, "echo", {}, {}, { origin: LISTED });
    expect(refused.status).toBe(401);
    expect(refused.headers["access-control-allow-origin"]).toBe(LISTED);
  });

  it.each([
    ["an origin that is not listed", { origin: "https://evil.example" }],
    ["a loopback origin that is not listed", { origin: "http://localhost:5173" }],
    ["a listed origin through another Host", { origin: LISTED, host: "evil.example" }],
    ["no origin", {}],
  ])("refuses the preflight of %s", async (_what, headers) => {
    const { url } = await rigs.open({ allowedOrigins: [LISTED] });
    const response = await send(url, "OPTIONS", {
      ...headers,
      "access-control-request-method": "POST",
    });
    expect(response.status).toBe(403);
    expect(response.headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("Guards", () => {
  it.each([
    "localhost:1@evil.example",
    "[::1]evil.example",
    "localhost:evil.example",
    "localhost.",
  ])("take %s for no loopback name", (host) => {
    expect(new Guards(undefined, []).checkHost(host)).toContain("allowedHosts");
  });

  it("say which Host they refuse, in printable characters and not at any length", () => {
    const guards = new Guards(undefined, []);
    expect(guards.checkHost("ev\u0000il\u007f.example")).toContain('Host "ev?il?.example"');
    expect(guards.checkHost("x".repeat(5_000))?.length).toBeLessThan(200);
    expect(guards.checkHost(undefined)).toContain('Host ""');
    expect(guards.checkHost("")).toBeDefined();
    expect(guards.checkHost("[::1")).toBeDefined();
  });
});
