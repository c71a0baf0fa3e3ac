import { type Authenticator, MCPError } from "@backplane/protocol";
import { MCPServer, SimpleMCPServer } from "@backplane/server";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  AnswerScriptError,
  accept,
  cancel,
  createFakeClock,
  decline,
  MCPTestClient,
  type MCPTestClientOptions,
  says,
  type TestTarget,
} from "./index.ts";
import { weatherServer } from "./weather-server.test-support.ts";

function clientOf(target: TestTarget, options: MCPTestClientOptions = {}): MCPTestClient {
  const client = new MCPTestClient(target, options);
  onTestFinished(() => client.disconnect().catch(() => undefined));
  return client;
}

const legs = (["memory", "http"] as const).flatMap((transport) =>
  (["modern", "legacy"] as const).map((protocol) => ({ transport, protocol })),
);

describe.each(legs)("over $transport, $protocol", (leg) => {
  it("calls a tool", async () => {
    const client = await clientOf(weatherServer, leg).connect();
    const result = await client.callTool("get_weather", { arguments: { location: "Test City" } });
    expect(result.structuredContent).toMatchObject({ location: "Test City", temperature: 21 });
    expect(await client.call("get_weather", { arguments: { location: "Oslo" } })).toMatchObject({
      location: "Oslo",
    });
    expect(client.client.era).toBe(leg.protocol);
    expect(client.url === undefined).toBe(leg.transport === "memory");
  });

  it("answers what the server asks", async () => {
    const client = clientOf(weatherServer, {
      ...leg,
      answers: {
        elicit: [accept({ name: "Ada" }), decline(), cancel()],
        sample: () => says("Paris"),
        roots: [{ uri: "file:///work" }],
      },
    });
    expect(await client.call("ask")).toBe("accept Ada");
    expect(client.unusedAnswers).toBe(2);
    expect(await client.call("ask")).toBe("decline undefined");
    expect(await client.call("ask")).toBe("cancel undefined");
    expect(client.unusedAnswers).toBe(0);
    expect(await client.call("ask_model")).toContain("Paris");
    expect(await client.call("ask_roots")).toBe("file:///work");
    expect(client.asked.map(({ kind }) => kind)).toEqual(["elicit", "elicit", "elicit", "sample"]);
    expect(client.asked[0]?.params).toMatchObject({ message: "Your name?" });
  });

  it("says when the server asks for more than was scripted", async () => {
    const client = clientOf(weatherServer, { ...leg, answers: { elicit: [] } });
    const failure = client.callTool("ask");
    await expect(failure).rejects.toThrow(AnswerScriptError);
    await expect(failure).rejects.toThrow(
      'once more ("Your name?"), but "answers.elicit" has 0 answers',
    );
  });

  it("keeps what crossed the wire", async () => {
    const client = clientOf(weatherServer, leg);
    await client.callTool("count", { onProgress: () => undefined });
    const sent = client.traffic.filter(({ direction }) => direction === "sent");
    expect(sent.map(({ message }) => message?.method)).toContain("tools/call");
    expect(client.notifications.map(({ params }) => params["progress"])).toEqual([1, 2, 3]);
    const last = client.traffic.at(-1);
    expect(last?.direction).toBe("received");
    expect(last?.message?.result).toMatchObject({ content: [{ type: "text", text: "counted" }] });
    if (leg.transport === "http") {
      expect(last?.http).toMatchObject({
        status: 200,
        headers: { "content-type": expect.stringContaining("text/event-stream") },
      });
    } else expect(last?.http).toBeUndefined();
    client.clearTraffic();
    expect(client.traffic).toEqual([]);
  });

  it("tells what the server answers with an error", async () => {
    const client = clientOf(weatherServer, leg);
    await expect(client.callTool("no_such_tool")).rejects.toThrow(MCPError);
    expect(await client.callTool("fail")).toMatchObject({ isError: true });
  });
});

