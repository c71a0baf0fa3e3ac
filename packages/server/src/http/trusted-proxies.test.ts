import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { MCPServerOptions } from "../options.ts";
import { resolveOptions } from "../resolve-options.ts";
import { HttpRigs, modernCall, mountListener } from "./http-rig.test-support.ts";
import { send } from "./raw-client.test-support.ts";
import { parseProxy, TrustedProxies } from "./trusted-proxies.ts";

const proxies = new TrustedProxies(
  ["10.0.0.0/8", "fd00::/8", "127.0.0.1"].flatMap((text) => parseProxy(text) ?? []),
);
const headers =
  (all: Record<string, string>) =>
  (name: string): string | undefined =>
    all[name];
const forwardedFor = (list: string) => headers({ "x-forwarded-for": list });

describe("the client's address", () => {
  it.each([
    ["a peer that is no proxy", "203.0.113.1", "198.51.100.7", "203.0.113.1"],
    ["a proxy that says nothing", "10.0.0.1", "", "10.0.0.1"],
    ["one proxy", "10.0.0.1", "198.51.100.7", "198.51.100.7"],
    ["IPv4 in IPv6, as sockets say it", "::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"],
    ["two proxies", "10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"],
    ["a client that claims another", "10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"],
    ["a client that claims to be a proxy", "10.0.0.1", "10.9.9.9, 198.51.100.7", "198.51.100.7"],
    ["a client on the network of the proxies", "10.0.0.1", "10.0.0.77", "10.0.0.77"],
    ["no address behind a proxy", "10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"],
    ["a port", "10.0.0.1", "198.51.100.7:443", "198.51.100.7"],
    ["IPv6", "fd00::1", "2001:db8::7", "2001:db8::7"],
    ["IPv6 with a port", "fd00::1", "[2001:db8::7]:443", "2001:db8::7"],
  ])("%s", (_name, peer, list, client) => {
    expect(proxies.clientOf(peer, forwardedFor(list))).toBe(client);
  });

  it("is never what stands before the last address that no proxy has", () => {
    const outside = fc.ipV4().filter((address) => !/^(10|127)\./.test(address));
    const anything = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()));
    fc.assert(
      fc.property(anything, outside, (claimed, client) => {
        const list = [...claimed, client, "10.0.0.2"].join(", ");
        expect(proxies.clientOf("10.0.0.1", forwardedFor(list))).toBe(client);
      }),
    );
  });
});

describe("host and origin", () => {
  const said = headers({
    host: "inner:8080",
    "x-forwarded-host": "mcp.example",
    "x-forwarded-proto": "https",
  });

  it("are nobody's unless a proxy says them", () => {
    expect(proxies.hostOf("203.0.113.1", said)).toBeUndefined();
    expect(proxies.originOf("203.0.113.1", said)).toBeUndefined();
    expect(proxies.hostOf("10.0.0.1", said)).toBe("mcp.example");
    expect(proxies.originOf("10.0.0.1", said)).toBe("https://mcp.example");
  });

  it.each([
    [{ "x-forwarded-proto": "https", host: "mcp.example:443" }, "https://mcp.example"],
    [{ "x-forwarded-proto": "HTTPS, http", host: "mcp.example" }, "https://mcp.example"],
    [{ "x-forwarded-proto": "ftp", host: "mcp.example" }, undefined],
    [{ "x-forwarded-proto": "https", host: "a b" }, undefined],
    [{ host: "mcp.example" }, undefined],
  ])("%j", (all, origin) => {
    expect(proxies.originOf("10.0.0.1", headers(all as Record<string, string>))).toBe(origin);
  });
});

describe("the option trustProxy", () => {
  it.each([
    [[]],
    [["anybody"]],
    [["0.0.0.0/0"]],
    [["::/0"]],
    [["10.0.0.0/40"]],
    [[7]],
    ["10.0.0.1"],
  ])("refuses %j", (trustProxy) => {
    const options = { name: "a", version: "1", trustProxy } as unknown as MCPServerOptions;
    expect(() => resolveOptions(options)).toThrow(/option "trustProxy"/);
  });
});

describe("a server behind a proxy", () => {
  const rigs = new HttpRigs((server) => mountListener(server.nodeHandler));
  afterAll(() => rigs.close());
  const forwarded = { "x-forwarded-for": "198.51.100.7", "x-forwarded-host": "mcp.example" };

  async function call(options: Partial<MCPServerOptions>, extra: Record<string, string>) {
    const { server, url } = await rigs.open(options);
    server.tool("where", {}, (_args, { transport }) => transport.remoteAddress ?? "");
    const { headers: own, message } = modernCall("where");
    const response = await send(url, "POST", { ...own, ...extra }, message);
    return { status: response.status, text: await response.text() };
  }

  it("believes it if the option lists it", async () => {
    const options = { trustProxy: ["loopback"], allowedHosts: ["127.0.0.1", "mcp.example"] };
    expect((await call(options, forwarded)).text).toContain("198.51.100.7");
  });

  it("believes nobody otherwise", async () => {
    const { status, text } = await call({}, forwarded);
    expect(status).toBe(200);
    expect(text).not.toContain("198.51.100.7");
    const others = { trustProxy: ["192.0.2.1"] };
    expect((await call(others, forwarded)).text).not.toContain("198.51.100.7");
  });

  it("checks the forwarded host beside its own", async () => {
    const trustProxy = ["loopback"];
    expect((await call({ trustProxy }, forwarded)).status).toBe(403);
    const evil = { ...forwarded, host: "evil.example" };
    const allowedHosts = ["127.0.0.1", "mcp.example"];
    expect((await call({ trustProxy, allowedHosts }, evil)).status).toBe(403);
  });

  it("says that a web request has no peer", async () => {
    const { server, logged } = await rigs.open({ trustProxy: ["loopback"] });
    expect(server.handler).toBe(server.handler);
    const warnings = logged.filter(({ message }) => /option trustProxy/.test(message));
    expect(warnings).toHaveLength(1);
  });
});
