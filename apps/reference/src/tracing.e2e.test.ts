import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { expect, it } from "vitest";
import { modern, startApplication } from "./harness.test-support.ts";

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: unknown }[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly { name: string; traceId: string }[];
    }[];
  }[];
}

it("sends the spans of a call to the collector, in the trace of its client", async () => {
  const exported: Exported[] = [];
  const collector = createServer(async (request, response) => {
    expect(request.url).toBe("/v1/traces");
    exported.push((await json(request)) as Exported);
    response.setHeader("content-type", "application/json").end("{}");
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo;
  const app = await startApplication({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    SERVER_NAME: "server-1",
  });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  await modern(app.url, {
    method: "tools/call",
    params: { name: "get_weather", arguments: { location: "Seattle" } },
    meta: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  });
  // What is not sent yet is sent when it stops.
  await app.stop();
  collector.close();
  const resources = exported.flatMap(({ resourceSpans }) => resourceSpans);
  const spans = resources.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  expect(spans).toContainEqual(
    expect.objectContaining({ name: "tools/call get_weather", traceId }),
  );
  expect(JSON.stringify(resources[0]?.resource)).toContain("server-1");
});
