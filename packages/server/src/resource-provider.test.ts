import type { Authorizer, Principal, ProtectedPrimitive } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { ERAS, RawClient } from "./client.test-support.ts";
import { MCPServer, type ProvidedContents, type ResourceProvider } from "./index.ts";
import { MapProvider } from "./map-provider.test-support.ts";

function silent(options: Partial<ConstructorParameters<typeof MCPServer>[0]> = {}): MCPServer {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  return new MCPServer({ name: "t", version: "1", logger, ...options });
}

async function listed(client: RawClient, cursor?: string) {
  const result = await client.result("resources/list", cursor === undefined ? {} : { cursor });
  const uris = (result.resources as { uri: string }[]).map(({ uri }) => uri);
  return { uris, nextCursor: result.nextCursor as string | undefined };
}

async function pages(client: RawClient): Promise<readonly (readonly string[])[]> {
  const all: string[][] = [];
  let cursor: string | undefined;
  do {
    const { uris, nextCursor } = await listed(client, cursor);
    all.push(uris);
    cursor = nextCursor;
  } while (cursor !== undefined);
  return all;
}

describe.each(ERAS)("a resource provider, %s", (era) => {
  it("stands in one list with what is registered, over pages of any size", async () => {
    for (const pageSize of [1, 2, 3, 4, 100]) {
      const server = silent({ pageSize });
      server.resource("z://registered", {}, () => "z");
      server.addResourceProvider(new MapProvider("b", ["1", "2", "3"]));
      server.addResourceProvider(new MapProvider("a", ["1"]));
      server.addResourceProvider(new MapProvider("empty"));
      server.resource("y://registered", {}, () => "y");
      const client = await RawClient.connect(server, era);
      const all = await pages(client);
      expect(all.flat()).toEqual([
        "y://registered",
        "z://registered",
        "a://1",
        "b://1",
        "b://2",
        "b://3",
      ]);
      for (const page of all) expect(page.length).toBeLessThanOrEqual(pageSize);
    }
  });

  it("is asked for no more than a page has room for", async () => {
    const server = silent({ pageSize: 3 });
    server.resource("z://registered", {}, () => "z");
    const provider = new MapProvider("a", ["1", "2", "3", "4"]);
    server.addResourceProvider(provider);
    await listed(await RawClient.connect(server, era));
    expect(provider.lists).toEqual([2]);
  });

  it("goes on with the next one when the provider of a cursor has gone", async () => {
    const server = silent({ pageSize: 2 });
    const gone = server.addResourceProvider(new MapProvider("a", ["1", "2", "3"]));
    server.addResourceProvider(new MapProvider("b", ["1"]));
    const client = await RawClient.connect(server, era);
    const { nextCursor } = await listed(client);
    gone.remove();
    expect(await listed(client, nextCursor)).toEqual({ uris: ["b://1"], nextCursor: undefined });
  });

  it("refuses cursors that were never given", async () => {
    const server = silent();
    server.addResourceProvider(new MapProvider("a", ["1"]));
    const client = await RawClient.connect(server, era);
    const forged = (text: string): string => btoa(text).replace(/=+$/, "");
    for (const cursor of [
      "",
      "x",
      "!",
      forged("\u0002[]"),
      forged("\u0002{"),
      forged('\u0002["a",1]'),
      1,
    ]) {
      const { error } = await client.request("resources/list", { cursor });
      expect(error?.code).toBe(-32602);
    }
    // Well formed, of a provider that does not exist: the end of the list.
    expect((await listed(client, forged('\u0002["zz",null]'))).uris).toEqual([]);
  });

  it("reads text, bytes and streams", async () => {
    const bodies: Record<string, ProvidedContents> = {
      text: { body: "ünï" },
      bytes: { body: Uint8Array.of(255, 0, 1), mimeType: "image/png", meta: { "x.example/a": 1 } },
      stream: { body: chunks("ab", "c"), encoding: "utf-8", mimeType: "text/x" },
      binary: { body: chunks("abc") },
      empty: { body: chunks() },
    };
    const provider = new MapProvider("a");
    const server = silent();
    server.addResourceProvider({
      name: "a",
      locate: (uri) => provider.locate(uri),
      list: async () => ({ resources: [] }),
      read: async (uri) => bodies[uri.slice(4)],
    });
    const client = await RawClient.connect(server, era);
    const read = async (name: string) =>
      (await client.result("resources/read", { uri: `a://${name}` })).contents;
    expect(await read("text")).toEqual([{ uri: "a://text", mimeType: "text/plain", text: "ünï" }]);
    expect(await read("bytes")).toEqual([
      { uri: "a://bytes", mimeType: "image/png", blob: "/wAB", _meta: { "x.example/a": 1 } },
    ]);
    expect(await read("stream")).toEqual([{ uri: "a://stream", mimeType: "text/x", text: "abc" }]);
    expect(await read("binary")).toEqual([{ uri: "a://binary", blob: "YWJj" }]);
    expect(await read("empty")).toEqual([{ uri: "a://empty", blob: "" }]);
    const { error } = await client.request("resources/read", { uri: "a://nothing" });
    expect(error).toMatchObject({ code: era === "modern" ? -32602 : -32002 });
    const foreign = await client.request("resources/read", { uri: "b://text" });
    expect(foreign.error).toMatchObject({ code: error?.code });
  });

  it("gives what is registered the first word, and says what is not there", async () => {
    const server = silent();
    server.resource("a://1", {}, () => "registered");
    server.resource("a://t/{x}", {}, () => "template");
    server.addResourceProvider(new MapProvider("a", ["1", "2", "t/1"]));
    const client = await RawClient.connect(server, era);
    const text = async (uri: string) =>
      (await client.result("resources/read", { uri })) as { contents: { text: string }[] };
    expect((await text("a://1")).contents[0]?.text).toBe("registered");
    expect((await text("a://t/1")).contents[0]?.text).toBe("template");
    expect((await text("a://2")).contents[0]?.text).toBe("2");
  });

  it("is refused more than maxBytes, a stream as soon as it is known", async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(1_000);
      } finally {
        closed = true;
      }
    }
    const bodies: Record<string, ProvidedContents["body"]> = {
      text: "é".repeat(2_501),
      bytes: new Uint8Array(5_001),
      stream: endless(),
      fits: "é".repeat(2_500),
    };
    const provider = new MapProvider("a");
    const server = silent();
    const serve: ResourceProvider = {
      name: "a",
      locate: (uri) => provider.locate(uri),
      list: async () => ({ resources: [] }),
      read: async (uri) => ({ body: bodies[uri.slice(4)] as string }),
    };
    server.addResourceProvider(serve, { maxBytes: 5_000 });
    const client = await RawClient.connect(server, era);
    for (const name of ["text", "bytes", "stream"]) {
      const uri = `a://${name}`;
      const { error } = await client.request("resources/read", { uri });
      expect(error).toMatchObject({ code: -1413, data: { uri, maxBytes: 5_000 } });
    }
    expect(closed).toBe(true);
    await client.result("resources/read", { uri: "a://fits" });
  });

  it("has templates, in the list and for completion", async () => {
    const asked: unknown[] = [];
    const server = silent();
    server.addResourceProvider({
      ...{ name: "a", locate: (uri: string) => (uri.startsWith("a://") ? uri : undefined) },
      list: async () => ({ resources: [] }),
      read: async (uri) => ({ body: uri }),
      templates: () => [{ uriTemplate: "a://{x}/{y}", description: "d" }],
      complete: async (request) => {
        asked.push(request);
        return [`${request.variable}-1`];
      },
    });
    const client = await RawClient.connect(server, era);
    const { resourceTemplates } = await client.result("resources/templates/list");
    expect(resourceTemplates).toEqual([
      { uriTemplate: "a://{x}/{y}", name: "a://{x}/{y}", description: "d" },
    ]);
    const { completion } = await client.result("completion/complete", {
      ref: { type: "ref/resource", uri: "a://{x}/{y}" },
      argument: { name: "y", value: "v" },
      context: { arguments: { x: "1" } },
    });
    expect(completion).toMatchObject({ values: ["y-1"] });
    expect(asked).toEqual([
      { uriTemplate: "a://{x}/{y}", variable: "y", value: "v", chosen: { x: "1" } },
    ]);
    // Beyond its template as well: it is the provider that knows its URIs.
    await client.result("resources/read", { uri: "a://1/2/3" });
  });

  it("comes and goes with its handle, templates and all", async () => {
    const server = silent();
    const provider = Object.assign(new MapProvider("a", ["1"]), {
      templates: () => [{ uriTemplate: "a://{x}" }],
    });
    const handle = server.addResourceProvider(provider);
    const client = await RawClient.connect(server, era);
    const state = async () => [
      (await listed(client)).uris.length,
      ((await client.result("resources/templates/list")).resourceTemplates as unknown[]).length,
      (await client.request("resources/read", { uri: "a://1" })).error === undefined,
    ];
    server.resource("keep://open", {}, () => "");
    expect([handle.name, handle.enabled, await state()]).toEqual(["a", true, [2, 1, true]]);
    handle.disable();
    expect([handle.enabled, await state()]).toEqual([false, [1, 0, false]]);
    handle.enable();
    expect(await state()).toEqual([2, 1, true]);
    handle.remove();
    expect(await state()).toEqual([1, 0, false]);
    server.addResourceProvider(provider);
    expect(await state()).toEqual([2, 1, true]);
  });
});

