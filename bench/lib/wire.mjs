// The requests that are sent. Each one has its own id and its own message, all of equal length.

import { LEGACY, MODERN } from "./revisions.mjs";
import { calledTools } from "./tool-names.mjs";

const META = "io.modelcontextprotocol";
const clientInfo = { name: "bench-client", version: "1.0.0" };
const baseHeaders = {
  Accept: "application/json, text/event-stream",
  "Content-Type": "application/json",
};

function modernMeta() {
  return {
    [`${META}/protocolVersion`]: MODERN,
    [`${META}/clientCapabilities`]: {},
    [`${META}/clientInfo`]: clientInfo,
  };
}

function paramsOf({ method, tool, id, isModern }) {
  const meta = isModern ? modernMeta() : {};
  if (tool === calledTools.count) {
    meta.progressToken = `p${id}`;
  }
  const params = Object.keys(meta).length > 0 ? { _meta: meta } : {};
  if (method === "tools/call") {
    params.name = tool;
    params.arguments = { message: `message number ${id}` };
  }
  return params;
}

function headersOf({ method, tool, isModern, session }) {
  if (isModern) {
    const name = method === "tools/call" ? { "Mcp-Name": tool } : {};
    return { ...baseHeaders, "MCP-Protocol-Version": MODERN, "Mcp-Method": method, ...name };
  }
  const version = { "MCP-Protocol-Version": session?.version ?? LEGACY };
  const sessionId = session ? { "Mcp-Session-Id": session.id } : {};
  return { ...baseHeaders, ...version, ...sessionId };
}

/**
 * `count` requests. With sessions they take turns, so that no session has one id in flight twice.
 * `protocol` is `modern`, `stateless` (2025 without a session) or `session`. `credentials` are the headers
 * of the callers, who take turns.
 */
export function buildRequests({
  protocol,
  method,
  tool,
  sessions = [],
  credentials = [{}],
  count,
}) {
  const isModern = protocol === "modern";
  return Array.from({ length: count }, (_, index) => {
    const id = 100_000 + index;
    const session = sessions[index % sessions.length];
    const params = paramsOf({ method, tool, id, isModern });
    return {
      id,
      method,
      tool,
      headers: {
        ...headersOf({ method, tool, isModern, session }),
        ...credentials[index % credentials.length],
      },
      body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
    };
  });
}

export function initializeRequest() {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  return { headers: baseHeaders, body };
}

export function initializedNotification(session) {
  const headers = headersOf({ method: "notifications/initialized", session });
  return { headers, body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' };
}

/** The bytes of a request, for generators that send them as they are. */
export function rawRequest({ headers, body }, port) {
  const lines = Object.entries({
    Host: `127.0.0.1:${port}`,
    ...headers,
    "Content-Length": Buffer.byteLength(body),
  }).map(([name, value]) => `${name}: ${value}`);
  return `POST /mcp HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}
