import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import { z } from "zod";

// OTLP 1.x in its JSON form (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding"): ids in
// hex, 64-bit integers as decimal strings, enums as numbers, names in lowerCamelCase.
const uint64 = z.union([z.string().regex(/^\d+$/), z.int().nonnegative()]).transform(Number);
const traceId = z.string().regex(/^[0-9a-f]{32}$/);
const spanId = z.string().regex(/^[0-9a-f]{16}$/);
const value: z.ZodType = z.lazy(() =>
  z.union([
    z.strictObject({ stringValue: z.string() }).transform((one) => one.stringValue),
    z.strictObject({ boolValue: z.boolean() }).transform((one) => one.boolValue),
    z.strictObject({ intValue: uint64 }).transform((one) => one.intValue),
    z.strictObject({ doubleValue: z.number() }).transform((one) => one.doubleValue),
    z
      .strictObject({ arrayValue: z.object({ values: z.array(value) }) })
      .transform((one) => one.arrayValue.values),
  ]),
);
const attributes = z
  .array(z.object({ key: z.string().min(1), value }))
  .default([])
  .transform((pairs) => Object.fromEntries(pairs.map((pair) => [pair.key, pair.value])));
const resource = z.object({ attributes }).optional();
const scope = z.object({ name: z.string(), version: z.string().optional() });

const span = z.object({
  traceId,
  spanId,
  parentSpanId: spanId.optional(),
  traceState: z.string().optional(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: uint64,
  endTimeUnixNano: uint64,
  attributes,
  links: z.array(z.object({ traceId, spanId, attributes })).default([]),
  events: z.array(z.object({ name: z.string(), attributes })).default([]),
  status: z.object({ code: z.int().min(0).max(2).default(0), message: z.string().optional() }),
});
const traces = z.object({
  resourceSpans: z.array(
    z.object({ resource, scopeSpans: z.array(z.object({ scope, spans: z.array(span) })) }),
  ),
});

const point = z.object({
  attributes,
  startTimeUnixNano: uint64.optional(),
  timeUnixNano: uint64,
  asInt: uint64.optional(),
  asDouble: z.number().optional(),
  count: uint64.optional(),
  sum: z.number().optional(),
  bucketCounts: z.array(uint64).optional(),
  explicitBounds: z.array(z.number()).optional(),
});
const data = z.object({ dataPoints: z.array(point) });
const metric = z.object({
  name: z.string().min(1),
  description: z.string().optional(),
  unit: z.string().optional(),
  histogram: data.optional(),
  sum: data.optional(),
  gauge: data.optional(),
});
const metrics = z.object({
  resourceMetrics: z.array(
    z.object({ resource, scopeMetrics: z.array(z.object({ scope, metrics: z.array(metric) })) }),
  ),
});

export type CollectedSpan = z.output<typeof span> & { readonly scope: string };
export type CollectedMetric = z.output<typeof metric>;

export interface Collector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  readonly metrics: CollectedMetric[];
  /** Requests that were no OTLP, as sentences. */
  readonly faults: string[];
  /** Answers from now on: normally, never, or with an error. */
  behave(how: "well" | "hang" | "fail"): void;
  readonly requests: number;
}

/** A collector as the specification describes it, until the test ends. */
export async function collector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const collected: CollectedMetric[] = [];
  const faults: string[] = [];
  let how: "well" | "hang" | "fail" = "well";
  let requests = 0;
  const take = (path: string | undefined, body: unknown): void => {
    if (path === "/v1/traces") {
      for (const { scopeSpans } of traces.parse(body).resourceSpans) {
        for (const one of scopeSpans) {
          spans.push(...one.spans.map((each) => ({ ...each, scope: one.scope.name })));
        }
      }
    } else if (path === "/v1/metrics") {
      for (const { scopeMetrics } of metrics.parse(body).resourceMetrics) {
        collected.push(...scopeMetrics.flatMap((one) => one.metrics));
      }
    } else throw new Error(`no such path: ${path}`);
  };
  const server = createServer(async (request, response) => {
    requests++;
    const body = await bodyOf(request);
    if (how === "hang") return;
    if (how === "fail") {
      response.writeHead(500).end();
      return;
    }
    try {
      if (request.headers["content-type"] !== "application/json") throw new Error("no JSON");
      take(request.url, JSON.parse(body));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    } catch (error) {
      faults.push(String(error));
      response.writeHead(400).end();
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics: collected,
    faults,
    behave: (wanted) => {
      how = wanted;
    },
    get requests() {
      return requests;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
  return plain.toString();
}