describe("policy over a provider", () => {
  const kinds: ProtectedPrimitive[] = [];
  const policy: Authorizer = {
    perPrincipal: true,
    decide: (principal, primitive) => {
      kinds.push(primitive);
      const { scopes, name, tags } = primitive;
      if (name.includes("secret") || tags.includes("hidden")) return { effect: "hide" };
      if (scopes.every((scope) => principal?.scopes.includes(scope))) return { effect: "allow" };
      return { effect: "challenge", failure: { status: 403, headers: {}, message: "more" } };
    },
  };
  const weak: Principal = { id: "w", scopes: [], roles: [] };

  it("sees each URI with the scopes, roles and tags of the provider", async () => {
    const server = silent({ policy, pageSize: 2 });
    const provider = new MapProvider("a", ["1", "2-secret", "3-secret", "4-secret", "5"]);
    server.addResourceProvider(provider, { scopes: ["read"], roles: ["r"], tags: ["t"] });
    const client = await RawClient.connect(server, "modern");
    expect((await pages(client)).flat()).toEqual(["a://1", "a://5"]);
    expect(kinds).toContainEqual({
      ...{ kind: "resource", name: "a://1", scopes: ["read"], roles: ["r"], tags: ["t"] },
    });
    const seen = await client.request("resources/read", { uri: "a://1" });
    expect(seen.error).toMatchObject({ code: -1403 });
  });

  it("answers for what it hides as for what is not there", async () => {
    const server = silent({ policy });
    server.addResourceProvider(new MapProvider("a", ["secret"]));
    const client = await RawClient.connect(server, "modern");
    const [secret, nothing] = await Promise.all(
      ["secret", "nowhere"].map((name) => client.request("resources/read", { uri: `a://${name}` })),
    );
    expect(secret?.error).toMatchObject({ code: -32602 });
    expect(JSON.stringify(secret?.error).replaceAll("secret", "nowhere")).toBe(
      JSON.stringify(nothing?.error),
    );
  });

  it("no cursor tells the name of what is hidden, and nothing that may be seen is lost", async () => {
    const hidden = (index: number): boolean => index % 30 < 27;
    const names = Array.from({ length: 300 }, (_, index) => {
      const number = String(index).padStart(3, "0");
      return hidden(index) ? `${number}-secret` : number;
    });
    for (const pageSize of [4, 5, 7, 40]) {
      const server = silent({ policy, pageSize });
      server.addResourceProvider(new MapProvider("a", names));
      const client = await RawClient.connect(server, "modern");
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listed(client, cursor);
        seen.push(...page.uris);
        cursor = page.nextCursor;
        expect(Buffer.from(cursor ?? "", "base64url").toString()).not.toContain("secret");
      } while (cursor !== undefined);
      const visible = names.filter((name) => !name.includes("secret"));
      expect(seen).toEqual(visible.map((name) => `a://${name}`));
    }
  });

  it("completes no value that leads to what is hidden, and does not count it either", async () => {
    const server = silent({ policy });
    const provider = Object.assign(new MapProvider("a"), {
      templates: () => [{ uriTemplate: "a://{+path}" }, { uriTemplate: "a://{x}/{y}" }],
      complete: async () => ({ values: ["1", "my-secret", "2"], total: 3, hasMore: false }),
    });
    server.addResourceProvider(provider);
    const client = await RawClient.connect(server, "modern");
    const complete = async (uri: string, name: string, chosen: object = {}) => {
      const ref = { type: "ref/resource", uri };
      const argument = { name, value: "" };
      const params = { ref, argument, context: { arguments: chosen } };
      return (await client.result("completion/complete", params)).completion;
    };
    const visible = { values: ["1", "2"], hasMore: false };
    expect(await complete("a://{+path}", "path")).toEqual(visible);
    expect(await complete("a://{x}/{y}", "y", { x: "b" })).toEqual(visible);
    // Values of which no URI can be made are the provider's own matter.
    expect(await complete("a://{x}/{y}", "y", { x: "\ud800" })).toMatchObject({ total: 3 });
  });

  it("remembers no long URIs, which clients choose", async () => {
    const server = silent({ policy });
    server.addResourceProvider(new MapProvider("a"));
    const client = await RawClient.connect(server, "modern");
    const decisionsAbout = async (length: number) => {
      const name = `a://${"x".repeat(length - 4)}`;
      for (let n = 0; n < 2; n++) await client.request("resources/read", { uri: name });
      return new Set(kinds.filter((each) => each.name === name)).size;
    };
    expect([await decisionsAbout(1_024), await decisionsAbout(1_025)]).toEqual([1, 2]);
  });

  it("decides by the one spelling that the provider knows", async () => {
    const server = silent({ policy });
    const provider = new MapProvider("a", ["secret"]);
    const known = provider.locate.bind(provider);
    const lower = (uri: string): string | undefined => known(uri.toLowerCase());
    server.addResourceProvider(Object.assign(provider, { locate: lower }));
    const client = await RawClient.connect(server, "modern");
    const { error } = await client.request("resources/read", { uri: "a://SeCrEt" });
    expect(error?.code).toBe(-32602);
  });

  it("hides a provider by its tags, and demands its scopes in the metadata", async () => {
    const server = silent({ policy });
    server.addResourceProvider(new MapProvider("a", ["1"]), { tags: ["hidden"], scopes: ["s"] });
    const client = await RawClient.connect(server, "modern");
    expect((await listed(client)).uris).toEqual([]);
    expect(weak.scopes).toEqual([]);
    const { cacheScope } = await client.result("resources/list");
    expect(cacheScope).toBe("private");
  });
});

