import { Agent } from "node:http";
import { APIKeyAuth, policy, rateLimit } from "@backplane/auth";
import type { MCPServer } from "@backplane/server";
import { expect, onTestFinished } from "vitest";
import { callTool, type Headers, modern } from "../../protocol/harness/http.ts";
import { openSession } from "../../protocol/harness/legacy-session.ts";
import type { Attack, Era } from "./attack.ts";
import { apiKeys, asKey, startTarget } from "./world.ts";

const GROUP = "limits";
const LIMIT = 3;
const windowMs = 3_600_000;
const secondKey = "second-key-of-mallory-in-the-attacks";

type Call = (url: string, index: number, era: Era) => Promise<{ readonly status: number }>;

async function limited(options: Partial<Parameters<typeof rateLimit>[0]> = {}): Promise<string> {
  const auth = new APIKeyAuth({
    apiKeys: { mallory: [apiKeys.mallory, secondKey], alice: apiKeys.alice },
  });
  const register = (server: MCPServer): void => {
    for (const name of ["a", "b"]) server.tool(name, {}, () => name);
    server.resource("test://items/{id}", {}, () => "item");
    server.use(rateLimit({ limit: LIMIT, windowMs, methods: ["tools/call"], ...options } as never));
  };
  const target = await startTarget({ auth }, undefined, register);
  onTestFinished(() => target.server.stop());
  return target.url;
}

