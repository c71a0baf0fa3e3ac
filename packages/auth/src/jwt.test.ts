import { Secret } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { CompactSign, exportPKCS8, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { requestOf } from "./harness/requests.test-support.ts";
import {
  AUDIENCE,
  bearer,
  createSigner,
  ISSUER,
  payload,
  SECRET,
  verdict,
} from "./harness/tokens.test-support.ts";
import { JWTAuth } from "./jwt.ts";
import type { JWTAlgorithm, JWTAuthOptions } from "./jwt-options.ts";

const base = { issuer: ISSUER, audience: AUDIENCE } as const;
const hs256 = { ...base, algorithms: ["HS256"], secretKey: SECRET } as const;
/** Without a secret, for another source of keys. */
const remote: Partial<JWTAuthOptions> = { algorithms: ["ES256"], secretKey: undefined as never };

function hmac(claims = {}, header = {}, secret = SECRET): Promise<string> {
  return new SignJWT(payload(claims))
    .setProtectedHeader({ alg: "HS256", ...header })
    .sign(new TextEncoder().encode(secret));
}

describe("JWTAuth takes", () => {
  it.each<JWTAlgorithm>(["HS256", "HS384", "HS512"])("%s", async (algorithm) => {
    const auth = new JWTAuth({ ...base, algorithms: [algorithm], secretKey: new Secret(SECRET) });
    expect(verdict(await bearer(auth, await auth.issue({ sub: "ada" })))).toBe("ada");
  });

  it.each<JWTAlgorithm>(["RS256", "PS256", "ES256", "ES384", "EdDSA"])(
    "%s, by JWK, by several and by PEM",
    async (algorithm) => {
      const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
      const token = await new SignJWT(payload())
        .setProtectedHeader({ alg: algorithm })
        .sign(privateKey);
      const { jwk, sign } = await createSigner(algorithm);
      const other = await createSigner(algorithm, "key-2");
      for (const [options, text] of [
        [{ publicKey: await exportSPKI(publicKey) }, token],
        [{ publicKey: jwk }, await sign()],
        [{ publicKey: [other.jwk, jwk] }, await sign()],
      ] as const) {
        const auth = new JWTAuth({ ...base, algorithms: [algorithm], ...options });
        expect(verdict(await bearer(auth, text))).toBe("ada");
      }
    },
  );

  it("what it says of the caller", async () => {
    const auth = new JWTAuth(hs256);
    const claims = { scope: "read write", roles: ["admin"], client_id: "app", team: "blue" };
    const outcome = await bearer(auth, await hmac(claims));
    expect(outcome).toMatchObject({
      principal: {
        id: "ada",
        issuer: ISSUER,
        clientId: "app",
        scopes: ["read", "write"],
        roles: ["admin"],
        claims: { team: "blue" },
        expiresAtMs: expect.any(Number),
      },
    });
  });

  it.each([
    [{ scp: ["a", "b"] }, {}, { scopes: ["a", "b"] }],
    [{ scope: "a a  b" }, {}, { scopes: ["a", "b"] }],
    [{ scope: { a: 1 }, roles: 5 }, {}, { scopes: [], roles: [] }],
    [{ scope: ["a", 5, "", null] }, {}, { scopes: ["a"] }],
    [{ realm: { roles: ["x"] } }, { roles: "realm.roles" }, { roles: ["x"] }],
    [
      { "https://a.example/roles": "x y" },
      { roles: "https://a.example/roles" },
      { roles: ["x", "y"] },
    ],
    [{ email: "ada@a.example" }, { id: "email" }, { id: "ada@a.example" }],
    [{ sub: undefined, azp: "app" }, {}, { id: "app", clientId: "app" }],
  ])("claims %j with %j", async (claims, names, principal) => {
    const auth = new JWTAuth({ ...hs256, claims: names });
    expect(await bearer(auth, await hmac(claims))).toMatchObject({ principal });
  });

  it("clocks that differ as much as the tolerance, and no more", async () => {
    const clock = createFakeClock();
    const auth = new JWTAuth({ ...hs256, clockToleranceMs: 10_000, clock });
    const at = (offset: number) => Math.floor(clock.now() / 1_000) + offset;
    const claims = { iat: at(-100), exp: at(-9) };
    expect(verdict(await bearer(auth, await hmac(claims)))).toBe("ada");
    expect(verdict(await bearer(auth, await hmac({ ...claims, exp: at(-11) })))).toBe(
      "refused: expiry",
    );
    expect(verdict(await bearer(auth, await hmac({ exp: at(60), nbf: at(9) })))).toBe("ada");
    expect(verdict(await bearer(auth, await hmac({ exp: at(60), nbf: at(11) })))).toBe(
      "refused: not_before",
    );
  });
});

describe("JWTAuth refuses", () => {
  const future = Math.floor(Date.now() / 1_000) + 3_600;
  it.each<[string, string, () => Promise<string> | string]>([
    ["an unsecured token", "algorithm", () => new UnsecuredJWT(payload()).encode()],
    ["alg none in another case", "algorithm", () => unsigned({ alg: "nOnE" })],
    ["another algorithm of the same secret", "algorithm", () => hmac({}, { alg: "HS512" })],
    ["another secret", "signature", () => hmac({}, {}, SECRET.replace("a", "b"))],
    ["another issuer", "issuer", () => hmac({ iss: "https://as.example.evil" })],
    ["the issuer in another spelling", "issuer", () => hmac({ iss: `${ISSUER}/` })],
    ["another audience", "audience", () => hmac({ aud: "https://other.example/mcp" })],
    ["several other audiences", "audience", () => hmac({ aud: ["a", `${AUDIENCE}/`] })],
    ["no audience", "audience", () => hmac({ aud: undefined })],
    ["no issuer", "issuer", () => hmac({ iss: undefined })],
    ["no end", "expiry", () => hmac({ exp: undefined })],
    ["an end that is no number", "expiry", () => hmac({ exp: "never" as never })],
    ["its end", "expiry", () => hmac({ exp: future - 7_200 })],
    ["a beginning to come", "not_before", () => hmac({ nbf: future })],
    ["nobody", "claims", () => hmac({ sub: undefined })],
    ["a subject that is no text", "claims", () => hmac({ sub: 5 as never })],
    ["a critical header it does not know", "algorithm", () => critical()],
    ["what is no token", "format", () => "abc"],
    ["dots", "format", () => ".."],
    ["five parts", "format", () => "a.b.c.d.e"],
    ["a payload that is no object", "format", () => signed("[1]")],
    ["a payload that is no JSON", "format", () => signed("{")],
  ])("%s", async (_name, stage, make) => {
    const auth = new JWTAuth(hs256);
    const token = await make();
    const outcome = await bearer(auth, token);
    expect(verdict(outcome)).toBe(`refused: ${stage}`);
    expect(outcome).toMatchObject({
      failure: {
        status: 401,
        message: "The credential is not valid",
        headers: { "WWW-Authenticate": 'Bearer realm="mcp", error="invalid_token"' },
      },
    });
    expect(JSON.stringify(outcome)).not.toContain(token);
  });

  it("a public key as the secret of HMAC", async () => {
    const { publicKey } = await generateKeyPair("RS256", { extractable: true });
    const pem = await exportSPKI(publicKey);
    const auth = new JWTAuth({ ...base, algorithms: ["RS256"], publicKey: pem });
    const forged = await hmac({}, {}, pem);
    expect(verdict(await bearer(auth, forged))).toBe("refused: algorithm");
  });

  it("a key that the token brings along, by jwk, jku or x5u", async () => {
    const { jwk } = await createSigner();
    const mallory = await createSigner("ES256", "key-2");
    const auth = new JWTAuth({ ...base, algorithms: ["ES256"], publicKey: [jwk] });
    for (const header of [
      { jwk: mallory.jwk },
      { jku: "https://evil.example/keys" },
      { x5u: "https://evil.example/keys" },
      { kid: "../../dev/null" },
    ]) {
      expect(verdict(await bearer(auth, await mallory.sign({}, header)))).toBe("refused: key");
    }
    const claimed = await mallory.sign({}, { kid: "key-1" });
    expect(verdict(await bearer(auth, claimed))).toBe("refused: signature");
  });

  it("another type of token", async () => {
    const auth = new JWTAuth({ ...hs256, type: "at+jwt" });
    expect(verdict(await bearer(auth, await hmac()))).toBe("refused: type");
    expect(verdict(await bearer(auth, await hmac({}, { typ: "id_token" })))).toBe("refused: type");
    expect(verdict(await bearer(auth, await hmac({}, { typ: "at+jwt" })))).toBe("ada");
    expect(verdict(await bearer(auth, await hmac({}, { typ: "application/at+jwt" })))).toBe("ada");
  });

  it("a token that is bound to a key, without its proof", async () => {
    const auth = new JWTAuth(hs256);
    const bound = await hmac({ cnf: { jkt: "x" } });
    expect(verdict(await bearer(auth, bound))).toBe("refused: binding");
    expect(verdict(await bearer(auth, bound))).toBe("refused: binding");
  });

  it.each([
    ["nothing", undefined],
    ["an empty header", ""],
    ["a scheme alone", "Bearer"],
    ["a scheme and a blank", "Bearer "],
    ["another scheme", "Basic YWRhOmFkYQ=="],
    ["a token for DPoP", "DPoP abc"],
  ])("takes %s for no credentials", async (_name, authorization) => {
    const auth = new JWTAuth(hs256);
    const outcome = await auth.authenticate(
      requestOf(authorization === undefined ? {} : { authorization }),
    );
    expect(outcome).toEqual({
      failure: {
        status: 401,
        message: "Authentication required",
        headers: { "WWW-Authenticate": 'Bearer realm="mcp"' },
        stage: "credentials",
      },
    });
  });
});

describe("JWTAuth calls malformed", () => {
  it.each([
    ["two credentials", "Bearer a, Bearer b"],
    ["two tokens", "Bearer a b"],
    ["no ASCII", "Bearer ä"],
    ["an endless token", `Bearer ${"a".repeat(20_000)}`],
  ])("%s", async (_name, authorization) => {
    expect(await new JWTAuth(hs256).authenticate(requestOf({ authorization }))).toMatchObject({
      failure: {
        status: 400,
        headers: { "WWW-Authenticate": 'Bearer realm="mcp", error="invalid_request"' },
        stage: "format",
      },
    });
  });
});

describe("checked tokens", () => {
  it("are remembered as the same principal, until their end", async () => {
    const clock = createFakeClock();
    const auth = new JWTAuth({ ...hs256, clockToleranceMs: 0, clock });
    const token = await auth.issue({ sub: "ada" }, { expirationHours: 0.01 });
    const request = requestOf({ authorization: `Bearer ${token}` });
    const first = await auth.authenticate(request);
    const second = auth.authenticate(request);
    expect(second).not.toBeInstanceOf(Promise);
    expect("principal" in first && first.principal).toBe("principal" in second && second.principal);
    clock.advance(36_000);
    expect(verdict(await auth.authenticate(request))).toBe("refused: expiry");
  });

  it("are checked again after the time of the cache", async () => {
    const clock = createFakeClock();
    const auth = new JWTAuth({ ...hs256, cache: { ttlMs: 1_000, maxEntries: 1 }, clock });
    const requests = await Promise.all(
      ["ada", "bob"].map(async (sub) =>
        requestOf({ authorization: `Bearer ${await auth.issue({ sub })}` }),
      ),
    );
    const [ada, bob] = requests as [(typeof requests)[0], (typeof requests)[0]];
    await auth.authenticate(ada);
    expect(auth.authenticate(ada)).not.toBeInstanceOf(Promise);
    clock.advance(1_000);
    const again = auth.authenticate(ada);
    expect(again).toBeInstanceOf(Promise);
    await again;
    // Only one fits.
    await auth.authenticate(bob);
    expect(auth.authenticate(ada)).toBeInstanceOf(Promise);
  });

  it("can be revoked, while they are checked too", async () => {
    const auth = new JWTAuth(hs256);
    const token = await auth.issue({ sub: "ada" });
    const checking = bearer(auth, token);
    auth.revokeToken(token);
    expect(verdict(await checking)).toBe("refused: revocation");
    expect(verdict(await bearer(auth, token))).toBe("refused: revocation");
    const other = await auth.issue({ sub: "ada" });
    await bearer(auth, other);
    auth.revokeToken(other);
    expect(verdict(await bearer(auth, other))).toBe("refused: revocation");
    expect(() => auth.revokeToken("no token")).not.toThrow();
  });

  it("are forgotten by whom they stand for", async () => {
    const auth = new JWTAuth(hs256);
    const ada = requestOf({ authorization: `Bearer ${await auth.issue({ sub: "ada" })}` });
    await auth.authenticate(ada);
    expect(auth.forget(({ id }) => id === "bob")).toBe(0);
    expect(auth.forget(({ id }) => id === "ada")).toBe(1);
    expect(auth.authenticate(ada)).toBeInstanceOf(Promise);
  });

  it("are one check for requests at once", async () => {
    const { jwk, sign } = await createSigner();
    const auth = new JWTAuth({ ...base, algorithms: ["ES256"], publicKey: jwk });
    const token = await sign();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => bearer(auth, token)));
    const principals = new Set(
      outcomes.map((outcome) => "principal" in outcome && outcome.principal),
    );
    expect(principals.size).toBe(1);
  });
});

