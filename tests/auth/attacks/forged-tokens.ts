import { expect } from "vitest";
import { type Attack, refused } from "./attack.ts";
import { makeKey } from "./key-set.ts";
import { bearer, goodClaims, nowSeconds, signedBy, unsigned } from "./tokens.ts";
import { SECOND_ISSUER, SECOND_SECRET, SECRET, tokenOf, type World } from "./world.ts";

const GROUP = "tokens";

function forged(
  name: string,
  at: "secret" | "pem" | "tokens" | "mixed",
  stage: string,
  token: (world: World) => string | Promise<string>,
): Attack {
  const attempt = async (world: World) => ({ headers: bearer(await token(world)) });
  return refused(GROUP, name, { at, stage, attempt });
}

const claiming = (name: string, stage: string, claims: () => Record<string, unknown>): Attack =>
  forged(name, "secret", stage, () => signedBy(SECRET, claims()));

/** Tokens that nobody issued, for somebody else, or for another time. */
export const tokenAttacks: readonly Attack[] = [
  forged("no JSON Web Token", "secret", "format", () => "this-is-not-a-token"),
  forged("alg: none without a signature", "secret", "algorithm", () => unsigned({ alg: "none" })),
  forged("alg: None, in another case", "secret", "algorithm", () =>
    unsigned({ alg: "NoNe" }, goodClaims(), "c2lnbmF0dXJl"),
  ),
  forged("alg: none where keys are published", "tokens", "algorithm", () =>
    unsigned({ alg: "none" }),
  ),
  forged("the public key (PEM) as secret of HS256", "pem", "algorithm", ({ pem }) =>
    signedBy(pem.publicKey),
  ),
  forged("a published key (JWK) as secret of HS256", "tokens", "algorithm", ({ tokens }) =>
    signedBy(JSON.stringify(tokens.key.jwk), {}, { kid: tokens.key.kid }),
  ),
  forged("an algorithm that is not taken", "secret", "algorithm", () =>
    signedBy("x".repeat(64), {}, { alg: "HS512" }),
  ),
  forged("signed with another secret", "secret", "signature", () => signedBy("y".repeat(40))),
  forged("claims changed after signing", "secret", "signature", async () => {
    const [header, , signature] = (await tokenOf("alice")).split(".");
    const changed = Buffer.from(JSON.stringify(goodClaims({ sub: "root" }))).toString("base64url");
    return `${header}.${changed}.${signature}`;
  }),
  forged("without its signature", "secret", "signature", async () =>
    (await tokenOf("alice")).replace(/[^.]+$/, ""),
  ),
  forged("its own key in the header (jwk)", "tokens", "signature", async ({ tokens }) => {
    const own = await makeKey(tokens.key.kid, "ES256");
    return own.sign({}, { jwk: own.jwk });
  }),
  forged("its own key set in the header (jku)", "tokens", "key", async ({ keySet }) => {
    return (await makeKey("theirs", "ES256")).sign({}, { jku: keySet.url });
  }),
  forged("a critical header that nobody knows", "secret", "algorithm", () =>
    unsigned({ alg: "HS256", crit: ["trust"], trust: true }, goodClaims(), "c2lnbmF0dXJl"),
  ),
  forged("an unknown kid", "tokens", "key", async () => (await makeKey("unknown", "ES256")).sign()),
  forged("a kid that is a path", "tokens", "key", async () => {
    return (await makeKey("../../../../dev/null", "ES256")).sign();
  }),
  claiming("another issuer", "issuer", () => ({ iss: "https://evil.example" })),
  claiming("the issuer with a slash more", "issuer", () => ({ iss: "https://as.example/" })),
  claiming("no issuer", "issuer", () => ({ iss: undefined })),
  claiming("another audience", "audience", () => ({ aud: "https://other.example/mcp" })),
  claiming("an audience that begins the same", "audience", () => ({
    aud: "https://mcp.example/mcp.evil.example",
  })),
  claiming("the audience in other letters", "audience", () => ({ aud: "HTTPS://MCP.EXAMPLE/mcp" })),
  claiming("no audience", "audience", () => ({ aud: undefined })),
  claiming("an empty audience", "audience", () => ({ aud: [] })),
  forged("another type: an ID token", "secret", "type", () => signedBy(SECRET, {}, { typ: "JWT" })),
  claiming("no exp", "expiry", () => ({ exp: undefined })),
  claiming("an exp that is no number", "expiry", () => ({ exp: "tomorrow" })),
  claiming("an exp beyond all time", "expiry", () => ({ exp: 1e306 })),
  claiming("expired beyond tolerance", "expiry", () => ({ exp: nowSeconds() - 7 })),
  claiming("an nbf beyond tolerance", "not_before", () => ({ nbf: nowSeconds() + 20 })),
  claiming("nobody (no sub)", "claims", () => ({ sub: undefined })),
  claiming("bound to a key, without proof (RFC 9449)", "binding", () => ({ cnf: { jkt: "a" } })),
  claiming("bound to a certificate (RFC 8705)", "binding", () => ({ cnf: { "x5t#S256": "a" } })),
  forged("of one trusted issuer, signed by another one", "mixed", "signature", () =>
    tokenOf("alice", {}, SECOND_SECRET),
  ),
  forged("of the second issuer, signed by the first", "mixed", "issuer", () =>
    tokenOf("alice", {}, SECRET, SECOND_ISSUER),
  ),
  {
    group: GROUP,
    name: "expired within tolerance: taken, so that clocks may differ, and asked again each time",
    async run({ secret }, era) {
      const token = await signedBy(SECRET, { sub: "late", exp: nowSeconds() - 1 });
      const answer = await era.request(secret.url, bearer(token), "tools/list");
      expect(answer.status).toBe(200);
      return "200: 5 s of tolerance are the default";
    },
  },
];
