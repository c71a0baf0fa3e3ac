import dns from "node:dns";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import type { AddressInfo } from "node:net";
import { UnsafeUrlError } from "@backplane/protocol";
import {
  type ResourceProviderSuiteContext,
  readText,
  resourceProviderChaosSuite,
  resourceProviderSuite,
  suiteRequestContext,
} from "@backplane/server/test-suite";
import { afterEach, describe, expect, it } from "vitest";
import type { HttpResourceProviderOptions } from "./http-options.ts";
import { HttpResourceProvider } from "./http-provider.ts";
import { normalTail } from "./url-tail.ts";

const context = suiteRequestContext();
const local = { schemes: ["http", "https"], allowHosts: ["127.0.0.1"] };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function site(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function open(options: HttpResourceProviderOptions): HttpResourceProvider {
  const provider = new HttpResourceProvider({ urlPolicy: local, ...options });
  closers.push(() => provider.close());
  return provider;
}

async function suiteContext(): Promise<ResourceProviderSuiteContext> {
  const pages = new Map<string, string>();
  const baseUrl = await site((request, response) => {
    const text = pages.get((request.url as string).slice(1));
    if (text === undefined) response.writeHead(404).end();
    else response.setHeader("content-type", "text/plain; charset=utf-8").end(text);
  });
  const provider = open({ baseUrl, resources: () => [...pages.keys()].map((path) => ({ path })) });
  return {
    provider,
    uriOf: (name) => baseUrl + name,
    put: async (name, text) => {
      pages.set(name, text);
      return { uri: baseUrl + name, text };
    },
    remove: async (name) => void pages.delete(name),
    close: async () => {},
  };
}

describe("HttpResourceProvider", () => {
  resourceProviderSuite({ describe, it, expect }, () => suiteContext());

  resourceProviderChaosSuite({ describe, it, expect }, async (chaotic) => {
    const given = await suiteContext();
    return { ...given, provider: chaotic(given.provider) };
  });

  it.each([
    ["ETag", { etag: '"1"' }, "if-none-match", '"1"'],
    [
      "Last-Modified",
      { "last-modified": "Mon, 05 Jan 2026 10:00:00 GMT" },
      "if-modified-since",
      "Mon, 05 Jan 2026 10:00:00 GMT",
    ],
  ])("asks for what it knows only if it has changed: %s", async (_, validator, header, value) => {
    const asked: (string | undefined)[] = [];
    let text = "one";
    const baseUrl = await site((request, response) => {
      asked.push(request.headers[header] as string | undefined);
      if (text === "one" && request.headers[header] === value) response.writeHead(304).end();
      else response.writeHead(200, { "content-type": "text/plain", ...validator }).end(text);
    });
    const provider = open({ baseUrl });
    const read = async () => readText(await provider.read(`${baseUrl}a`, context));
    expect([await read(), await read()]).toEqual(["one", "one"]);
    text = "two";
    expect(await read()).toBe("two");
    expect(asked).toEqual([undefined, value, value]);
  });

  it("keeps nothing that it must not, and no more than it may", async () => {
    const conditional: string[] = [];
    const baseUrl = await site((request, response) => {
      const path = request.url as string;
      if (request.headers["if-none-match"] !== undefined) conditional.push(path);
      const more = path === "/no-store" ? { "cache-control": "no-store" } : {};
      response.writeHead(200, { etag: `"${path}"`, ...more }).end("x".repeat(400));
    });
    const provider = open({ baseUrl, maxCachedBytes: 1_600 });
    for (const path of ["no-store", "no-store", "a", "b", "a"]) {
      await provider.read(baseUrl + path, context);
    }
    expect(conditional).toEqual([]);
    await provider.read(`${baseUrl}a`, context);
    expect(conditional).toEqual(["/a"]);
  });

  it("counts every text of an answer that it keeps", async () => {
    const asked: string[] = [];
    const baseUrl = await site((request, response) => {
      if (request.headers["if-modified-since"] !== undefined) asked.push(request.url as string);
      response.writeHead(200, { "last-modified": "x".repeat(8_000) }).end("");
    });
    const provider = open({ baseUrl, maxCachedBytes: 20_000 });
    for (const path of ["a", "b", "a", "b"]) await provider.read(baseUrl + path, context);
    expect(asked).toEqual([]);
  });

  it("refuses what is too large, said or unsaid, without reading it to the end", async () => {
    let sent = 0;
    const baseUrl = await site((request, response) => {
      if (request.url === "/said") {
        response.writeHead(200, { "content-length": 1e9 }).flushHeaders();
        return;
      }
      const more = (): void => {
        if (response.destroyed) return;
        sent += 64 * 1024;
        response.write(Buffer.alloc(64 * 1024), () => setImmediate(more));
      };
      more();
    });
    const provider = open({ baseUrl, maxBytes: 100_000 });
    for (const path of ["said", "unsaid"]) {
      await expect(provider.read(baseUrl + path, context)).rejects.toMatchObject({ code: -1413 });
    }
    expect(sent).toBeLessThan(20_000_000);
  });

  it("bytes stay bytes, and so does text in another charset", async () => {
    const baseUrl = await site((request, response) => {
      const type = request.url === "/latin" ? "text/plain; charset=iso-8859-1" : "image/png";
      response.writeHead(200, { "content-type": type }).end(Buffer.of(0xe9));
    });
    const provider = open({ baseUrl });
    for (const [path, mimeType] of [
      ["latin", "text/plain"],
      ["png", "image/png"],
    ] as const) {
      const contents = await provider.read(baseUrl + path, context);
      expect(contents).toMatchObject({ mimeType });
      expect(contents?.body).toEqual(Buffer.of(0xe9));
    }
  });

  it("says that the source is away, and when to come back", async () => {
    const baseUrl = await site((request, response) => {
      if (request.url === "/busy") response.writeHead(503, { "retry-after": "7" }).end();
      else if (request.url === "/reset") request.socket.destroy();
    });
    const provider = open({ baseUrl, timeoutMs: 200 });
    const data = { reason: "source_unavailable" };
    const read = (path: string) => provider.read(baseUrl + path, context);
    await expect(read("busy")).rejects.toMatchObject({ code: -1503, data, retryAfterMs: 7_000 });
    await expect(read("reset")).rejects.toMatchObject({ code: -1503, data });
    await expect(read("silent")).rejects.toMatchObject({ code: -1503, data });
  });

  it("follows redirects that the policy allows, without its headers to strangers", async () => {
    const seen: Record<string, string | undefined> = {};
    const other = await site((request, response) => {
      seen.other = request.headers.authorization;
      response.end("there");
    });
    const baseUrl = await site((request, response) => {
      seen.home = request.headers.authorization;
      const location = request.url === "/loop" ? "/loop" : other;
      response.writeHead(302, { location }).end();
    });
    const provider = open({ baseUrl, headers: { authorization: "Bearer planted" } });
    expect((await provider.read(`${baseUrl}away`, context))?.body).toEqual(Buffer.from("there"));
    expect(seen).toEqual({ home: "Bearer planted", other: undefined });
    await expect(provider.read(`${baseUrl}loop`, context)).rejects.toThrow(/redirects/);
  });

  it.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "file:///etc/passwd",
    "http://localhost/",
  ])("does not follow a redirect to %s", async (location) => {
    const baseUrl = await site((_request, response) => {
      response.writeHead(302, { location }).end();
    });
    await expect(open({ baseUrl }).read(`${baseUrl}x`, context)).rejects.toThrow(UnsafeUrlError);
  });

  it("does not connect to a name that resolves to this machine", async () => {
    let requests = 0;
    const baseUrl = await site((_request, response) => {
      requests++;
      response.end("inside");
    });
    const rebound = baseUrl.replace("127.0.0.1", "rebound.example.com");
    const original = dns.lookup;
    closers.push(() => {
      dns.lookup = original;
      syncBuiltinESMExports();
    });
    const answer = [{ address: "127.0.0.1", family: 4 }];
    dns.lookup = ((_name: string, _options: unknown, callback: (...all: unknown[]) => void) =>
      callback(null, answer)) as never;
    syncBuiltinESMExports();
    const provider = open({ baseUrl: rebound, urlPolicy: { schemes: ["http"] } });
    await expect(provider.read(`${rebound}x`, context)).rejects.toThrow(UnsafeUrlError);
    expect(requests).toBe(0);
    // The same with the name allowed does arrive: the refusal was ours.
    const allowed = { schemes: ["http"], allowHosts: ["rebound.example.com"] };
    await open({ baseUrl: rebound, urlPolicy: allowed }).read(`${rebound}x`, context);
    expect(requests).toBe(1);
  });

  it.each([
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "https://intranet/",
    "https://a:b@example.com/",
  ])("%s is no base URL", (baseUrl) => {
    expect(() => new HttpResourceProvider({ baseUrl })).toThrow(UnsafeUrlError);
  });

  it.each([
    ["../x"],
    ["a/../../x"],
    ["%2e%2e/x"],
    ["%252e%252e/x"],
    ["%25252e%25252e/x"],
    ["..%2fx"],
    ["..%5cx"],
    ["a\\..\\x"],
    ["/etc/passwd"],
    ["//evil.example/x"],
    ["a%00b"],
    ["%ff"],
    ["a#b"],
    ["a b"],
  ])("nothing below the base is called %s", (tail) => {
    expect(normalTail(tail)).toBe(undefined);
    expect(
      open({ baseUrl: "https://example.com/docs/" }).locate(`https://example.com/docs/${tail}`),
    ).toBe(undefined);
  });

  it("one page has one spelling", () => {
    const provider = open({ baseUrl: "https://example.com/docs/", uriPrefix: "docs://x/" });
    expect(provider.locate("docs://x/%61b%c3%a9?q=%7e")).toBe("docs://x/ab%C3%A9?q=~");
    expect(provider.locate("https://example.com/docs/a")).toBe(undefined);
  });

  it.each([
    [{}, /"baseUrl" is required/],
    [{ baseUrl: "https://example.com/x" }, /must end with "\/"/],
    [{ baseUrl: "https://example.com/?q" }, /no query/],
    [{ baseUrl: "https://example.com/", uriPrefix: "docs:x" }, /"uriPrefix" must end/],
    [{ baseUrl: "https://example.com/", resources: "all" }, /"resources"/],
    [{ baseUrl: "https://example.com/", timeoutMs: 0 }, /"timeoutMs"/],
    [{ baseUrl: "https://example.com/", url: "" }, /unknown option "url"/],
  ])("refuses options: %#", (options, message) => {
    expect(() => new HttpResourceProvider(options as never)).toThrow(message);
  });
});
