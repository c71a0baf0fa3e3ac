import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { clientTracing, type TracingOptions, tracing } from "@backplane/monitoring";
import { propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { AlwaysOffSampler, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { modern } from "../protocol/harness/http.ts";
import { observedServer, observingClient, PROTOCOLS } from "./harness/observed-server.ts";
import { inMemory, useOpenTelemetry } from "./harness/traced.ts";

useOpenTelemetry();

const REMOTE = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
const TRACEPARENT = `00-${REMOTE.traceId}-${REMOTE.spanId}-01`;
const OTHER = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const OTHER_TRACEPARENT = `00-${OTHER.traceId}-${OTHER.spanId}-01`;

/** What an upstream of the server was asked, by its headers. */
async function upstream(): Promise<{
  readonly url: string;
  readonly asked: NodeJS.Dict<unknown>[];
}> {
  const asked: NodeJS.Dict<unknown>[] = [];
  const server = createServer((incoming, response) => {
    asked.push(incoming.headers);
    response.end("ok");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`, asked };
}

function instrumentUndici(tracerProvider: ReturnType<typeof inMemory>["tracerProvider"]): void {
  const instrumentation = new UndiciInstrumentation();
  instrumentation.setTracerProvider(tracerProvider);
  instrumentation.enable();
  onTestFinished(() => instrumentation.disable());
}

async function traced(options: TracingOptions = {}, memory = inMemory()) {
  const { server, url } = await observedServer();
  server.use(tracing({ tracerProvider: memory.tracerProvider, ...options }));
  return { server, url, ...memory };
}

function named(spans: readonly ReadableSpan[], name: string, kind: SpanKind): ReadableSpan {
  const found = spans.find((span) => span.name === name && span.kind === kind);
  if (found === undefined) throw new Error(`no ${name} among ${spans.map((one) => one.name)}`);
  return found;
}

describe.each(PROTOCOLS)("one trace, %s", (protocol) => {
  it("from a client through its server to what a handler asks of others", async () => {
    const { url: upstreamUrl, asked } = await upstream();
    const memory = inMemory();
    instrumentUndici(memory.tracerProvider);
    const { server, url } = await traced({}, memory);
    server.tool("asks", {}, async () => {
      await (await request(upstreamUrl)).body.text();
      await (await fetch(upstreamUrl)).text();
      return "asked";
    });
    const client = observingClient({ url, protocol });
    client.use(clientTracing({ tracerProvider: memory.tracerProvider }));
    await client.callTool("asks");
    const spans = memory.spans();
    const sent = named(spans, "tools/call asks", SpanKind.CLIENT);
    const served = named(spans, "tools/call asks", SpanKind.SERVER);
    const { traceId } = sent.spanContext();
    expect(served.spanContext().traceId).toBe(traceId);
    expect(served.parentSpanContext?.spanId).toBe(sent.spanContext().spanId);
    const asks = spans.filter(({ attributes }) => attributes["url.path"] === "/data");
    expect(asks).toHaveLength(2);
    for (const ask of asks) {
      expect(ask.parentSpanContext?.spanId).toBe(served.spanContext().spanId);
    }
    expect(asked.map(({ traceparent }) => traceparent)).toEqual(
      asks.map((ask) => `00-${traceId}-${ask.spanContext().spanId}-01`),
    );
  });

  it("of servers in a row", async () => {
    const memory = inMemory();
    const last = await traced({}, memory);
    const first = await traced({}, memory);
    const between = observingClient({ url: last.url, protocol });
    between.use(clientTracing({ tracerProvider: memory.tracerProvider }));
    first.server.tool("relay", {}, () => between.call("echo", { text: "hi" }) as Promise<string>);
    const client = observingClient({ url: first.url, protocol });
    client.use(clientTracing({ tracerProvider: memory.tracerProvider }));
    expect(await client.call("relay")).toBe("hi");
    const calls = memory.spans().filter(({ name }) => name.startsWith("tools/call"));
    expect(new Set(calls.map((span) => span.spanContext().traceId)).size).toBe(1);
    const relay = named(calls, "tools/call relay", SpanKind.SERVER);
    const asked = named(calls, "tools/call echo", SpanKind.CLIENT);
    const answered = named(calls, "tools/call echo", SpanKind.SERVER);
    expect(asked.parentSpanContext?.spanId).toBe(relay.spanContext().spanId);
    expect(answered.parentSpanContext?.spanId).toBe(asked.spanContext().spanId);
  });

  it("with the attributes of the conventions", async () => {
    const { url, spans, tracerProvider } = await traced();
    const client = observingClient({ url, protocol });
    client.use(clientTracing({ tracerProvider }));
    await client.connect();
    await client.callTool("echo", { text: "hi" });
    await client.getPrompt("greeting");
    await client.readResource("notes://7");
    const common = {
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "echo",
      "gen_ai.operation.name": "execute_tool",
      "mcp.protocol.version": protocol,
      "network.transport": "tcp",
      "network.protocol.name": "http",
    };
    const served = named(spans(), "tools/call echo", SpanKind.SERVER);
    expect(served.attributes).toMatchObject({ ...common, "client.address": "127.0.0.1" });
    expect(served.attributes["jsonrpc.request.id"]).toMatch(/^\d+$/);
    expect(served.status.code).toBe(SpanStatusCode.UNSET);
    const session = served.attributes["mcp.session.id"];
    if (protocol === "2025-11-25") expect(session).toMatch(/^[\w-]{43}$/);
    else expect(session).toBeUndefined();
    const sent = named(spans(), "tools/call echo", SpanKind.CLIENT);
    const { port } = new URL(url);
    expect(sent.attributes).toMatchObject({
      ...common,
      "server.address": "127.0.0.1",
      "server.port": Number(port),
    });
    expect(named(spans(), "prompts/get greeting", SpanKind.SERVER).attributes).toMatchObject({
      "gen_ai.prompt.name": "greeting",
    });
    // A URI would be a name without bound.
    expect(named(spans(), "resources/read", SpanKind.SERVER).attributes).toMatchObject({
      "mcp.resource.uri": "notes://7",
    });
  });

  it("with how it failed", async () => {
    const { server, url, spans, tracerProvider } = await traced();
    server.tool("leaks", {}, () => {
      throw new Error("cannot log in with password=hunter2");
    });
    const client = observingClient({ url, protocol });
    client.use(clientTracing({ tracerProvider }));
    await client.callTool("refuses");
    await client.callTool("leaks").catch(() => {});
    await client.callTool("invented").catch(() => {});
    const refuses = named(spans(), "tools/call refuses", SpanKind.SERVER);
    expect(refuses.attributes["error.type"]).toBe("tool_error");
    expect(refuses.status.code).toBe(SpanStatusCode.ERROR);
    const leaks = named(spans(), "tools/call leaks", SpanKind.SERVER);
    expect(leaks.attributes).toMatchObject({
      "error.type": "-32603",
      "backplane.correlation_id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(leaks.events.map(({ name }) => name)).toEqual(["exception"]);
    expect(JSON.stringify([leaks.events, leaks.status])).not.toContain("hunter2");
    const told = named(spans(), "tools/call leaks", SpanKind.CLIENT);
    expect(told.attributes).toMatchObject({
      "error.type": "-32603",
      "rpc.response.status_code": "-32603",
    });
    const invented = named(spans(), "tools/call invented", SpanKind.CLIENT);
    expect(invented.attributes["error.type"]).toBe("-32602");
    // Nothing of it ran: there is nothing to trace, and no name to be made up.
    expect(
      spans()
        .filter(({ kind }) => kind === SpanKind.SERVER)
        .map(({ name }) => name),
    ).not.toContain("tools/call invented");
  });

  it("never with arguments and results, unless asked for, and then redacted", async () => {
    const secret = { text: "hi", password: "hunter2" };
    const silent = await traced();
    await observingClient({ url: silent.url, protocol }).callTool("echo", secret);
    const spoken = await traced({ recordArguments: true, recordResults: true });
    const client = observingClient({ url: spoken.url, protocol });
    client.use(
      clientTracing({
        tracerProvider: spoken.tracerProvider,
        recordArguments: true,
        recordResults: true,
      }),
    );
    await client.callTool("echo", secret);
    const of = (spans: readonly ReadableSpan[], kind: SpanKind) =>
      named(spans, "tools/call echo", kind).attributes;
    const unspoken = of(silent.spans(), SpanKind.SERVER);
    expect(unspoken).not.toHaveProperty("gen_ai.tool.call.arguments");
    expect(unspoken).not.toHaveProperty("gen_ai.tool.call.result");
    for (const kind of [SpanKind.SERVER, SpanKind.CLIENT]) {
      const attributes = of(spoken.spans(), kind);
      expect(JSON.parse(attributes["gen_ai.tool.call.arguments"] as string)).toEqual({
        text: "hi",
        password: "[redacted]",
      });
      expect(attributes["gen_ai.tool.call.result"]).toContain("hi");
    }
  });

  it("with baggage, which handlers can read and hand on", async () => {
    const { server, url } = await traced();
    const seen: (string | undefined)[] = [];
    server.tool("baggage", {}, () => {
      seen.push(propagation.getActiveBaggage()?.getEntry("tenant")?.value);
      return "seen";
    });
    const client = observingClient({ url, protocol });
    const meta = { traceparent: TRACEPARENT, baggage: "tenant=acme" };
    await client.callTool("baggage", {}, { meta });
    expect(seen).toEqual(["acme"]);
  });
});

describe("where a server's span hangs", () => {
  const place = async (
    options: TracingOptions,
    meta: Record<string, string>,
    headers: Record<string, string>,
  ) => {
    const { url, spans } = await traced(options);
    const params = { name: "echo", arguments: { text: "hi" } };
    const answer = await modern(url, "tools/call", params, { headers, meta });
    expect(answer.status).toBe(200);
    const served = named(spans(), "tools/call echo", SpanKind.SERVER);
    return {
      traceId: served.spanContext().traceId,
      parent: served.parentSpanContext?.spanId,
      links: served.links.map((link) => link.context.spanId),
    };
  };

  it.each<[string, Record<string, string>, Record<string, string>, object]>([
    ["_meta", { traceparent: TRACEPARENT }, {}, { parent: REMOTE.spanId, links: [] }],
    ["the headers", {}, { traceparent: TRACEPARENT }, { parent: REMOTE.spanId, links: [] }],
    [
      "both, the same",
      { traceparent: TRACEPARENT },
      { traceparent: TRACEPARENT },
      { parent: REMOTE.spanId, links: [] },
    ],
    [
      "both, of which _meta is the request's own",
      { traceparent: TRACEPARENT },
      { traceparent: OTHER_TRACEPARENT },
      { parent: REMOTE.spanId, links: [OTHER.spanId] },
    ],
    ["neither", {}, {}, { parent: undefined, links: [] }],
    ["what is no context", { traceparent: "00-x-y-01" }, {}, { parent: undefined, links: [] }],
    [
      "megabytes",
      {
        traceparent: TRACEPARENT,
        tracestate: "x".repeat(1_000_000),
        baggage: "y".repeat(1_000_000),
      },
      {},
      { parent: REMOTE.spanId, links: [] },
    ],
  ])("context in %s", async (_where, meta, headers, expected) => {
    expect(await place({}, meta, headers)).toMatchObject(expected);
  });

  it("strangers may be linked to only: a trace of our own begins", async () => {
    const options = { remoteContext: "link" } as const;
    const placed = await place(options, { traceparent: TRACEPARENT }, {});
    expect(placed).toMatchObject({ parent: undefined, links: [REMOTE.spanId] });
    expect(placed.traceId).not.toBe(REMOTE.traceId);
  });
});

it("what is not sampled is not recorded, and says so to others", async () => {
  const memory = inMemory(new AlwaysOffSampler());
  const { server, url } = await traced({}, memory);
  const seen: (number | undefined)[] = [];
  server.tool("looks", {}, () => {
    seen.push(trace.getActiveSpan()?.spanContext().traceFlags);
    return "seen";
  });
  await observingClient({ url }).callTool("looks");
  expect(seen).toEqual([0]);
  expect(memory.spans()).toEqual([]);
});

it("results that a client may keep are kept, whatever trace they are asked in", async () => {
  const { tracerProvider, spans } = inMemory();
  const kept = await observedServer({
    cacheHints: { "tools/list": { ttlMs: 60_000, cacheScope: "private" } },
  });
  kept.server.use(tracing({ tracerProvider }));
  const client = observingClient({ url: kept.url });
  client.use(clientTracing({ tracerProvider }));
  for (let time = 0; time < 3; time++) await client.listTools();
  const listed = spans().filter(({ name }) => name === "tools/list");
  expect(listed.filter(({ kind }) => kind === SpanKind.CLIENT)).toHaveLength(3);
  expect(listed.filter(({ kind }) => kind === SpanKind.SERVER)).toHaveLength(1);
});

it("in memory there is no network to speak of, and the trace is one", async () => {
  const { server, spans, tracerProvider } = await traced();
  const client = observingClient({ transport: server.connectInMemory() });
  client.use(clientTracing({ tracerProvider }));
  await client.callTool("echo", { text: "hi" });
  const sent = named(spans(), "tools/call echo", SpanKind.CLIENT);
  const served = named(spans(), "tools/call echo", SpanKind.SERVER);
  expect(served.parentSpanContext?.spanId).toBe(sent.spanContext().spanId);
  expect(served.attributes).not.toHaveProperty("network.transport");
});

it.each<[object, string]>([
  [{ recordArgument: true }, 'unknown option "recordArgument"'],
  [{ recordArguments: "yes" }, 'option "recordArguments" must be true or false'],
  [{ tracerProvider: {} }, 'option "tracerProvider" needs the methods getTracer'],
  [{ sampleRatio: 1.5 }, 'option "sampleRatio" must be a number from 0 to 1, not 1.5'],
  [{ sampleRatio: Number.NaN }, 'option "sampleRatio" must be a number from 0 to 1, not NaN'],
  [{ sampleRatio: "0.1" }, 'option "sampleRatio" must be a number from 0 to 1'],
  [{ remoteContext: "child" }, 'option "remoteContext" must be "parent" or "link"'],
])("refuses %o", (options, message) => {
  expect(() => tracing(options as TracingOptions)).toThrow(message);
});
