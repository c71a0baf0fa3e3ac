import { JWTAuth, policy } from "@backplane/auth";
import { expect, onTestFinished } from "vitest";
import { type Exchange, type Headers, modern, send } from "../../protocol/harness/http.ts";
import { modernHeaders, modernRequest, type Params } from "../../protocol/harness/messages.ts";
import type { Attack } from "./attack.ts";
import { AUDIENCE, bearer, ISSUER, signedBy } from "./tokens.ts";
import { apiKeys, asKey, SECRET, startTarget } from "./world.ts";

const GROUP = "permissions";

/** Words that look like a scope or role, and are another one. */
function lookAlikes(word: string): readonly string[] {
  return folded(word).filter((each) => each !== word);
}

const folded = (word: string): readonly string[] => [
  word.toUpperCase(),
  word.slice(0, -1),
  `${word}s`,
  `${word}:all`,
  `${word}*`,
  "*",
  `x,${word}`,
  `${word}\u0000`,
  `${word}\u200b`,
  `\t${word}`,
  `x\u00a0${word}`,
  word.replace("i", "\u0456"),
  word.replace("w", "\uff57"),
  word.normalize("NFKD").replace("i", "i\u0307"),
  "__proto__",
  "constructor",
];

/** The server of the look-alikes, with scopes that include others. */
async function lookAlikeTarget() {
  const auth = new JWTAuth({
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ["HS256"],
    secretKey: SECRET,
  });
  const options = { auth, policy: policy({ scopeHierarchy: { superwrite: ["write"] } }) };
  const target = await startTarget(options, undefined);
  onTestFinished(() => target.server.stop());
  return target;
}

function escalation(name: string, tool: string, claims: (word: string) => Params): Attack {
  return {
    group: GROUP,
    name,
    async run(_world, era) {
      const { url } = await lookAlikeTarget();
      const word = tool === "by_scope" ? "write" : "admin";
      const words = lookAlikes(word);
      for (const each of words) {
        const token = await signedBy(SECRET, { sub: "mallory", ...claims(each) });
        const answer = await era.call(url, bearer(token), tool);
        expect(answer.text, JSON.stringify(each)).not.toMatch(/secret/);
        expect(answer.message?.error).toBeDefined();
      }
      const good = await signedBy(SECRET, { sub: "alice", ...claims(word) });
      expect((await era.call(url, bearer(good), tool)).text).toMatch(/secret/);
      return `${words.length} look-alikes refused`;
    },
  };
}

/** An answer without the name that it repeats. */
const bare = ({ status, text }: Exchange): string =>
  `${status} ${text.replaceAll(/by.role|no.such/g, "X")}`;

const hiddenThings: readonly (readonly [string, readonly [Params, Params]])[] = [
  ["tools/call", [{ name: "by_role" }, { name: "no_such" }]],
  ["prompts/get", [{ name: "by_role" }, { name: "no_such" }]],
  ["resources/read", [{ uri: "test://by-role" }, { uri: "test://no-such" }]],
  ["resources/read", [{ uri: "test://by-role/1" }, { uri: "test://no-such/1" }]],
  [
    "completion/complete",
    [
      { ref: { type: "ref/prompt", name: "by_role" }, argument: { name: "x", value: "" } },
      { ref: { type: "ref/prompt", name: "no_such" }, argument: { name: "x", value: "" } },
    ],
  ],
];

/** Names that lead to a hidden tool if anything along the way folds, trims or decodes them. */
const spellings = [
  "BY_ROLE",
  " by_role",
  "by_role ",
  "by_role\u0000",
  "by%5Frole",
  "by_rol\u0435",
  "\uff42y_role",
  "./by_role",
  "__proto__",
  "constructor",
];

function smuggled(name: string, headers: Headers, tool = "by_role"): Attack {
  return {
    group: GROUP,
    name,
    only: "2026-07-28",
    async run({ keys }) {
      const body = modernRequest("tools/call", { name: tool, arguments: {} });
      const all = { ...modernHeaders(body), ...asKey(apiKeys.mallory), ...headers };
      const answer = await send(keys.url, { headers: all, body });
      expect(answer.status).toBe(400);
      expect(answer.message?.error?.code).toBe(-32020);
      return "400, −32020";
    },
  };
}

