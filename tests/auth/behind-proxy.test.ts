// @module-tag nginx
import { Agent } from "node:http";
import { rateLimit } from "@backplane/auth";
import type { MCPServer, MCPServerOptions } from "@backplane/server";
import { expect, it, onTestFinished } from "vitest";
import { callTool } from "../protocol/harness/http.ts";
import { startServer } from "../protocol/harness/servers.ts";
import { startAuthorizationServer } from "./harness/authorization-server.ts";
import { recording } from "./harness/guarded-server.ts";
import { startNginx } from "./harness/nginx.ts";
import { startResourceServer } from "./harness/resource-server.ts";

const as = await startAuthorizationServer();

/** A client at an address of its own: all of 127.0.0.0/8 is this machine. */
function from(localAddress: string, headers: Record<string, string> = {}) {
  const agent = new Agent({ localAddress });
  onTestFinished(() => agent.destroy());
  return { agent, headers };
}

async function start(options: Partial<MCPServerOptions>): Promise<string> {
  const register = (server: MCPServer): void => {
    server.tool("where", {}, (_args, { transport }) => transport.remoteAddress ?? "");
    server.use(rateLimit({ limit: 2, windowMs: 3_600_000, methods: ["tools/call"] }));
  };
  const { server, url } = await startServer(register, options);
  onTestFinished(() => server.stop());
  return url;
}

async function where(url: string, client: ReturnType<typeof from>): Promise<string | number> {
  const { status, message } = await callTool(url, "where", {}, client);
  return message?.result?.content?.[0]?.text ?? status;
}

it("clients behind a listed proxy are counted apart, whatever they claim", async () => {
  const upstream = await start({ trustProxy: ["127.0.0.1"] });
  const url = `${await startNginx(upstream)}/mcp`;
  const [ada, bob] = [from("127.0.0.2"), from("127.0.0.3")];
  expect(await where(url, ada)).toBe("127.0.0.2");
  expect(await where(url, bob)).toBe("127.0.0.3");
  // nginx appends to what a client sends, and passes on what it does not know.
  const claims = { "x-forwarded-for": "127.0.0.9", forwarded: "for=127.0.0.9" };
  expect(await where(url, from("127.0.0.2", claims))).toBe("127.0.0.2");
  expect(await where(url, from("127.0.0.2", { ...claims, "x-forwarded-for": "x" }))).toBe(429);
  expect(await where(url, bob)).toBe("127.0.0.3");
  // Past the proxy the client itself is the peer, and nobody's word counts.
  expect(await where(upstream, from("127.0.0.4", claims))).toBe("127.0.0.4");
});

it("without the option they are the proxy, and nobody evades its limit", async () => {
  const url = `${await startNginx(await start({}))}/mcp`;
  expect(await where(url, from("127.0.0.2"))).toBe("127.0.0.1");
  expect(await where(url, from("127.0.0.3", { "x-forwarded-for": "1.1.1.1" }))).toBe("127.0.0.1");
  expect(await where(url, from("127.0.0.4"))).toBe(429);
});

it("a token that came by another scheme or host than it is for is refused", async () => {
  const logger = recording();
  const { server, url } = await startResourceServer(
    as.issuer,
    logger,
    {},
    { trustProxy: ["127.0.0.1"], allowedHosts: ["127.0.0.1", "other.example"] },
  );
  onTestFinished(() => server.stop());
  const { host } = new URL(url);
  const ask = async (scheme: string, said: string): Promise<number> => {
    const origin = await startNginx(
      url,
      `proxy_set_header X-Forwarded-Proto ${scheme}; proxy_set_header X-Forwarded-Host ${said};`,
    );
    const authorization = `Bearer ${await as.token(url)}`;
    return (await callTool(`${origin}/mcp`, "whoami", {}, { headers: { authorization } })).status;
  };
  expect(await ask("http", host)).toBe(200);
  expect(await ask("https", host)).toBe(400);
  expect(logger.lines.at(-1)).toMatch(/"stage":"origin"/);
  expect(await ask("http", "other.example")).toBe(400);
  expect(await ask("http", "evil.example")).toBe(403);
});
