import type { ServerResponse } from "node:http";
import { JWTAuth, type JWTAuthOptions } from "@backplane/auth";
import { expect, onTestFinished } from "vitest";
import { type Attack, refused, stagesSince } from "./attack.ts";
import { makeKey, startKeySet } from "./key-set.ts";
import { AUDIENCE, bearer, ISSUER, signedBy } from "./tokens.ts";
import { startTarget } from "./world.ts";

const GROUP = "key sets";
const PUBLISHED = "everybody can read this secret, because it is published";

/** A server with a key set of its own, for one attack. */
async function withKeySet(options: Pick<JWTAuthOptions, "jwks" | "requestTimeoutMs"> = {}) {
  const set = await startKeySet();
  const auth = new JWTAuth({
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ["ES256"],
    jwksUrl: set.url,
    jwks: { cooldownMs: 30_000 },
    ...options,
  });
  const key = await set.addKey("first", "ES256");
  const target = await startTarget({ auth });
  onTestFinished(async () => {
    await target.server.stop();
    await set.close();
  });
  return { set, key, target };
}

/** The keys cannot be had: nobody can say now, and a client should keep its token. */
function unavailable(name: string, answer: (response: ServerResponse) => void): Attack {
  return refused(GROUP, name, {
    status: 503,
    stage: "key",
    async at() {
      const { set, target } = await withKeySet({ requestTimeoutMs: 300 });
      set.answer = answer;
      return target;
    },
    attempt: async () => ({ headers: bearer(await (await makeKey("first", "ES256")).sign()) }),
  });
}

export const keySetAttacks: readonly Attack[] = [
  unavailable("a key set that hangs", () => {}),
  unavailable("a key set that hangs in the middle", (response) => {
    response.write('{"keys":[');
  }),
  unavailable("a key set of 3 MB", (response) => {
    response.end(`{"keys":[],"x":"${"x".repeat(3_000_000)}"}`);
  }),
  unavailable("a key set of 1,000 keys", (response) => {
    const key = { kty: "EC", crv: "P-256", x: "AA", y: "AA" };
    response.end(JSON.stringify({ keys: Array.from({ length: 1_000 }, () => key) }));
  }),
  unavailable("a key set that is none", (response) => response.end("[]")),
  unavailable("a key set that leads elsewhere", (response) => {
    response.writeHead(302, { location: "http://127.0.0.1:9/jwks" }).end();
  }),
  refused(GROUP, "a shared secret among the published keys", {
    stage: "algorithm",
    async at() {
      const { set, target } = await withKeySet();
      set.keys.push({ kty: "oct", kid: "shared", alg: "HS256", k: btoa(PUBLISHED) });
      return target;
    },
    attempt: async () => ({ headers: bearer(await signedBy(PUBLISHED, {}, { kid: "shared" })) }),
  }),
  {
    group: GROUP,
    name: "keys that rotate while requests are under way",
    async run(_world, era) {
      const { set, key, target } = await withKeySet({ jwks: { cooldownMs: 1 } });
      expect((await era.call(target.url, bearer(await key.sign()), "open")).status).toBe(200);
      const asked = set.asked;
      const second = await makeKey("second", "ES256");
      set.keys = [second.jwk];
      const tokens = await Promise.all(
        Array.from({ length: 20 }, (_, index) => second.sign({ sub: `user ${index}` })),
      );
      const answers = await Promise.all(
        tokens.map((token) => era.call(target.url, bearer(token), "open")),
      );
      expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 200));
      expect(set.asked - asked).toBeLessThanOrEqual(3);
      // What the old key signs now is of no use any more.
      const before = target.logger.lines.length;
      const late = await era.begin(target.url, bearer(await key.sign({ sub: "late" })));
      expect(late.status).toBe(401);
      expect(stagesSince(target.logger, before)).toEqual(["key"]);
      return `20 new tokens taken with ${set.asked - asked} requests for keys, then 401 for the old key`;
    },
  },
  {
    group: GROUP,
    name: "unknown keys, to have the authorization server asked again and again",
    async run(_world, era) {
      const { set, key, target } = await withKeySet();
      expect((await era.call(target.url, bearer(await key.sign()), "open")).status).toBe(200);
      const forger = await makeKey("forged", "ES256");
      for (let index = 0; index < 20; index++) {
        const token = await forger.sign({ sub: `${index}` });
        const { status } = await era.begin(target.url, bearer(token));
        expect(status).toBe(401);
      }
      expect(set.asked).toBe(1);
      return "401; asked once in the 30 s of the cool-down";
    },
  },
];
