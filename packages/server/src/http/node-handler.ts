import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpEndpoint } from "./endpoint.ts";
import { type ListenerState, NodeExchange } from "./node-exchange.ts";

/**
 * What `server.nodeHandler` is: a `node:http` listener. `parsedBody` is what a body parser left: the parsed
 * value, or the body's text or bytes.
 */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  parsedBody?: unknown,
) => void;

/**
 * The MCP endpoint as a `node:http` listener.
 * @param listener the server's own; one that mounts the handler closes its connections itself.
 */
export function createNodeHandler(endpoint: HttpEndpoint, listener?: ListenerState): NodeHandler {
  const { maxBodyBytes, maxQueuedBytes } = endpoint.limits;
  const site = { maxQueuedBytes, proxies: endpoint.proxies, listener };

  return (request, response, parsedBody) => {
    const exchange = new NodeExchange(request, response, site);
    // `post` first: it is nearly every request.
    if (request.method !== "POST") {
      request.resume();
      endpoint.other(exchange);
      return;
    }
    const admission = endpoint.admit(exchange);
    if (admission === true) receive(exchange, parsedBody);
    else if (admission !== false) {
      admission.then(
        (admitted) => {
          if (admitted) receive(exchange, parsedBody);
          else request.resume();
        },
        (error: unknown) => endpoint.crashed(exchange, error),
      );
    } else request.resume();
  };

  function receive(exchange: NodeExchange, parsedBody: unknown): void {
    const { request } = exchange;
    if (parsedBody !== undefined) {
      receiveParsed(exchange, parsedBody);
      return;
    }
    if (request.readableEnded) {
      endpoint.bodyMissing(exchange);
      return;
    }
    const declared = exchange.header("content-length");
    if (declared !== undefined && Number(declared) > maxBodyBytes) {
      refuseLarge(exchange);
      return;
    }
    if (holdsWholeBody(exchange)) take(exchange);
    // Most bodies come in one packet with their headers: the parser hands them over before the next tick.
    else process.nextTick(takeOrCollect, exchange);
  }

  function takeOrCollect(exchange: NodeExchange): void {
    if (holdsWholeBody(exchange)) take(exchange);
    else collect(exchange);
  }

  /**
   * The body in one piece. More than a request announced cannot come, so it is not read on to its `end`:
   * ending a stream costs a tenth of a plain call. Node keeps the request, about a kilobyte without its
   * body, until the next one of its connection.
   */
  function take(exchange: NodeExchange): void {
    const { request, response } = exchange;
    if (response.headersSent || response.destroyed) return;
    exchange.bodyTaken = true;
    const body: Buffer | null = request.read();
    endpoint.postText(exchange, body === null ? "" : body.toString("utf8"));
  }

  /** The body as it comes. */
  function collect(exchange: NodeExchange): void {
    const { request, response } = exchange;
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBodyBytes) {
        first = rest = undefined;
        refuseLarge(exchange);
        return;
      }
      if (first === undefined) first = chunk;
      else {
        rest ??= [first];
        rest.push(chunk);
      }
    });
    request.on("end", () => {
      if (response.headersSent || response.destroyed) return;
      const body = rest === undefined ? first : Buffer.concat(rest, size);
      // The request lives as long as its call, which may wait for its client for minutes.
      first = rest = undefined;
      endpoint.postText(exchange, body === undefined ? "" : body.toString("utf8"));
    });
  }

  function receiveParsed(exchange: NodeExchange, body: unknown): void {
    if (typeof body !== "string" && !(body instanceof Uint8Array)) {
      endpoint.postValue(exchange, body);
      return;
    }
    const bytes = Buffer.from(body as string);
    if (bytes.length > maxBodyBytes) endpoint.tooLarge(exchange);
    else endpoint.postText(exchange, bytes.toString("utf8"));
  }

  function refuseLarge(exchange: NodeExchange): void {
    exchange.request.removeAllListeners("data");
    endpoint.tooLarge(exchange);
  }
}

/** Whether as many bytes wait to be read as the request announced. */
function holdsWholeBody(exchange: NodeExchange): boolean {
  const { request } = exchange;
  return (
    exchange.header("content-length") === `${request.readableLength}` &&
    request.readableFlowing !== true
  );
}