describe("issue", () => {
  it("signs for the hours that the guide gives", async () => {
    const clock = createFakeClock();
    const auth = new JWTAuth({ ...hs256, clock });
    const token = await auth.issue({ sub: "ada", scope: "read" }, { expirationHours: 24 });
    const outcome = await bearer(auth, token);
    expect(outcome).toMatchObject({
      principal: { scopes: ["read"], expiresAtMs: clock.now() + 24 * 3_600_000 },
    });
  });

  it("cannot be made to say another issuer, and needs a secret", async () => {
    const auth = new JWTAuth(hs256);
    const token = await auth.issue({ sub: "ada", iss: "https://evil.example", exp: 1 });
    expect(verdict(await bearer(auth, token))).toBe("ada");
    await expect(auth.issue({ sub: "ada" }, { expirationHours: 0 })).rejects.toThrow(/over 0/);
    const { jwk } = await createSigner();
    const checks = new JWTAuth({ ...base, algorithms: ["ES256"], publicKey: jwk });
    await expect(checks.issue({ sub: "ada" })).rejects.toThrow(/"secretKey"/);
  });
});

describe("construction refuses", () => {
  it.each<[string, Partial<JWTAuthOptions>, RegExp]>([
    ["no issuer", { issuer: "" }, /"issuer" is required/],
    ["no audience", { audience: undefined as never }, /"audience" is required/],
    ["an empty audience", { audience: [] }, /"audience" is required/],
    ["no algorithms", { algorithms: [] }, /"algorithms" is required/],
    ["none", { algorithms: ["none" as never] }, /holds "none"/],
    ["secrets and public keys at once", { algorithms: ["HS256", "RS256"] }, /mixes/],
    ["a short secret", { secretKey: "your-secret-key" }, /has 15 bytes; HS256 needs 32/],
    [
      "a secret too short for HS512",
      { algorithms: ["HS512"], secretKey: "x".repeat(32) },
      /needs 64/,
    ],
    ["no key", { secretKey: undefined as never }, /exactly one/],
    ["two sources", { jwksUrl: "https://as.example/keys" }, /exactly one/],
    ["a secret for ES256", { algorithms: ["ES256"] }, /cannot be used with the option secretKey/],
    ["http", { ...remote, jwksUrl: "http://as.example/keys" }, /"jwksUrl" must be an https/],
    [
      "http for discovery",
      { ...remote, issuer: "http://as.example", discover: true },
      /"issuer" must be an https/,
    ],
    ["a private PEM", { ...remote, publicKey: "-----BEGIN PRIVATE KEY-----" }, /BEGIN PUBLIC KEY/],
    ["a private JWK", { ...remote, publicKey: { kty: "EC", d: "x" } }, /without "d"/],
    ["a secret JWK", { ...remote, publicKey: { kty: "oct", k: "x" } }, /public JWKs/],
    ["an endless tolerance", { clockToleranceMs: 1e9 }, /clockToleranceMs/],
    ["a misspelt claim", { claims: { role: "x" } as never }, /unknown option "role"/],
    ["a cache of nothing", { cache: { maxEntries: 0 } }, /cache.maxEntries/],
    ["the guide's single algorithm", { algorithm: "HS256" } as never, /unknown option "algorithm"/],
  ])("%s", (_name, options, message) => {
    expect(() => new JWTAuth({ ...hs256, ...options })).toThrow(message);
  });

  it("and shows no secret", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const pem = await exportPKCS8(privateKey);
    expect(() => new JWTAuth({ ...hs256, ...remote, publicKey: pem })).not.toThrow(pem);
    expect(JSON.stringify(new JWTAuth(hs256))).toBe("{}");
  });
});

function unsigned(header: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${encode(header)}.${encode(payload())}.`;
}

function signed(text: string): Promise<string> {
  return new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
}

function critical(): Promise<string> {
  return new SignJWT(payload())
    .setProtectedHeader({ alg: "HS256", crit: ["x-must"], "x-must": 1 } as never)
    .sign(new TextEncoder().encode(SECRET), { crit: { "x-must": true } });
}
