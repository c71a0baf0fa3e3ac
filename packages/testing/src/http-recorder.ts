import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { StringDecoder } from "node:string_decoder";
import { isSensitiveName } from "@backplane/protocol";
import { createParser, type EventSourceParser } from "eventsource-parser";
import type { Recorder, TrafficHttp } from "./recorder.ts";

/** Tells the requests of one test client from those of everything else in the process. */
export const MARK_HEADER = "x-backplane-test-client";

/** undici's request, as its channels show it (undici docs, DiagnosticsChannel). */
interface UndiciRequest {
  readonly headers: readonly (string | Buffer)[] | string;
}

interface Exchange {
  readonly sent: Buffer[];
  readonly requestHeaders: Readonly<Record<string, string>>;
  http: TrafficHttp | undefined;
  parser: EventSourceParser | undefined;
  readonly received: Buffer[];
  readonly decoder: StringDecoder;
}

/** Records what a client with this mark sends and gets over HTTP. @returns what ends it. */
export function recordHttp(mark: string, recorder: Recorder): () => void {
  const exchanges = new Map<UndiciRequest, Exchange>();

  const onCreate = ({ request }: { request: UndiciRequest }): void => {
    const headers = headersOf(request.headers);
    if (headers[MARK_HEADER] !== mark) return;
    delete headers[MARK_HEADER];
    exchanges.set(request, {
      sent: [],
      requestHeaders: headers,
      http: undefined,
      parser: undefined,
      received: [],
      decoder: new StringDecoder("utf8"),
    });
  };
  const onChunkSent = ({ request, chunk }: { request: UndiciRequest; chunk: Buffer }): void => {
    exchanges.get(request)?.sent.push(Buffer.from(chunk));
  };
  const onBodySent = ({ request }: { request: UndiciRequest }): void => {
    const exchange = exchanges.get(request);
    if (exchange === undefined || exchange.sent.length === 0) return;
    const text = Buffer.concat(exchange.sent.splice(0)).toString("utf8");
    recorder.record("sent", text, { status: undefined, headers: exchange.requestHeaders });
  };
  const onHeaders = (event: {
    request: UndiciRequest;
    response: { statusCode: number; headers: readonly Buffer[] };
  }): void => {
    const exchange = exchanges.get(event.request);
    if (exchange === undefined) return;
    const http = { status: event.response.statusCode, headers: headersOf(event.response.headers) };
    exchange.http = http;
    if (!http.headers["content-type"]?.startsWith("text/event-stream")) return;
    exchange.parser = createParser({
      // The first event of a resumable stream has no data (spec: basic/transports, resumability).
      onEvent: ({ data }) => {
        if (data !== "") recorder.record("received", data, http);
      },
    });
  };
  const onChunk = ({ request, chunk }: { request: UndiciRequest; chunk: Buffer }): void => {
    const exchange = exchanges.get(request);
    if (exchange === undefined) return;
    if (exchange.parser === undefined) exchange.received.push(Buffer.from(chunk));
    else exchange.parser.feed(exchange.decoder.write(chunk));
  };
  const onEnd = ({ request }: { request: UndiciRequest }): void => {
    const exchange = exchanges.get(request);
    if (exchange === undefined) return;
    exchanges.delete(request);
    const text = Buffer.concat(exchange.received).toString("utf8");
    if (text !== "") recorder.record("received", text, exchange.http);
  };

  const listeners = [
    ["undici:request:create", onCreate],
    ["undici:request:bodyChunkSent", onChunkSent],
    ["undici:request:bodySent", onBodySent],
    ["undici:request:headers", onHeaders],
    ["undici:request:bodyChunkReceived", onChunk],
    ["undici:request:trailers", onEnd],
    ["undici:request:error", onEnd],
  ] as const;
  for (const [name, listener] of listeners) subscribe(name, listener as (message: unknown) => void);
  return () => {
    for (const [name, listener] of listeners)
      unsubscribe(name, listener as (message: unknown) => void);
    exchanges.clear();
  };
}

/** undici has the headers of a request flat, and as text with line ends once it is on the way. */
function headersOf(headers: UndiciRequest["headers"]): Record<string, string> {
  const flat =
    typeof headers === "string"
      ? headers
          .split("\r\n")
          .filter((line) => line.includes(":"))
          .flatMap((line) => {
            const colon = line.indexOf(":");
            return [line.slice(0, colon), line.slice(colon + 1).trim()];
          })
      : headers.map(String);
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = (flat[index] as string).toLowerCase();
    found[name] = isSensitiveName(name) ? "[redacted]" : (flat[index + 1] as string);
  }
  return found;
}