describe("addResourceProvider", () => {
  const good = new MapProvider("a");

  it.each([
    [undefined, {}, /has no locate/],
    [{}, {}, /has no locate/],
    [Object.assign(new MapProvider("x"), { name: "a b" }), {}, /name "a b"/],
    [good, { scope: [] }, /unknown option "scope"/],
    [good, { scopes: [] }, /scopes is an empty list/],
    [good, { maxBytes: 0 }, /"maxBytes"/],
    [good, { cacheHint: { ttlMs: -1 } }, /ttlMs/],
    [
      Object.assign(new MapProvider("x"), { templates: () => [{ uriTemplate: "x://y" }] }),
      {},
      /no variable/,
    ],
  ])("refuses what is none: %#", (provider, options, message) => {
    expect(() => silent().addResourceProvider(provider as never, options as never)).toThrow(
      message,
    );
  });

  it("takes a name or a template once, and leaves nothing behind when it is taken", async () => {
    const server = silent();
    server.addResourceProvider(good);
    expect(() => server.addResourceProvider(new MapProvider("a"))).toThrow(/"a" is registered/);
    server.resource("b://{x}", {}, () => "");
    const clash = Object.assign(new MapProvider("b", ["1"]), {
      templates: () => [{ uriTemplate: "b://{y}" }, { uriTemplate: "b://{x}" }],
    });
    expect(() => server.addResourceProvider(clash)).toThrow(/"b:\/\/\{x\}" is registered/);
    const client = await RawClient.connect(server, "modern");
    expect((await listed(client)).uris).toEqual([]);
    const { resourceTemplates } = await client.result("resources/templates/list");
    expect(resourceTemplates).toHaveLength(1);
  });
});

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}
