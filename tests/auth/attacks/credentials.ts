import { expect } from "vitest";
import type { Headers } from "../../protocol/harness/http.ts";
import { type Attack, type BadCredential, refused } from "./attack.ts";
import { bearer } from "./tokens.ts";
import { apiKeys, asKey, tokenOf, type World } from "./world.ts";

type At = BadCredential["at"];

const GROUP = "credentials";

function bad(
  name: string,
  at: At,
  stage: string,
  headers: Headers | ((world: World) => Headers | Promise<Headers>),
  status: 400 | 401 = 401,
): Attack {
  const attempt = async (world: World) => ({
    headers: typeof headers === "function" ? await headers(world) : headers,
  });
  return refused(GROUP, name, { at, attempt, stage, status });
}

const twice = (value: string): string[] => [value, value];

/** None, empty, several, too long, in the wrong place. */
export const credentialAttacks: readonly Attack[] = [
  bad("no credential, to a server with keys", "keys", "credentials", {}),
  bad("no credential, to a server with tokens", "secret", "credentials", {}),
  bad("an empty key", "keys", "credentials", { "x-api-key": "" }),
  bad("an empty Authorization", "secret", "credentials", { authorization: "" }),
  bad("a scheme without a token", "secret", "credentials", { authorization: "Bearer" }),
  bad("a scheme and blanks", "secret", "credentials", { authorization: "Bearer    " }),
  bad("another scheme", "secret", "credentials", { authorization: "Basic YWxpY2U6cGFzc3dvcmQ=" }),
  bad("a good key twice", "keys", "credentials", { "x-api-key": twice(apiKeys.alice) }),
  bad("a good key behind a bad one", "keys", "credentials", {
    "x-api-key": ["key-of-nobody-in-the-attacks", apiKeys.alice],
  }),
  bad(
    "a good token twice",
    "secret",
    "format",
    async () => ({ authorization: twice(`Bearer ${await tokenOf("alice")}`) }),
    400,
  ),
  bad(
    "a good token before a bad one, in lines of their own",
    "secret",
    "format",
    async () => ({ authorization: [`Bearer ${await tokenOf("alice")}`, "Bearer bad-token-here"] }),
    400,
  ),
  bad(
    "two tokens in one line",
    "secret",
    "format",
    async () => ({ authorization: `Bearer ${await tokenOf("a")}, Bearer ${await tokenOf("b")}` }),
    400,
  ),
  bad("a key of 13,000 characters", "keys", "credentials", asKey("k".repeat(13_000))),
  bad("a token of 13,000 characters", "secret", "format", bearer("t".repeat(13_000)), 400),
  bad("a key in other letters", "keys", "key", asKey(apiKeys.alice.toUpperCase())),
  bad("the beginning of a key", "keys", "key", asKey(apiKeys.alice.slice(0, -1))),
  bad("a key and one character more", "keys", "key", asKey(`${apiKeys.alice}x`)),
  bad("a key of the prototype", "keys", "key", asKey("__proto__")),
  bad("the digest of a key for the key", "keys", "key", async () => {
    const { hashApiKey } = await import("@backplane/auth");
    return asKey(hashApiKey(apiKeys.alice));
  }),
  bad("a key as bearer token", "keys", "credentials", bearer(apiKeys.alice)),
  bad("a key in a cookie", "keys", "credentials", { cookie: `x-api-key=${apiKeys.alice}` }),
  bad("a key in a header with an underscore", "keys", "credentials", { x_api_key: apiKeys.alice }),
  bad("a token in X-Forwarded-Authorization", "secret", "credentials", async () => ({
    "x-forwarded-authorization": `Bearer ${await tokenOf("alice")}`,
  })),
  bad("a token in Proxy-Authorization", "secret", "credentials", async () => ({
    "proxy-authorization": `Bearer ${await tokenOf("alice")}`,
  })),
  refused(GROUP, "a key in the query", {
    at: "keys",
    stage: "credentials",
    attempt: () => ({ query: `?x-api-key=${apiKeys.alice}&api_key=${apiKeys.alice}` }),
  }),
  refused(GROUP, "a token in the query (RFC 6750, 2.3)", {
    at: "secret",
    stage: "credentials",
    attempt: async () => ({ query: `?access_token=${await tokenOf("alice")}` }),
  }),
  refused(GROUP, "a key in the body", {
    at: "keys",
    stage: "credentials",
    attempt: () => ({ params: { "x-api-key": apiKeys.alice, apiKey: apiKeys.alice } }),
  }),
  refused(GROUP, "a token in the body (RFC 6750, 2.2)", {
    at: "secret",
    stage: "credentials",
    attempt: async () => ({ params: { access_token: await tokenOf("alice") } }),
  }),
  {
    group: GROUP,
    name: "how long a refusal takes says how much of a key is right (statistics, for information)",
    async run({ keys }, era) {
      const wrong = (from: number): string =>
        apiKeys.alice.slice(0, from) + "#".repeat(apiKeys.alice.length - from);
      const guesses = [wrong(0), wrong(apiKeys.alice.length - 1)] as const;
      const times = guesses.map((): number[] => []);
      for (let round = 0; round < 120; round++) {
        for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
          const startedAt = performance.now();
          const answer = await era.begin(keys.url, asKey(guesses[index] as string));
          times[index]?.push(performance.now() - startedAt);
          expect(answer.status).toBe(401);
        }
      }
      const [none, nearly] = times.map((all) => all.sort((a, b) => a - b)[all.length >> 1] ?? 0);
      const apart = Math.abs((nearly as number) / (none as number) - 1) * 100;
      return `401; medians of 120 each ${apart.toFixed(1)} % apart`;
    },
  },
];
