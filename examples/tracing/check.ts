import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { withServer } from "../check/server-process.ts";
import { askForWeather } from "./client.ts";
import { startOpenTelemetry } from "./open-telemetry.ts";

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

const spans: Span[] = [];
const askedWith: (string | undefined)[] = [];

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Stands for a collector and for the upstream of the server. */
const others = createServer(async (request, response) => {
  const body = await bodyOf(request);
  if (request.url === "/v1/traces") {
    for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    response.setHeader("content-type", "application/json").end("{}");
  } else {
    askedWith.push(request.headers.traceparent as string | undefined);
    response.end("sunny");
  }
});
others.listen(0, "127.0.0.1");
await once(others, "listening");
const base = `http://127.0.0.1:${(others.address() as AddressInfo).port}`;
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = base;
const provider = startOpenTelemetry("weather-client");

const env = { OTEL_EXPORTER_OTLP_ENDPOINT: base, WEATHER_URL: `${base}/` };
await withServer(new URL("server.js", import.meta.url), env, async ({ url }) => {
  assert.equal(await askForWeather(url, "Rome"), "sunny");
  await provider.forceFlush();
});

// The server has sent the rest of its spans when it stopped.
const call = (kind: number): Span => {
  const found = spans.find((span) => span.name === "tools/call get_weather" && span.kind === kind);
  return found ?? assert.fail(`no such span among ${spans.map(({ name }) => name).join(", ")}`);
};
const sent = call(3);
const served = call(2);
assert.equal(served.traceId, sent.traceId);
assert.equal(served.parentSpanId, sent.spanId);
const asked = spans.find((span) => span.parentSpanId === served.spanId);
assert.ok(asked, "the request to the upstream is a span of the server's");
assert.equal(askedWith[0], `00-${sent.traceId}-${asked.spanId}-01`);

await provider.shutdown();
others.close();
others.closeAllConnections();
