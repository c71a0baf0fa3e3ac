import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { clientTracing, type TracingOptions, tracing } from "@backplane/monitoring";
import { context, propagation, type SpanContext, trace } from "@opentelemetry/api";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { modern } from "../protocol/harness/http.ts";
import { observedServer, observingClient, PROTOCOLS } from "./harness/observed-server.ts";
import { inMemory, useOpenTelemetry } from "./harness/traced.ts";

useOpenTelemetry();

const REMOTE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const SAMPLED = `00-${REMOTE}-${SPAN}-01`;
const UNSAMPLED = `00-${REMOTE}-${SPAN}-00`;

/** An upstream that keeps the trace context that it was asked with. */
async function upstream(): Promise<{ readonly url: string; readonly asked: unknown[] }> {
  const asked: unknown[] = [];
  const server = createServer((incoming, response) => {
    asked.push(incoming.headers.traceparent);
    response.end("ok");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

/** A server whose tool `nests` makes a span of its own, and keeps the contexts that it saw. */
async function nesting(options: TracingOptions) {
  const memory = inMemory();
  const { tracerProvider } = memory;
  const { server, url } = await observedServer();
  server.use(tracing({ tracerProvider, ...options }));
  const seen: (SpanContext | undefined)[] = [];
  server.tool("nests", {}, async () => {
    await new Promise(setImmediate);
    const active = trace.getActiveSpan();
    seen.push(active?.spanContext());
    expect(active?.spanContext()).toBe(active?.spanContext());
    tracerProvider.getTracer("tool").startSpan("nested").end();
    return "nested";
  });
  return { server, url, seen, tracerProvider, names: () => memory.spans().map(({ name }) => name) };
}

describe.each(PROTOCOLS)("a call that sampleRatio leaves out, %s", (protocol) => {
  it("records nothing, and neither do spans below it", async () => {
    const { url, seen, names } = await nesting({ sampleRatio: 0 });
    const client = observingClient({ url, protocol });
    await client.callTool("nests");
    await client.callTool("nests");
    expect(names()).toEqual([]);
    expect(seen).toHaveLength(2);
    for (const one of seen) {
      expect(one).toMatchObject({ traceFlags: 0 });
      expect(one?.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(one?.spanId).toMatch(/^[0-9a-f]{16}$/);
    }
    expect(seen[0]?.traceId).not.toBe(seen[1]?.traceId);
  });

  it("tells others, whatever it asks them by, that it is not recorded", async () => {
    const { url: upstreamUrl, asked } = await upstream();
    const first = await nesting({ sampleRatio: 0 });
    const { tracerProvider } = first;
    const last = await nesting({ tracerProvider });
    const undici = new UndiciInstrumentation();
    undici.setTracerProvider(tracerProvider);
    undici.enable();
    onTestFinished(() => undici.disable());
    const between = observingClient({ url: last.url, protocol });
    between.use(clientTracing({ tracerProvider }));
    let traceId: string | undefined;
    first.server.tool("asks", {}, async () => {
      traceId = trace.getActiveSpan()?.spanContext().traceId;
      await (await request(upstreamUrl)).body.text();
      return (await between.call("nests")) as string;
    });
    await between.connect();
    // In memory: over HTTP undici would begin the trace, and decide on it.
    const client = observingClient({ transport: first.server.connectInMemory(), protocol });
    expect(await client.call("asks")).toBe("nested");
    expect(asked).toEqual([expect.stringMatching(`^00-${traceId}-[0-9a-f]{16}-00$`)]);
    expect(last.seen).toEqual([expect.objectContaining({ traceId, traceFlags: 0 })]);
    expect(first.names().filter((name) => /nests|nested|asks/.test(name))).toEqual([]);
  });

  it("is handed on with the client's baggage", async () => {
    const { server, url } = await nesting({ sampleRatio: 0 });
    server.tool("baggage", {}, () => propagation.getActiveBaggage()?.getEntry("tenant")?.value);
    const client = observingClient({ url, protocol });
    const meta = { baggage: "tenant=acme" };
    expect(await client.call("baggage", {}, { meta })).toBe("acme");
  });

  it("fails as it would without tracing", async () => {
    const { url, names } = await nesting({ sampleRatio: 0 });
    const client = observingClient({ url, protocol });
    await expect(client.callTool("fails")).rejects.toMatchObject({ code: -32_603 });
    expect(names()).toEqual([]);
  });
});

describe("sampleRatio", () => {
  const call = async (
    options: TracingOptions,
    meta: Record<string, string>,
    headers: Record<string, string> = {},
  ) => {
    const { url, names } = await nesting(options);
    const params = { name: "nests", arguments: {} };
    expect((await modern(url, "tools/call", params, { headers, meta })).status).toBe(200);
    return names();
  };
  const recorded = ["nested", "tools/call nests"];

  it.each<[string, Record<string, string>, Record<string, string>, number, string[]]>([
    ["that records, in _meta", { traceparent: SAMPLED }, {}, 0, recorded],
    ["that records, in the headers", {}, { traceparent: SAMPLED }, 0, recorded],
    ["that does not record", { traceparent: UNSAMPLED }, {}, 1, []],
    ["that cannot be read", { traceparent: "00-x-y-01" }, {}, 0, []],
  ])("comes after a client's decision %s", async (_what, meta, headers, sampleRatio, expected) => {
    expect(await call({ sampleRatio }, meta, headers)).toEqual(expected);
  });

  it("decides whatever strangers say, where they are only linked to", async () => {
    const meta = { traceparent: SAMPLED };
    expect(await call({ sampleRatio: 0, remoteContext: "link" }, meta)).toEqual([]);
    const unsampled = { traceparent: UNSAMPLED };
    expect(await call({ sampleRatio: 1, remoteContext: "link" }, unsampled)).toEqual(recorded);
  });

  it("comes after the decision of the span that is active", async () => {
    const { server, tracerProvider, names } = await nesting({ sampleRatio: 0 });
    const above = tracerProvider.getTracer("above").startSpan("above");
    const client = observingClient({ transport: server.connectInMemory() });
    await context.with(trace.setSpan(context.active(), above), () => client.callTool("nests"));
    expect(names()).toEqual(expect.arrayContaining(recorded));
  });

  it("leaves the rest to the sampler, in its share", async () => {
    const { server, names } = await nesting({ sampleRatio: 0.5 });
    const client = observingClient({ transport: server.connectInMemory() });
    for (let time = 0; time < 400; time++) await client.callTool("nests");
    const served = names().filter((name) => name === "tools/call nests").length;
    // Ten standard deviations to either side.
    expect(served).toBeGreaterThan(100);
    expect(served).toBeLessThan(300);
    expect(names().filter((name) => name === "nested")).toHaveLength(served);
  });
});
