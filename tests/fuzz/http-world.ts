import { messagesOf, SseParser } from "../protocol/harness/sse.ts";
import type { RenderedRequest, Substitutions } from "./http-case.ts";
import type { Peer } from "./http-peer.ts";
import { isObject, judgeMessage } from "./message-rules.ts";
import { type HeaderList, initializeMessage, standardHeaders } from "./seed-messages.ts";

const JSON_HEADERS: HeaderList = [
  ["Content-Type", "application/json"],
  ["Accept", "application/json, text/event-stream"],
];
const lingerMs = 2_000;

/** The sessions, cursors and states that requests of one chunk refer to. */
export interface HttpWorld {
  /** The substitutions of one request, which has `id` to itself. */
  substitutions(id: number): Substitutions;
  /** Ends it. @returns what was wrong with what arrived on the stream of HTTP+SSE. */
  close(): Promise<readonly string[]>;
}

/** Opens a world at a server. What the server does not offer becomes a text that it does not know. */
export async function openWorld(peer: Peer): Promise<HttpWorld> {
  const stream = openSseSession(peer);
  const [session, batchSession, ended, victim, sseSession, state, cursor] = await Promise.all([
    openSession(peer, "2025-11-25"),
    openSession(peer, "2025-03-26"),
    openSession(peer, "2025-11-25"),
    openSession(peer, "2025-11-25"),
    stream.id,
    requestState(peer),
    nextCursor(peer),
  ]);
  await endSession(peer, ended);
  const event = await lastEventId(peer, session);
  return {
    substitutions: (id) => ({
      "@id@": String(id),
      "@session@": session,
      "@batch-session@": batchSession,
      "@ended-session@": ended,
      "@victim-session@": victim,
      "@sse-session@": sseSession,
      "@event@": event,
      "@state@": state,
      "@cursor@": cursor,
    }),
    close: async () => {
      await Promise.all([session, batchSession, victim].map((id) => endSession(peer, id)));
      return stream.close();
    },
  };
}

async function openSession(peer: Peer, revision: string): Promise<string> {
  const answer = await peer.send(post(initializeMessage(revision)), { lingerMs });
  return String(answer.headers["mcp-session-id"] ?? "no-session");
}

async function endSession(peer: Peer, id: string): Promise<void> {
  const headers: HeaderList = [["Mcp-Session-Id", id]];
  const request = { method: "DELETE", target: "/mcp", headers, body: undefined, chunked: false };
  await peer.send(request, { lingerMs });
}

async function requestState(peer: Peer): Promise<string> {
  const result = await modern(peer, "tools/call", {
    name: "test_input_required_result_elicitation",
    arguments: {},
  });
  return String(result["requestState"] ?? "no-state");
}

async function nextCursor(peer: Peer): Promise<string> {
  const result = await modern(peer, "tools/list", {});
  return String(result["nextCursor"] ?? "no-cursor");
}

/** The last event's id of a call that streams. */
async function lastEventId(peer: Peer, session: string): Promise<string> {
  const params = {
    name: "slow_operation",
    arguments: { durationMs: 0, label: "world" },
    _meta: { progressToken: 1 },
  };
  const message = { jsonrpc: "2.0", id: "world", method: "tools/call", params };
  const answer = await peer.send(post(message, [["Mcp-Session-Id", session]]), { lingerMs });
  const parser = new SseParser();
  parser.push(answer.body);
  return parser.events.findLast(({ id }) => id !== undefined)?.id ?? "no-event";
}

/** The session of HTTP+SSE: one stream for everything that its posts give rise to. */
function openSseSession(peer: Peer): {
  readonly id: Promise<string>;
  readonly close: () => Promise<readonly string[]>;
} {
  const controller = new AbortController();
  const parser = new SseParser();
  let opened: (id: string) => void = () => undefined;
  const id = new Promise<string>((resolve) => {
    opened = resolve;
  });
  const headers: HeaderList = [["Accept", "text/event-stream"]];
  const request = { method: "GET", target: "/mcp", headers, body: undefined, chunked: false };
  const ended = peer.send(request, {
    lingerMs: 3_600_000,
    signal: controller.signal,
    onText: (text) => {
      for (const { event, data } of parser.push(text)) {
        if (event !== "endpoint" || data === undefined) continue;
        opened(new URL(data, "http://host").searchParams.get("sessionId") ?? "no-session");
      }
    },
  });
  void ended.then(() => opened("no-session"));
  return {
    id: id.then(async (session) => {
      const initialize = post(initializeMessage("2024-11-05"));
      const target = `/mcp?sessionId=${session}`;
      if (session !== "no-session") await peer.send({ ...initialize, target }, { lingerMs });
      return session;
    }),
    close: async () => {
      controller.abort();
      await ended;
      const messages = messagesOf(parser.events.filter(({ event }) => event !== "endpoint"));
      return messages.map(judgeMessage).filter((judged) => typeof judged === "string");
    },
  };
}

async function modern(
  peer: Peer,
  method: string,
  params: object,
): Promise<Readonly<Record<string, unknown>>> {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
  };
  const body = { jsonrpc: "2.0", id: "world", method, params: { ...params, _meta: meta } };
  const answer = await peer.send({ ...post(body), headers: standardHeaders(body) }, { lingerMs });
  try {
    const { result } = JSON.parse(answer.body) as { result?: unknown };
    return isObject(result) ? result : {};
  } catch {
    return {};
  }
}

function post(body: unknown, headers: HeaderList = []): RenderedRequest {
  return {
    method: "POST",
    target: "/mcp",
    headers: [...JSON_HEADERS, ...headers],
    // An id that no request of a case has.
    body: Buffer.from(JSON.stringify(body).replaceAll("@id@", "world")),
    chunked: false,
  };
}
