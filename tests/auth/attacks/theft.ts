import { expect, onTestFinished } from "vitest";
import { listen, modern, open, send } from "../../protocol/harness/http.ts";
import { fullLegacyCapabilities, openSession } from "../../protocol/harness/legacy-session.ts";
import { fullCapabilities, textOf } from "../../protocol/harness/messages.ts";
import type { Attack } from "./attack.ts";
import { bearer } from "./tokens.ts";
import {
  apiKeys,
  asKey,
  type registerTargets,
  SECOND_ISSUER,
  SECOND_SECRET,
  secretAuth,
  startTarget,
  tokenOf,
  type World,
} from "./world.ts";

const GROUP = "theft";
const modernOnly = "2026-07-28";
const legacyOnly = "2025-11-25";

/** Whoever is compared: the owner of something, and the thief with a good credential of its own. */
type Pair = (world: World) => Promise<{
  readonly url: string;
  readonly owner: Record<string, string | string[]>;
  readonly thief: Record<string, string | string[]>;
}>;

const twoKeys: Pair = async ({ keys }) => ({
  url: keys.url,
  owner: asKey(apiKeys.alice),
  thief: asKey(apiKeys.mallory),
});
/** The same name, for which two issuers vouch. */
const twoIssuers: Pair = async ({ mixed }) => ({
  url: mixed.url,
  owner: bearer(await tokenOf("alice")),
  thief: bearer(await tokenOf("alice", {}, SECOND_SECRET, SECOND_ISSUER)),
});
/** The same name as an API key's client. */
const keyAndToken: Pair = async ({ mixed }) => ({
  url: mixed.url,
  owner: asKey(apiKeys.alice),
  thief: bearer(await tokenOf("alice")),
});
/** The same user, through another OAuth client. */
const twoClients: Pair = async ({ secret }) => ({
  url: secret.url,
  owner: bearer(await tokenOf("alice", { client_id: "editor" })),
  thief: bearer(await tokenOf("alice", { client_id: "evil-app" })),
});

const stolenSession = (whose: string, pair: Pair): Attack => ({
  group: GROUP,
  name: `a session id, ${whose}`,
  only: legacyOnly,
  async run(world) {
    const { url, owner, thief } = await pair(world);
    const session = await openSession(url, { headers: owner });
    const { "x-api-key": _key, authorization: _token, ...own } = session.headers;
    const stolen = { ...own, ...thief };
    const unknown = { ...stolen, "mcp-session-id": "0".repeat(session.id.length) };
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "whoami" } };
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
    const { "content-type": _type, ...plain } = stolen;
    const get = { ...plain, accept: "text/event-stream" };
    const tries = [
      { method: "POST", headers: stolen, body: call },
      { method: "POST", headers: stolen, body: cancel },
      { method: "POST", headers: stolen, body: [call] },
      { method: "POST", headers: stolen, body: { jsonrpc: "2.0", id: 1, result: {} } },
      { method: "GET", headers: get },
      { method: "GET", headers: { ...get, "last-event-id": "1" } },
      { method: "DELETE", headers: plain },
    ];
    for (const request of tries) {
      const answer = await send(url, request);
      const id = { "mcp-session-id": unknown["mcp-session-id"] };
      const other = await send(url, { ...request, headers: { ...request.headers, ...id } });
      expect([answer.status, answer.text]).toEqual([other.status, other.text]);
      expect(answer.status).toBe(404);
    }
    // Nothing happened to its owner.
    expect((await session.callTool("whoami")).message?.result).toBeDefined();
    return `${tries.length} ways, 404 as for an unknown session`;
  },
});

const stolenState = (whose: string, pair: Pair): Attack => ({
  group: GROUP,
  name: `requestState, ${whose}`,
  only: modernOnly,
  async run(world) {
    const { url, owner, thief } = await pair(world);
    const params = { name: "ask_name", arguments: {} };
    const capabilities = fullCapabilities;
    const asked = await modern(url, "tools/call", params, { headers: owner, capabilities });
    const { requestState, inputRequests } = asked.message?.result ?? {};
    expect(Object.keys(inputRequests ?? {})).toHaveLength(1);
    const inputResponses = Object.fromEntries(
      Object.keys(inputRequests ?? {}).map((key) => [
        key,
        { action: "accept", content: { name: "Mallory" } },
      ]),
    );
    const retry = { ...params, requestState, inputResponses };
    const stolen = await modern(url, "tools/call", retry, { headers: thief, capabilities });
    const changed = `${String(requestState).slice(0, -4)}AAAA`;
    const broken = { ...retry, requestState: changed };
    const forged = await modern(url, "tools/call", broken, { headers: owner, capabilities });
    expect(stolen.message?.error?.code).toBe(-32602);
    expect([stolen.status, stolen.text]).toEqual([forged.status, forged.text]);
    const own = await modern(url, "tools/call", retry, { headers: owner, capabilities });
    expect(textOf(own.message)).toBe("Hello, Mallory");
    return "−32602, as for one that was tampered with";
  },
});

