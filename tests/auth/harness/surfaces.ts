import { type Headers, modern, open, openModern, send } from "../../protocol/harness/http.ts";
import { initialize, openSession } from "../../protocol/harness/legacy-session.ts";
import type { Params, WireMessage } from "../../protocol/harness/messages.ts";

/** What came back: all of it, or the beginning of a stream. */
export interface Seen {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly message?: WireMessage | undefined;
}

/** Who asks. */
export interface Asker {
  /** What stands in the headers, good or bad. */
  readonly headers: Headers;
  /** Whether `headers` are good, so that a stream is to be expected. */
  readonly isKnown: boolean;
  /** A good credential, of whom a session is to be. */
  readonly owner: Headers;
}

export type Ask = (url: string, asker: Asker) => Promise<Seen>;

/** One thing that a server answers to, and what a caller without permissions gets. */
export interface Surface {
  readonly ask: Ask;
  readonly weak: "answer" | "refusal";
  /** What the caller with every permission gets. Default an answer. */
  readonly right?: "answer" | "refusal";
}

const json = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const sse = { accept: "text/event-stream" };

const row = (ask: Ask, weak: Surface["weak"], right?: Surface["weak"]): Surface => ({
  ask,
  weak,
  ...(right && { right }),
});

const now =
  (method: string, params: Params = {}): Ask =>
  (url, { headers }) =>
    modern(url, method, params, { headers });

/** In a session of somebody who is known, with the credential that is tried. */
const inSession =
  (body: (ids: { readonly id?: number; readonly jsonrpc: string }) => unknown): Ask =>
  async (url, { headers, owner }) => {
    const session = await openSession(url, { headers: owner });
    const { "x-api-key": _key, authorization: _token, ...own } = session.headers;
    return send(url, { headers: { ...own, ...headers }, body: body({ jsonrpc: "2.0" }) });
  };
const then = (method: string, params: Params = {}): Ask =>
  inSession((message) => ({ ...message, id: 1, method, params }));
const tell = (method: string, params: Params = {}): Ask =>
  inSession((message) => ({ ...message, method, params }));

const ref = (type: "prompt" | "resource", value: string): Params => ({
  ref:
    type === "prompt" ? { type: "ref/prompt", name: value } : { type: "ref/resource", uri: value },
  argument: { name: type === "prompt" ? "x" : "id", value: "" },
});

/** A stream is read to its first event, and closed. */
async function beginning(stream: Awaited<ReturnType<typeof open>>): Promise<Seen> {
  const event = await stream.nextEvent();
  stream.close();
  const { status, headers } = stream;
  return { status, headers, text: String(event?.data) };
}

const listening: Ask = async (url, { headers, isKnown }) => {
  const params = { notifications: { resourceSubscriptions: ["test://open"] } };
  return isKnown
    ? beginning(await openModern(url, "subscriptions/listen", params, { headers }))
    : modern(url, "subscriptions/listen", params, { headers });
};

const ofSession =
  (method: "GET" | "DELETE"): Ask =>
  async (url, { headers, owner, isKnown }) => {
    const session = await openSession(url, { headers: owner });
    const { "x-api-key": _key, "content-type": _type, ...own } = session.headers;
    const request = { method, headers: { ...own, ...(method === "GET" && sse), ...headers } };
    if (method === "DELETE" || !isKnown) return send(url, request);
    const stream = await open(url, request);
    stream.close();
    return { status: stream.status, headers: stream.headers, text: "" };
  };

const raw =
  (body: string): Ask =>
  (url, { headers }) =>
    send(url, { headers: { ...json, ...headers }, body });

const primitives = (revision: string, ask: typeof now): readonly (readonly [string, Surface])[] => [
  [`${revision} tools/list`, row(ask("tools/list"), "answer")],
  [`${revision} prompts/list`, row(ask("prompts/list"), "answer")],
  [`${revision} resources/list`, row(ask("resources/list"), "answer")],
  [`${revision} resources/templates/list`, row(ask("resources/templates/list"), "answer")],
  [`${revision} tools/call`, row(ask("tools/call", { name: "by_role" }), "refusal")],
  [`${revision} tools/call (by scope)`, row(ask("tools/call", { name: "by_scope" }), "refusal")],
  [`${revision} tools/call (open)`, row(ask("tools/call", { name: "open" }), "answer")],
  [`${revision} prompts/get`, row(ask("prompts/get", { name: "by_role" }), "refusal")],
  [`${revision} resources/read`, row(ask("resources/read", { uri: "test://by-role" }), "refusal")],
  [
    `${revision} resources/read (a template)`,
    row(ask("resources/read", { uri: "test://by-role/1" }), "refusal"),
  ],
  [
    `${revision} completion/complete`,
    row(ask("completion/complete", ref("prompt", "by_role")), "refusal"),
  ],
  [
    `${revision} completion/complete (a template)`,
    row(ask("completion/complete", ref("resource", "test://by-role/{id}")), "refusal"),
  ],
];

