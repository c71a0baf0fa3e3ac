import { afterEach, describe, expect, it, vi } from "vitest";
import { quietServer, textOf } from "./input-peer.test-support.ts";
import { FIXTURE_TOOLS } from "./sdk-fixture.test-support.ts";
import { type HostingSdk, type Loose, Rigs } from "./sdk-rig.test-support.ts";

/** How hosting begins and ends, and its options. */
export function lifecycleSuite(sdk: HostingSdk): void {
  const rigs = new Rigs(sdk);
  afterEach(() => rigs.close());

  it("says what the hosted server says of itself", async () => {
    const { hosted } = await rigs.open();
    expect(hosted.serverInfo).toMatchObject({ name: "hosted", version: "3.2.1", title: "Hosted" });
    expect(hosted.instructions).toBe("Use add to add.");
  });

  it("takes a function that makes the server", async () => {
    const server = quietServer([]);
    const hosted = await sdk.hostSdkServer(server, async () => sdk.makeFixture().sdkServer);
    expect(hosted.serverInfo?.name).toBe("hosted");
    await hosted.close();
    await server.stop();
  });

  it("ends with the server when a function made it", async () => {
    const server = quietServer([]);
    const hosted = await sdk.hostSdkServer(server, () => sdk.makeFixture().sdkServer);
    await server.stop();
    await hosted.closed;
    await hosted.close();
  });

  it("is left open by the server when it was given, so that it can be hosted anew", async () => {
    const { sdkServer } = sdk.makeFixture();
    const [first, second] = [quietServer([]), quietServer([])];
    const hosted = await sdk.hostSdkServer(first, sdkServer);
    await first.stop();
    await expect(sdk.hostSdkServer(second, sdkServer)).rejects.toThrow(/already connected/i);
    await hosted.close();
    await (await sdk.hostSdkServer(second, sdkServer)).close();
    await second.stop();
  });

  it("is closed again when the server has been stopped meanwhile", async () => {
    const server = quietServer([]);
    const { sdkServer } = sdk.makeFixture();
    const hosting = sdk.hostSdkServer(server, async () => {
      await server.stop();
      return sdkServer;
    });
    await expect(hosting).rejects.toThrow("has been stopped");
    const other = quietServer([]);
    await (await sdk.hostSdkServer(other, sdkServer)).close();
    await other.stop();
  });

  it("puts the prefix before tools and prompts, and takes it off again", async () => {
    const { client } = await rigs.open({ namePrefix: "sdk." });
    const peer = await client("modern");
    const names = (await peer.list("tools/list", "tools")).map(({ name }) => name);
    expect(names).toContain("sdk.add");
    const { result } = await peer.call("sdk.add", { args: { a: 1, b: 1 } });
    expect(result).toMatchObject({ structuredContent: { sum: 2 } });
    const prompt = { name: "sdk.greet", arguments: { name: "Ada" } };
    expect((await peer.request("prompts/get", prompt)).result).toHaveProperty("messages");
  });

  it("gives what it registers the protection that the options say", async () => {
    const seen: Loose[] = [];
    const { client } = await rigs.open(
      {
        toolOptions: ({ name }) => (name === "add" ? { scopes: ["math"] } : {}),
        promptOptions: () => ({ roles: ["writer"] }),
        resourceOptions: (resource) => ({
          tags: ["uriTemplate" in resource ? "template" : "resource"],
          cacheHint: { ttlMs: 1_234, cacheScope: "public" },
        }),
      },
      {
        policy: {
          perPrincipal: false,
          decide: (_principal, primitive) => {
            seen.push(primitive);
            return { effect: primitive.scopes.includes("math") ? "hide" : "allow" };
          },
        },
      },
    );
    const peer = await client("modern");
    expect((await peer.call("add", { args: { a: 1, b: 1 } })).error?.code).toBe(-32602);
    expect((await peer.call("fail")).result).toMatchObject({ isError: true });
    await peer.request("prompts/list");
    await peer.request("resources/list");
    await peer.request("resources/templates/list");
    expect(seen).toContainEqual(expect.objectContaining({ name: "greet", roles: ["writer"] }));
    expect(seen).toContainEqual(
      expect.objectContaining({ name: "memo://one", tags: ["resource"] }),
    );
    expect(seen).toContainEqual(
      expect.objectContaining({ name: "note://{id}", tags: ["template"] }),
    );
    const read = await peer.request("resources/read", { uri: "memo://one" });
    expect(read.result).toMatchObject({ ttlMs: 1_234, cacheScope: "public" });
  });

  it("passes the authInfo that the option makes", async () => {
    const { client } = await rigs.open({
      authInfo: ({ method }) => ({ token: "t", clientId: method, scopes: [] }),
    });
    const answer = await (await client("legacy")).call("whoami");
    expect(JSON.parse(textOf(answer) ?? "")).toEqual({
      authInfo: { token: "t", clientId: "tools/call", scopes: [] },
      meta: {},
    });
  });

  it("runs hosted calls inside the interceptors of the server", async () => {
    const { client, server } = await rigs.open();
    const seen: string[] = [];
    server.use({
      name: "spy",
      phase: "observe",
      intercept: (invocation, next) => {
        seen.push(`${invocation.method} ${invocation.target}`);
        return next(invocation);
      },
    });
    await (await client("modern")).call("add", { args: { a: 1, b: 1 } });
    expect(seen).toEqual(["tools/call add"]);
  });

  it("ends the oldest subscription at the hosted server when there are too many", async () => {
    const { client, fixture, logged } = await rigs.open({ maxSubscriptions: 2 });
    const peer = await client("legacy");
    for (const id of ["1", "2", "1", "3"]) {
      await peer.request("resources/subscribe", { uri: `note://${id}` });
    }
    await vi.waitFor(() => expect(fixture.state.subscribed).toEqual(["note://1", "note://3"]));
    expect(logged).toContainEqual(expect.objectContaining({ uri: "note://2" }));
  });

  it("is taken off the server by close, after the calls that run", async () => {
    const { client, fixture, hosted } = await rigs.open();
    const peer = await client("legacy");
    peer.answer = () => ({ action: "accept", content: { name: "Ada" } });
    const held = peer.call("hold", { args: { id: "a" } });
    await vi.waitFor(() => expect(fixture.state.events).toEqual(["hold a"]));
    const closing = hosted.close();
    expect((await peer.call("add", { args: { a: 1, b: 1 } })).error?.code).toBe(-32601);
    fixture.state.open();
    expect((await held).result).toHaveProperty("content");
    await closing;
    await hosted.closed;
    expect((await peer.request("prompts/list")).error?.code).toBe(-32601);
  });

  it("cancels what still runs when the time to drain is over", async () => {
    const { client, fixture, hosted } = await rigs.open();
    const waiting = (await client("legacy")).call("wait");
    await vi.waitFor(() => expect(fixture.state.events).toEqual(["wait started"]));
    await hosted.close({ drainTimeoutMs: 20 });
    expect((await waiting).error).toMatchObject({
      code: -1503,
      data: { reason: "hosted_server_closed" },
    });
    expect(fixture.state.events).toEqual(["wait started", "wait aborted"]);
  });

  it("lets the drain of the server end hosted calls", async () => {
    const { client, fixture, server } = await rigs.open();
    await server.start({ port: 0, drainTimeoutMs: 20 });
    const waiting = (await client("legacy")).call("wait");
    await vi.waitFor(() => expect(fixture.state.events).toEqual(["wait started"]));
    await server.stop();
    expect((await waiting).error?.code).toBe(-1503);
    await vi.waitFor(() => expect(fixture.state.events).toContain("wait aborted"));
  });

  it("says so when the hosted server goes away by itself", async () => {
    const { client, fixture, hosted, logged } = await rigs.open();
    const peer = await client("legacy");
    const waiting = peer.call("wait");
    await vi.waitFor(() => expect(fixture.state.events).toEqual(["wait started"]));
    await fixture.sdkServer.close();
    expect((await waiting).error?.code).toBe(-1503);
    await hosted.closed;
    expect(await peer.request("tools/list")).toMatchObject({ error: { code: -32601 } });
    expect(logged).toContainEqual(
      expect.objectContaining({
        server: "hosted",
        message: "a hosted SDK server closed its connection; what it offered is gone",
      }),
    );
  });

  describe("refusals", () => {
    it.each([
      [{ prefix: "x" }, 'unknown option "prefix"'],
      [{ connectTimeoutMs: 0 }, 'option "connectTimeoutMs" must be a whole number of 1 or more'],
      [{ maxSubscriptions: 1.5 }, 'option "maxSubscriptions" must be a whole number'],
      [{ namePrefix: 3 }, 'option "namePrefix" must be a string'],
      [{ authInfo: null }, 'option "authInfo" must be a function'],
      [{ toolOptions: () => ({ scope: "x" }) }, 'the unknown member "scope"'],
      [{ promptOptions: () => ({ deadlines: {} }) }, 'the unknown member "deadlines"'],
      [{ namePrefix: "no spaces allowed " }, 'tool "no spaces allowed add"'],
    ])("%j", async (options, message) => {
      const server = quietServer([]);
      const { sdkServer } = sdk.makeFixture();
      await expect(sdk.hostSdkServer(server, sdkServer, options as Loose)).rejects.toThrow(message);
      // Nothing is left behind: the same server can be hosted now.
      const hosted = await sdk.hostSdkServer(server, sdkServer);
      await hosted.close();
      await server.stop();
    });

    it("a name that is taken, taking back what was registered before it", async () => {
      const server = quietServer([]);
      server.tool("whoami", {}, () => "me");
      const { sdkServer } = sdk.makeFixture();
      await expect(sdk.hostSdkServer(server, sdkServer)).rejects.toThrow(
        'tool "whoami" is registered already',
      );
      for (const name of Object.keys(FIXTURE_TOOLS)) {
        expect(server.removeTool(name)).toBe(name === "whoami");
      }
      await server.stop();
    });

    it("what is no server", async () => {
      const server = quietServer([]);
      await expect(sdk.hostSdkServer(server, {} as Loose)).rejects.toThrow('no method "connect"');
    });

    it("a server that is connected already, which goes on", async () => {
      const { client, fixture } = await rigs.open();
      await expect(sdk.hostSdkServer(quietServer([]), fixture.sdkServer)).rejects.toThrow(
        /already connected/i,
      );
      const { result } = await (await client("legacy")).call("add", { args: { a: 1, b: 1 } });
      expect(result).toMatchObject({ structuredContent: { sum: 2 } });
    });

    it("a drain time that is none", async () => {
      const { hosted } = await rigs.open();
      await expect(hosted.close({ drainTimeoutMs: -1 })).rejects.toThrow('"drainTimeoutMs"');
    });
  });
}
