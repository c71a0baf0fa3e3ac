import { connect } from "node:net";
import fc from "fast-check";

/** Bytes that no HTTP client would send. */
export interface RawRequest {
  /** In Latin-1: one character per byte. */
  readonly bytes: string;
  /** Whether the client ends its side after them. */
  readonly halfClose: boolean;
}

const BODY =
  '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}';

const HEAD_LINES: readonly string[] = [
  "Host: 127.0.0.1",
  "Content-Type: application/json",
  "MCP-Protocol-Version: 2026-07-28",
  "Mcp-Method: tools/list",
  `Content-Length: ${BODY.length}`,
];

/** Head lines that are wrong, or that a server must not believe. */
const ODD_LINES: readonly string[] = [
  "Host: evil.example",
  "Host : 127.0.0.1",
  " Host: 127.0.0.1",
  "Content-Length: 0",
  "Content-Length: -1",
  "Content-Length: 1e3",
  "Content-Length: 99999999999999999999",
  "Content-Length: +5",
  `Content-Length: ${BODY.length}, ${BODY.length}`,
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding : chunked",
  "Expect: 100-continue",
  "Expect: 200-maybe",
  "Connection: close",
  "Connection: upgrade\r\nUpgrade: websocket",
  "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
  "Mcp-Method: tools/list\u0000",
  "Mcp-Method: tools/\u0001list",
  "Mcp-Name: \u00ff\u00fe",
  "Mcp-Method:tools/list",
  "mcp-method:\ttools/list\t",
  "Mcp-Method: tools/\r\n list",
  "Mcp\u0000Method: tools/list",
  ": no name",
  "no colon",
  "",
  `X-Long: ${"x".repeat(17_000)}`,
  ...Array.from({ length: 3 }, (_, i) => `X-${i}: ${"y".repeat(6_000)}`),
];

const START_LINES: readonly string[] = [
  "POST /mcp HTTP/1.1",
  "POST /mcp HTTP/1.0",
  "POST /mcp HTTP/2.0",
  "POST /mcp",
  "POST  /mcp HTTP/1.1",
  "POST http://127.0.0.1/mcp HTTP/1.1",
  "POST http://evil.example/mcp HTTP/1.1",
  "POST * HTTP/1.1",
  "POST /mcp\u0000 HTTP/1.1",
  "POST /mcp\u00ff HTTP/1.1",
  "GET /mcp HTTP/1.1",
  "CONNECT /mcp HTTP/1.1",
  "CONNECT evil.example:443 HTTP/1.1",
  "TRACE /mcp HTTP/1.1",
  "PRI * HTTP/2.0",
  "post /mcp HTTP/1.1",
  "\u0016\u0003\u0001\u0002\u0000\u0001",
  "",
];

export const rawRequest: fc.Arbitrary<RawRequest> = fc
  .record({
    start: fc.oneof(
      { weight: 2, arbitrary: fc.constant(START_LINES[0] as string) },
      { weight: 1, arbitrary: fc.constantFrom(...START_LINES) },
    ),
    lines: fc.shuffledSubarray([...HEAD_LINES], { minLength: HEAD_LINES.length - 2 }),
    odd: fc.array(fc.constantFrom(...ODD_LINES), { maxLength: 3 }),
    body: fc.constantFrom(
      BODY,
      "",
      BODY.slice(0, 40),
      `5\r\n{"a":\r\n0\r\n\r\n`,
      "zz\r\nnot chunked\r\n",
      "ffffffffffffffff\r\n",
      `${BODY}POST /mcp HTTP/1.1\r\n\r\n`,
      "0\r\nX-Trailer: \u0000\r\n\r\n",
    ),
    newline: fc.oneof({ weight: 9, arbitrary: fc.constant("\r\n") }, fc.constantFrom("\n", "\r")),
    halfClose: fc.boolean(),
  })
  .map(({ start, lines, odd, body, newline, halfClose }) => ({
    bytes: `${[start, ...lines, ...odd].join(newline)}${newline}${newline}${body}`,
    halfClose,
  }));

/** What a connection came to. */
export interface RawOutcome {
  /** In Latin-1. */
  readonly received: string;
  /** Whether the server ended the connection once its client had. */
  readonly ended: boolean;
}

/**
 * Sends bytes on a connection of their own, and ends this side once the server has been silent for a while:
 * many wait for more. So what comes back does not depend on how long anything takes.
 */
export async function sendRaw(
  port: number,
  { bytes, halfClose }: RawRequest,
  { silenceMs, hangMs }: { readonly silenceMs: number; readonly hangMs: number },
): Promise<RawOutcome> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let received = "";
  let ended = true;
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => {
    received += text;
  });
  // A reset is an answer like any other: nothing was promised to such bytes.
  socket.on("error", () => undefined);
  socket.on("end", () => socket.end());
  socket.setTimeout(silenceMs, () => socket.end());
  const hung = setTimeout(() => {
    ended = false;
    socket.destroy();
  }, hangMs);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  if (halfClose) socket.end(bytes, "latin1");
  else socket.write(bytes, "latin1");
  await closed;
  clearTimeout(hung);
  return { received, ended };
}

/** The statuses of the responses in what came back. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