describe("the server under test", () => {
  it("may be an object, which stays the test's own", async () => {
    const server = weatherServer();
    await using first = new MCPTestClient(server);
    await using second = new MCPTestClient(server, { transport: "http", protocol: "legacy" });
    expect(await first.call("whoami")).toBe("nobody");
    expect(await second.call("whoami")).toBe("nobody");
    await first.disconnect();
    await second.disconnect();
    const third = clientOf(server);
    expect(await third.call("whoami")).toBe("nobody");
    expect(third.server).toBe(server);
    await server.stop();
  });

  it("may be a subclass, by its object or its class", async () => {
    class MyServer extends MCPServer {
      constructor() {
        super({ name: "mine", version: "1.0.0" });
        this.tool("hello", {}, () => "hello");
      }
    }
    expect(await clientOf(MyServer).call("hello")).toBe("hello");
    const own = new MyServer();
    expect(await clientOf(own).call("hello")).toBe("hello");
    await own.stop();
  });

  it("may be a SimpleMCPServer", async () => {
    const simple = new SimpleMCPServer("simple").tool("hello", "Says hello", {}, () => "hello");
    expect(await clientOf(simple).call("hello")).toBe("hello");
    await simple.server.stop();
  });

  it("is stopped when it was made for the client, and only then", async () => {
    const stopped: string[] = [];
    const made = (name: string) => {
      const server = weatherServer();
      server.onStop("test", () => void stopped.push(name));
      return server;
    };
    const given = made("given");
    await (await clientOf(given).connect()).disconnect();
    await (await clientOf(async () => made("own")).connect()).disconnect();
    expect(stopped).toEqual(["own"]);
    await given.stop();
  });

  it("may run elsewhere", async () => {
    const server = weatherServer();
    const { url } = await server.start({ port: 0 });
    onTestFinished(() => server.stop());
    const client = clientOf(url as string);
    expect(await client.call("whoami")).toBe("nobody");
    expect(client.server).toBeUndefined();
    expect(client.traffic.length).toBeGreaterThan(0);
  });

  it("gets the client's clock and a log", async () => {
    const clock = createFakeClock();
    const principal = { id: "ada", scopes: [], roles: [], expiresAtMs: clock.now() + 60_000 };
    const client = clientOf((context) => weatherServer(context), { clock, principal });
    expect(await client.call("whoami")).toBe("ada");
    expect(client.traffic[0]?.atMs).toBe(clock.now());
    clock.advance(60_000);
    await expect(client.call("whoami")).rejects.toThrow(MCPError);
    expect(client.traffic.at(-1)?.atMs).toBe(clock.now());
    // The rejected tool is the server's own business: it says so in its log.
    const other = clientOf((context) => weatherServer(context));
    await other.callTool("throw").catch(() => undefined);
    expect(other.serverLog).toContainEqual(expect.objectContaining({ level: "error" }));
  });

  it.each([42, null, {}, () => ({})])("is not %s", async (target) => {
    await expect(clientOf(target as never).connect()).rejects.toThrow("must be an MCPServer");
  });
});

describe("identity", () => {
  it("is given in memory", async () => {
    const server = weatherServer();
    expect(await clientOf(server, { principal: "ada" }).call("whoami")).toBe("ada");
    const principal = { id: "bob", scopes: ["read"], roles: [] };
    expect(await clientOf(server, { principal }).call("whoami")).toBe("bob");
    await server.stop();
  });

  it("is established by the server over HTTP, and its credentials are not recorded", async () => {
    const auth: Authenticator = {
      authenticate: (request) =>
        request.header("authorization") === "Bearer letmein"
          ? { principal: { id: "carol", scopes: [], roles: [] } }
          : { failure: { status: 401, headers: { "WWW-Authenticate": "Bearer" }, message: "no" } },
    };
    const server = weatherServer({ auth });
    const client = clientOf(server, { transport: "http", auth: "letmein" });
    expect(await client.call("whoami")).toBe("carol");
    expect(JSON.stringify(client.traffic.map(({ http }) => http))).not.toContain("letmein");
    const headers = client.traffic[0]?.http?.headers;
    expect(headers).toMatchObject({ authorization: "[redacted]" });
    expect(Object.keys(headers ?? {})).not.toContain("x-backplane-test-client");
    await server.stop();
  });
});

describe("options", () => {
  it.each([
    [{ transport: "stdio" }, '"transport"'],
    [{ protocol: "2020-01-01" }, '"protocol"'],
    [{ clock: {} }, '"clock"'],
    [{ maxTraffic: 0 }, '"maxTraffic"'],
    [{ transport: "http", principal: "ada" }, 'use "auth" or "headers"'],
    [{ transport: "http", chaos: {} }, '"chaos" is for memory'],
    [{ headers: { a: "b" } }, 'with "principal"'],
    [{ answers: { elicitt: [] } }, "elicitt"],
    [{ answers: { elicit: {} } }, '"answers.elicit"'],
    [{ tiemoutMs: 5 }, "tiemoutMs"],
  ])("%j is refused", (options, says) => {
    expect(() => new MCPTestClient(weatherServer(), options as never)).toThrow(says);
  });

  it("a URL is not in memory", () => {
    expect(() => new MCPTestClient("http://127.0.0.1:1/mcp", { transport: "memory" })).toThrow(
      '"http" for the URL',
    );
  });

  it("those of the client reach it", async () => {
    const client = clientOf(weatherServer, { timeoutMs: 20 });
    await expect(client.callTool("wait")).rejects.toMatchObject({ code: "timeout" });
  });
});

describe("the life of a test client", () => {
  it("has no client before connect, and none again after disconnect", async () => {
    const client = clientOf(weatherServer);
    expect(() => client.client).toThrow('from "await connect()"');
    await client.connect();
    expect((await client.client.listTools()).length).toBeGreaterThan(3);
    await client.disconnect();
    await expect(client.call("whoami")).rejects.toThrow("was disconnected");
  });

  it("keeps the latest traffic only", async () => {
    const client = clientOf(weatherServer, { maxTraffic: 3 });
    for (let call = 0; call < 5; call++) await client.call("whoami");
    expect(client.traffic).toHaveLength(3);
    expect(client.trafficDropped).toBeGreaterThan(3);
  });

  it("tells at the end of a question that no answer was left for", async () => {
    const client = clientOf(weatherServer, { answers: { elicit: [] } });
    await client.connect();
    await client.client.callTool("ask").catch(() => undefined);
    await expect(client.disconnect()).rejects.toThrow(AnswerScriptError);
  });
});
