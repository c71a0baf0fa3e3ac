import { describe, expect, it } from "vitest";
import { type Exchange, type Headers, modern, send } from "../protocol/harness/http.ts";
import { initialize, openSession } from "../protocol/harness/legacy-session.ts";
import { useServer } from "../protocol/harness/servers.ts";
import {
  apiKey,
  guardedOptions,
  jwt,
  keys,
  recording,
  registerGuarded,
} from "./harness/guarded-server.ts";

const logger = recording();
const target = useServer(registerGuarded, { ...guardedOptions(), legacySse: true, logger });

type Ask = (headers: Headers) => Promise<Exchange>;
const json = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const raw =
  (body: string, more: Headers = {}): Ask =>
  (headers) =>
    send(target.url, { headers: { ...json, ...more, ...headers }, body });
const call =
  (method: string, params: Record<string, unknown> = {}): Ask =>
  (headers) =>
    modern(target.url, method, params, { headers });
const ref = (type: string, member: string, value: string): Ask =>
  call("completion/complete", {
    ref: { type, [member]: value },
    argument: { name: member === "name" ? "x" : "id", value: "" },
  });

/** Everything that a server answers to, and what a caller without permissions gets: an answer or a refusal. */
const surfaces: Readonly<Record<string, readonly [ask: Ask, weak: "answer" | "refusal"]>> = {
  "server/discover": [call("server/discover"), "answer"],
  "tools/list": [call("tools/list"), "answer"],
  "prompts/list": [call("prompts/list"), "answer"],
  "resources/list": [call("resources/list"), "answer"],
  "resources/templates/list": [call("resources/templates/list"), "answer"],
  "tools/call": [call("tools/call", { name: "by_role", arguments: {} }), "refusal"],
  "tools/call by scope": [call("tools/call", { name: "by_scope", arguments: {} }), "refusal"],
  "prompts/get": [call("prompts/get", { name: "by_role" }), "refusal"],
  "resources/read": [call("resources/read", { uri: "test://by-role" }), "refusal"],
  "resources/read of a template": [call("resources/read", { uri: "test://by-role/1" }), "refusal"],
  "completion of a prompt": [ref("ref/prompt", "name", "by_role"), "refusal"],
  "completion of a template": [ref("ref/resource", "uri", "test://by-role/{id}"), "refusal"],
  initialize: [(headers) => initialize(target.url, { headers }), "answer"],
  "a legacy request": [
    async (headers) => {
      const session = await openSession(target.url, { headers: apiKey(keys.other) });
      const { "x-api-key": _key, ...own } = session.headers;
      return send(target.url, {
        headers: { ...own, ...headers },
        body: { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "by_role" } },
      });
    },
    "refusal",
  ],
  "a batch": [raw('[{"jsonrpc":"2.0","id":1,"method":"ping"}]'), "refusal"],
  "a notification": [raw('{"jsonrpc":"2.0","method":"notifications/cancelled"}'), "refusal"],
  "what is no JSON": [raw("{"), "refusal"],
  GET: [
    (headers) =>
      send(target.url, {
        method: "GET",
        headers: { ...headers, "mcp-session-id": "x", accept: "text/event-stream" },
      }),
    "refusal",
  ],
  DELETE: [
    (headers) =>
      send(target.url, { method: "DELETE", headers: { ...headers, "mcp-session-id": "x" } }),
    "refusal",
  ],
  "a POST of HTTP+SSE": [
    (headers) =>
      send(`${target.url}?sessionId=x`, {
        headers: { ...json, ...headers },
        body: { jsonrpc: "2.0", id: 1, method: "tools/list" },
      }),
    "refusal",
  ],
};

const bad: Readonly<Record<string, Headers>> = {
  "no credential": {},
  "an unknown key": apiKey("key-of-nobody-at-all"),
  "two keys": { "x-api-key": [keys.admin, keys.admin] },
  "a key in capitals": apiKey(keys.admin.toUpperCase()),
  "a key in the wrong header": { authorization: `Bearer ${keys.admin}` },
  "a token that is none": { authorization: "Bearer not.a.token" },
  "another scheme": { authorization: "Basic YWRtaW46YWRtaW4=" },
  "an endless credential": { authorization: `Bearer ${"a".repeat(13_000)}` },
};

describe.each(Object.keys(surfaces))("[S26-52b, R26-03] %s", (name) => {
  const [ask, weak] = surfaces[name] as [Ask, "answer" | "refusal"];

  it.each(Object.keys(bad))("is refused with %s, and says nothing", async (which) => {
    const headers = bad[which] as Headers;
    const answer = await ask(headers);
    expect([400, 401]).toContain(answer.status);
    expect(answer.headers["www-authenticate"]).toMatch(/ApiKey|Bearer/);
    expect(answer.text).not.toMatch(/result|secret|by.role/);
    // Never a credential in the log.
    expect(logger.lines.join("\n")).not.toMatch(/key-of|not\.a\.token|YWRtaW46|aaaaaa/i);
  });

  it("answers a caller without permissions as the policy says", async () => {
    const answer = await ask(apiKey(keys.other));
    expect(answer.status).not.toBe(401);
    if (weak === "answer") expect(answer.message?.result).toBeDefined();
    expect(answer.text).not.toMatch(/secret/);
  });
});

it("a listen stream is refused like everything else, and tells of what may be read only", async () => {
  const notifications = { resourceSubscriptions: ["test://open", "test://by-role"] };
  const ask = (headers: Headers) =>
    modern(target.url, "subscriptions/listen", { notifications }, { headers });
  for (const headers of Object.values(bad))
    expect([400, 401]).toContain((await ask(headers)).status);
  const { listen } = await import("../protocol/harness/http.ts");
  for (const [key, uris] of [
    [keys.other, ["test://open"]],
    [keys.admin, ["test://open", "test://by-role"]],
  ] as const) {
    const { stream, acknowledgement } = await listen(target.url, notifications, {
      headers: apiKey(key),
    });
    stream.close();
    expect(acknowledgement?.params?.["notifications"]).toEqual({ resourceSubscriptions: uris });
  }
});

it("every way in leads to the same principal everywhere", async () => {
  const token = await jwt.issue({ sub: "ada" });
  const asked = await Promise.all(
    [apiKey(keys.reader), { authorization: `Bearer ${token}` }].map((headers) =>
      modern(target.url, "tools/call", { name: "open", arguments: {} }, { headers }),
    ),
  );
  expect(asked.map(({ message }) => message?.result?.content?.[0]?.text)).toEqual([
    "reader",
    "ada",
  ]);
});

it("the log says which check refused", async () => {
  await call("tools/list")({
    authorization: `Bearer ${(await jwt.issue({ sub: "a" })).slice(0, -2)}xx`,
  });
  expect(logger.lines.at(-1)).toMatch(/"stage":"signature"/);
});

it("health and readiness need no credential and say nothing", async () => {
  for (const path of ["/health", "/ready"]) {
    const answer = await send(new URL(path, target.url).href, { method: "GET" });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ status: expect.any(String) });
  }
});