export const permissionAttacks: readonly Attack[] = [
  escalation("scopes that look alike, as one text", "by_scope", (scope) => ({ scope })),
  escalation("scopes that look alike, as a list", "by_scope", (scope) => ({ scope: [scope] })),
  escalation("roles that look alike", "by_role", (role) => ({ roles: [role] })),
  {
    group: GROUP,
    name: "two scopes in one element of a list",
    async run(_world, era) {
      const { url } = await lookAlikeTarget();
      const token = await signedBy(SECRET, { sub: "mallory", scope: ["read write"] });
      expect((await era.call(url, bearer(token), "by_scope")).text).not.toMatch(/secret/);
      return "403: one scope with a blank, which nothing demands";
    },
  },
  {
    group: GROUP,
    name: "calling what is hidden",
    async run({ keys }, era) {
      const headers = asKey(apiKeys.mallory);
      for (const [method, [hidden, unknown]] of hiddenThings) {
        const refused = await era.request(keys.url, headers, method, hidden);
        expect(refused.message?.error).toBeDefined();
        expect(bare(refused)).toBe(bare(await era.request(keys.url, headers, method, unknown)));
      }
      return `${hiddenThings.length} ways, each answered as what does not exist`;
    },
  },
  {
    group: GROUP,
    name: "calling what is hidden by another spelling",
    async run({ keys }, era) {
      for (const name of spellings) {
        const answer = await era.call(keys.url, asKey(apiKeys.mallory), name);
        expect(answer.message?.error?.code, name).toBe(-32602);
      }
      return `${spellings.length} spellings, −32602`;
    },
  },
  {
    group: GROUP,
    name: "a list that shows what may not be called, or hides what may",
    async run({ keys }, era) {
      let compared = 0;
      for (const key of Object.values(apiKeys)) {
        const headers = asKey(key);
        const listed = await era.request(keys.url, headers, "tools/list");
        const shown = new Set(listed.message?.result?.tools?.map(({ name }) => name));
        for (const name of ["open", "by_scope", "by_tag", "by_role", "whoami", "no_such"]) {
          const { message } = await era.call(keys.url, headers, name);
          expect(message?.error?.code === -32602, `${key} ${name}`).toBe(!shown.has(name));
          compared++;
        }
      }
      return `${compared} calls agree with ${Object.keys(apiKeys).length} lists`;
    },
  },
  smuggled("the header names an open tool, the body a hidden one", { "mcp-name": "open" }),
  smuggled("two names in headers, an open and a hidden one", { "mcp-name": ["open", "by_role"] }),
  smuggled("the header names another method", { "mcp-method": "tools/list" }),
  smuggled("no name in the headers", { "mcp-name": "" }),
  {
    group: GROUP,
    name: "two names in the body",
    only: "2026-07-28",
    async run({ keys }) {
      const body = modernRequest("tools/call", { name: "open", arguments: {} });
      const text = JSON.stringify(body).replace('"name":"open"', '"name":"open","name":"by_role"');
      const headers = { ...modernHeaders(body), ...asKey(apiKeys.mallory) };
      const answer = await send(keys.url, { headers, body: text });
      expect(answer.message?.error?.code).toBe(-32020);
      return "400: what is run is what the header says, or nothing";
    },
  },
  {
    group: GROUP,
    name: "more permissions claimed in the message",
    async run({ keys }, era) {
      const admin = { id: "admin", roles: ["admin"], scopes: ["write"] };
      const params = { name: "by_role", arguments: { principal: admin, roles: ["admin"] } };
      const answer = await era.request(keys.url, asKey(apiKeys.mallory), "tools/call", params);
      expect(answer.message?.error?.code).toBe(-32602);
      const meta = { principal: admin, roles: ["admin"], sub: "admin" };
      const again = await modern(keys.url, "tools/call", params, {
        headers: asKey(apiKeys.mallory),
        meta,
      });
      expect(again.message?.error?.code).toBe(-32602);
      return "−32602: identity comes from the transport alone";
    },
  },
];