/** So many calls in a way that might be counted apart: as many pass as the limit says, and 429 for the rest. */
function evasion(name: string, call: Call, only?: Era["name"]): Attack {
  return {
    group: GROUP,
    name,
    ...(only && { only }),
    async run(_world, era) {
      const url = await limited();
      const calls = Array.from({ length: 12 }, (_, index) => call(url, index, era));
      const statuses = (await Promise.all(calls)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(LIMIT);
      expect(statuses.filter((status) => status === 429)).toHaveLength(12 - LIMIT);
      // Nobody else pays for it.
      expect((await era.call(url, asKey(apiKeys.alice), "a")).status).toBe(200);
      return `${LIMIT} of 12 pass, 429 for the rest`;
    },
  };
}

const mallory = asKey(apiKeys.mallory);
const by =
  (headers: (index: number) => Headers): Call =>
  (url, index, era) =>
    era.call(url, { ...mallory, ...headers(index) }, "a");

export const limitAttacks: readonly Attack[] = [
  evasion(
    "many connections",
    by(() => ({ connection: "close" })),
  ),
  evasion(
    "addresses that a header claims",
    by((index) => ({
      "x-forwarded-for": `10.0.0.${index}`,
      forwarded: `for=10.0.0.${index}`,
      "x-real-ip": `10.0.0.${index}`,
    })),
  ),
  evasion(
    "user agents and session ids that change",
    by((index) => ({ "user-agent": `a${index}` })),
  ),
  evasion("the header of the key in other letters", (url, index, era) =>
    era.call(url, { [index % 2 === 0 ? "X-API-KEY" : "x-Api-Key"]: apiKeys.mallory }, "a"),
  ),
  evasion("two keys of one client", (url, index, era) =>
    era.call(url, asKey(index % 2 === 0 ? apiKeys.mallory : secondKey), "a"),
  ),
  evasion("several tools", (url, index, era) =>
    era.call(url, mallory, index % 2 === 0 ? "a" : "b"),
  ),
  evasion(
    "the name in base64, and with escapes in JSON",
    (url, index) => {
      const encoded = `=?base64?${Buffer.from("a").toString("base64")}?=`;
      return callTool(
        url,
        "a",
        {},
        { headers: { ...mallory, ...(index % 2 && { "mcp-name": encoded }) } },
      );
    },
    "2026-07-28",
  ),
  evasion(
    "what is said of oneself: ids, client names, versions",
    (url, index) =>
      callTool(url, "a", { index }, { headers: mallory, id: `${index}`, meta: { user: index } }),
    "2026-07-28",
  ),
  {
    group: GROUP,
    name: "many calls in one batch",
    only: "2025-11-25",
    async run() {
      const url = await limited();
      const session = await openSession(url, { revision: "2025-03-26", headers: mallory });
      const batch = Array.from({ length: 12 }, (_, id) => ({
        jsonrpc: "2.0",
        id,
        method: "tools/call",
        params: { name: "a", arguments: {} },
      }));
      const answer = await session.post(batch);
      const codes = answer.messages.map(({ error }) => error?.code);
      expect(codes.filter((code) => code === undefined)).toHaveLength(LIMIT);
      expect(codes.filter((code) => code === -1429)).toHaveLength(12 - LIMIT);
      return `${LIMIT} of 12 pass, −1429 for the rest`;
    },
  },
  {
    group: GROUP,
    name: "a limit per tool: the tool by another spelling",
    async run(_world, era) {
      const url = await limited({ per: ["principal", "target"] } as never);
      const names = ["a", "A", "a ", "\uff41", "a\u0000", "%61"];
      const answers = [];
      for (let index = 0; index < 12; index++) {
        answers.push(await era.call(url, mallory, names[index % names.length] as string));
      }
      // Only the tool's own name is the tool.
      expect(answers.filter(({ message }) => message?.result !== undefined)).toHaveLength(2);
      return "other spellings are no tool";
    },
  },
  {
    group: GROUP,
    name: "a limit per resource: one by many spellings of its URI",
    async run(_world, era) {
      const url = await limited({ per: ["target"], methods: ["resources/read"] } as never);
      const uris = [
        "test://items/abc",
        "test://items/%61bc",
        "test://items/%61%62c",
        "test://items/x",
      ];
      const answers = [];
      for (let index = 0; index < 12; index++) {
        const uri = uris[index % uris.length] as string;
        answers.push(await era.request(url, mallory, "resources/read", { uri }));
      }
      expect(answers.filter(({ message }) => message?.result !== undefined)).toHaveLength(LIMIT);
      return `${LIMIT} of 12 pass: a template is one target`;
    },
  },
  ...[
    { hop: "192.0.2.1", whose: "nobody listed", passing: LIMIT },
    { hop: "loopback", whose: "a listed proxy, behind addresses of one's own", passing: LIMIT },
  ].map(
    ({ hop, whose, passing }): Attack => ({
      group: GROUP,
      name: `an address that a header claims, through ${whose}`,
      async run(_world, era) {
        const register = (server: MCPServer): void => {
          server.tool("a", {}, () => "a");
          server.use(rateLimit({ limit: LIMIT, windowMs, methods: ["tools/call"] }));
        };
        const options = { trustProxy: [hop], policy: policy({ anonymous: true }) };
        const target = await startTarget(options, undefined, register);
        onTestFinished(() => target.server.stop());
        const answers = [];
        for (let index = 0; index < 12; index++) {
          // The last address is what the proxy saw; what stands before it, the caller wrote.
          const forwarded = { "x-forwarded-for": `10.0.0.${index}, 203.0.113.7` };
          answers.push(await era.call(target.url, forwarded, "a"));
        }
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(passing);
        return `${passing} of 12 pass: it counts what the nearest hop that is trusted saw`;
      },
    }),
  ),
  {
    group: GROUP,
    name: "a thousand callers, so that one of them is forgotten",
    only: "2026-07-28",
    async run() {
      const keys = Object.fromEntries(
        Array.from({ length: 1_000 }, (_, index) => [`c${index}`, `key-of-caller-number-${index}`]),
      );
      const auth = new APIKeyAuth({ apiKeys: { mallory: apiKeys.mallory, ...keys } });
      const register = (server: MCPServer): void => {
        server.tool("a", {}, () => "a");
        server.use(rateLimit({ limit: 1, windowMs }));
      };
      const target = await startTarget({ auth }, undefined, register);
      const agent = new Agent({ keepAlive: true, maxSockets: 8 });
      onTestFinished(async () => {
        agent.destroy();
        await target.server.stop();
      });
      const call = (key: string) =>
        modern(target.url, "tools/call", { name: "a" }, { headers: asKey(key), agent });
      expect((await call(apiKeys.mallory)).status).toBe(200);
      const others = await Promise.all(Object.values(keys).map(call));
      expect(others.every(({ status }) => status === 200)).toBe(true);
      expect((await call(apiKeys.mallory)).status).toBe(429);
      return "429: buckets are kept until they are full again";
    },
  },
];
