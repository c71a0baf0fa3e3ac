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

  return (request, response, parsedBody) => {
    const exchange = new NodeExchange(request, response, maxQueuedBytes, listener);
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
    const { request, response } = exchange;
    if (parsedBody !== undefined) {
      receiveParsed(exchange, parsedBody);
      return;
    }
    if (request.readableEnded) {
      endpoint.bodyMissing(exchange);
      return;
    }
    const declared = request.headers["content-length"];
    if (declared !== undefined && Number(declared) > maxBodyBytes) {
      refuseLarge(exchange);
      return;
    }
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
