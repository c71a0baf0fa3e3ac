import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** What a connection that was refused may still send before it is cut. */
export interface LingerLimits {
  /** From the refusal on, whatever still comes. */
  readonly totalMs: number;
  /** Without a byte in either direction. */
  readonly silenceMs: number;
  readonly maxBytes: number;
}

/** Enough for a slow upload to come to its end; nothing of it is kept. */
const LINGER: LingerLimits = { totalMs: 30_000, silenceMs: 5_000, maxBytes: 64 * 1024 * 1024 };

/** The refusals of `node:http` itself, by the code of the error; any other is a 400. */
const STATUSES: ReadonlyMap<string | undefined, string> = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "413 Payload Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

/** A connection of a `node:http` server: it says by no other member whose turn it is to be answered. */
type HttpSocket = Duplex & {
  readonly _httpMessage?: ServerResponse | null;
  setTimeout(limitMs: number): unknown;
};

/**
 * Makes a listener for `clientError`: what the parser cannot read is refused as `node:http` would, but the
 * connection is then half-closed and read on for a while. Cut at once, as `node:http` does it, an upload
 * that goes on makes it reset, and the client loses the answer (RFC 9112, 9.6).
 */
export function createParserErrorListener(
  limits: LingerLimits = LINGER,
): (error: Error, socket: Duplex) => void {
  const refused = new WeakSet<Duplex>();
  return (error, socket) => {
    // A broken connection is reported here too, and one that was refused once more at its end.
    if (socket.destroyed || refused.has(socket)) return;
    refused.add(socket);
    discard(socket, limits.maxBytes);
    const status = STATUSES.get((error as NodeJS.ErrnoException).code) ?? "400 Bad Request";
    refuse(socket as HttpSocket, status, limits);
  };
}

/** Takes the connection from the parser: a request that was too late must not be run when it is whole. */
function discard(socket: Duplex, maxBytes: number): void {
  let left = maxBytes;
  const take = (): void => {
    socket.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) socket.destroy();
    });
  };
  socket.removeAllListeners("data");
  // Whoever listens to `data` gets the connection as it is: one that stands still has to be set going first,
  // which `node:http` does when it hears of it.
  if (socket.isPaused()) socket.once("resume", take).resume();
  else take();
  // A client that is gone gets no answer: its calls end, as they do without an error.
  socket.once("end", () => socket.end());
}

function refuse(socket: HttpSocket, status: string, limits: LingerLimits): void {
  const response = socket._httpMessage ?? undefined;
  if (response?.req.complete === true) {
    // The error is in a later request: those before it get their answers first (RFC 9112, 9.3.2), but for a
    // stream that is under way, which may have no end.
    const streams = response.headersSent && !response.writableEnded;
    if (streams || socket.readableEnded) socket.destroy();
    else response.once("close", () => refuse(socket, status, limits));
    return;
  }
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  // The request at fault may have its answer already: an upload that was refused before its end.
  const answered = response?.headersSent === true;
  socket.end(
    answered ? "" : `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
  socket.setTimeout(limits.silenceMs);
  const timer = setTimeout(() => socket.destroy(), limits.totalMs).unref();
  socket.once("close", () => clearTimeout(timer));
}