const modernRevision = "2026-07-28";
const legacyRevision = "2025-11-25";

/** By revision and method, as the wire tables name them. What stands in brackets is one more case of it. */
export const methodSurfaces: ReadonlyMap<string, Surface> = new Map([
  ...primitives(modernRevision, now),
  ...primitives(legacyRevision, then),
  [`${modernRevision} server/discover`, row(now("server/discover"), "answer")],
  [`${modernRevision} subscriptions/listen`, row(listening, "answer")],
  [
    `${modernRevision} notifications/cancelled`,
    row((url, { headers }) => {
      const body = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
      const own = { "mcp-protocol-version": modernRevision, "mcp-method": body.method };
      return send(url, { headers: { ...json, ...own, ...headers }, body });
    }, "answer"),
  ],
  [
    `${legacyRevision} initialize`,
    row((url, { headers }) => initialize(url, { headers }), "answer"),
  ],
  [`${legacyRevision} ping`, row(then("ping"), "answer")],
  [
    `${legacyRevision} logging/setLevel`,
    row(then("logging/setLevel", { level: "info" }), "answer"),
  ],
  [
    `${legacyRevision} resources/subscribe`,
    row(then("resources/subscribe", { uri: "test://by-role" }), "refusal"),
  ],
  [
    `${legacyRevision} resources/unsubscribe`,
    row(then("resources/unsubscribe", { uri: "test://open" }), "answer"),
  ],
  [`${legacyRevision} notifications/initialized`, row(tell("notifications/initialized"), "answer")],
  [
    `${legacyRevision} notifications/cancelled`,
    row(tell("notifications/cancelled", { requestId: 9 }), "answer"),
  ],
  [
    `${legacyRevision} notifications/progress`,
    row(tell("notifications/progress", { progressToken: 1, progress: 1 }), "answer"),
  ],
  [
    `${legacyRevision} notifications/roots/list_changed`,
    row(tell("notifications/roots/list_changed"), "answer"),
  ],
]);

/** By HTTP method, at the endpoint itself. */
export const endpointSurfaces: ReadonlyMap<string, Surface> = new Map([
  ["GET (the stream of a session)", row(ofSession("GET"), "answer")],
  [
    "GET (HTTP+SSE)",
    row(async (url, { headers, isKnown }) => {
      const request = { method: "GET", headers: { ...sse, ...headers } };
      return isKnown ? beginning(await open(url, request)) : send(url, request);
    }, "answer"),
  ],
  [
    "GET (without a session)",
    row((url, { headers }) => send(url, { method: "GET", headers }), "refusal", "refusal"),
  ],
  ["DELETE", row(ofSession("DELETE"), "answer")],
  [
    "POST (to a session of HTTP+SSE)",
    row(
      (url, { headers }) => {
        const body = { jsonrpc: "2.0", id: 1, method: "tools/list" };
        return send(`${url}?sessionId=x`, { headers: { ...json, ...headers }, body });
      },
      "refusal",
      "refusal",
    ),
  ],
  [
    "POST (a response)",
    row(
      inSession((message) => ({ ...message, id: 1, result: {} })),
      "answer",
    ),
  ],
  ["POST (a batch)", row(raw('[{"jsonrpc":"2.0","id":1,"method":"ping"}]'), "refusal", "refusal")],
  ["POST (no JSON)", row(raw("{"), "refusal", "refusal")],
  ["POST (an unknown method)", row(now("no/such"), "refusal", "refusal")],
  [
    "POST (too large)",
    row(
      (url, { headers }) =>
        send(url, { headers: { ...json, ...headers }, body: "x".repeat(5_000_000) }),
      "refusal",
      "refusal",
    ),
  ],
  ["PUT", row((url, { headers }) => send(url, { method: "PUT", headers }), "refusal", "refusal")],
]);