export const theftAttacks: readonly Attack[] = [
  stolenSession("with another key", twoKeys),
  stolenSession("with the same name at another issuer", twoIssuers),
  stolenSession("with a token that has the name of a key", keyAndToken),
  stolenSession("with the same user's token for another client", twoClients),
  stolenState("with another key", twoKeys),
  stolenState("with the same name at another issuer", twoIssuers),
  stolenState("with a token that has the name of a key", keyAndToken),
  stolenState("with the same user's token for another client", twoClients),
  {
    group: GROUP,
    name: "a session id beside a modern request",
    only: modernOnly,
    async run({ keys }) {
      const session = await openSession(keys.url, { headers: asKey(apiKeys.alice) });
      const headers = { ...asKey(apiKeys.mallory), "mcp-session-id": session.id };
      const { message } = await modern(keys.url, "tools/call", { name: "whoami" }, { headers });
      expect(textOf(message)).toBe("api-key mallory");
      return "ignored: the caller is who the credential says";
    },
  },
  {
    group: GROUP,
    name: "the answer to somebody else's question",
    only: legacyOnly,
    async run({ keys }) {
      const capabilities = fullLegacyCapabilities;
      const session = await openSession(keys.url, { headers: asKey(apiKeys.alice), capabilities });
      const stream = await session.openTool("ask_name");
      const question = await stream.until(({ method }) => method === "elicitation/create");
      const result = { action: "accept", content: { name: "Mallory" } };
      const body = { jsonrpc: "2.0", id: question.id, result };
      const thief = { ...session.headers, ...asKey(apiKeys.mallory) };
      expect((await send(keys.url, { headers: thief, body })).status).toBe(404);
      await session.respond(question.id, { action: "accept", content: { name: "Alice" } });
      expect(textOf(await stream.until(({ result: end }) => end !== undefined))).toBe(
        "Hello, Alice",
      );
      return "404; the question waits for its own client";
    },
  },
  {
    group: GROUP,
    name: "a session of HTTP+SSE, by its id in the query",
    only: legacyOnly,
    async run({ keys }) {
      const stream = await open(keys.url, {
        method: "GET",
        headers: { accept: "text/event-stream", ...asKey(apiKeys.alice) },
      });
      onTestFinished(() => stream.close());
      const endpoint = String((await stream.nextEvent())?.data);
      const body = { jsonrpc: "2.0", id: 1, method: "ping" };
      const headers = { "content-type": "application/json", ...asKey(apiKeys.mallory) };
      const stolen = new URL(endpoint, keys.url).href;
      const answer = await send(stolen, { headers, body });
      const none = await send(stolen.replace(/.{8}$/, "00000000"), { headers, body });
      expect([answer.status, answer.text]).toEqual([none.status, none.text]);
      expect(answer.status).toBe(404);
      return "404 as for an unknown session";
    },
  },
  {
    group: GROUP,
    name: "news of a resource that may not be read",
    async run({ keys }, era) {
      const headers = asKey(apiKeys.mallory);
      const uris = ["test://by-role", "test://open"];
      if (era.name === modernOnly) {
        const { stream, acknowledgement } = await listen(
          keys.url,
          { resourceSubscriptions: uris },
          { headers },
        );
        stream.close();
        const granted = acknowledgement?.params?.["notifications"];
        expect(granted).toEqual({ resourceSubscriptions: ["test://open"] });
        return "granted without it";
      }
      const session = await openSession(keys.url, { headers });
      const refused = await session.request("resources/subscribe", { uri: "test://by-role" });
      const absent = await session.request("resources/subscribe", { uri: "test://no-such" });
      expect(refused.message?.error?.code).toBe(absent.message?.error?.code);
      expect(refused.message?.error).toBeDefined();
      return "refused as one that does not exist";
    },
  },
  {
    group: GROUP,
    name: "the client's token, by a handler that passes it on or prints its context",
    async run(_world, era) {
      const token = await tokenOf("alice");
      const { inspect } = await import("node:util");
      const register = (server: Parameters<typeof registerTargets>[0]): void => {
        server.tool("leak", {}, (_args, context) => {
          const { transport } = context;
          const names = ["authorization", "Authorization", "cookie", "dpop", "x-api-key"];
          const read = names.map((name) => transport.header(name));
          const printed = inspect([context, transport], {
            depth: 12,
            showHidden: true,
            getters: true,
          });
          return `${read.join(" ")} ${printed} ${JSON.stringify([context, transport])}`;
        });
      };
      const target = await startTarget({ auth: secretAuth() }, undefined, register);
      onTestFinished(() => target.server.stop());
      const headers = { ...bearer(token), cookie: `token=${token}`, dpop: token };
      const answer = await era.call(target.url, headers, "leak");
      expect(answer.message?.result).toBeDefined();
      for (const part of token.split(".")) expect(answer.text).not.toContain(part);
      return "handlers see who calls, and no credential";
    },
  },
  {
    group: GROUP,
    name: "a token that was revoked, spelt otherwise",
    async run(_world, era) {
      const auth = secretAuth();
      const target = await startTarget({ auth });
      onTestFinished(() => target.server.stop());
      const token = await tokenOf("alice");
      const last = token.at(-1) as string;
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      // The last character holds two bits that mean nothing.
      const from = alphabet.indexOf(last) & ~3;
      const spelt = [0, 1, 2, 3].map((low) => token.slice(0, -1) + alphabet[from + low]);
      const padded = [...spelt, `${token}=`];
      // One is remembered before the revocation.
      await era.begin(target.url, bearer(padded[1] as string));
      auth.revokeToken(token);
      for (const each of padded) {
        expect((await era.begin(target.url, bearer(each))).status).toBe(401);
      }
      return `${padded.length} spellings, 401`;
    },
  },
  {
    group: GROUP,
    name: "a session that outlives its revoked token",
    only: legacyOnly,
    async run() {
      const auth = secretAuth();
      const target = await startTarget({ auth });
      onTestFinished(() => target.server.stop());
      const token = await tokenOf("alice");
      const session = await openSession(target.url, { headers: bearer(token) });
      expect((await session.callTool("open")).status).toBe(200);
      auth.revokeToken(token);
      expect((await session.callTool("open")).status).toBe(401);
      return "401: a session is no credential";
    },
  },
];
