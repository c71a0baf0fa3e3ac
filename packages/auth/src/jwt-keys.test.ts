import { generateKeyPairSync } from "node:crypto";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { AUDIENCE, bearer, ISSUER, payload, verdict } from "./harness/tokens.test-support.ts";
import { rsaBitsOfJwk, rsaBitsOfPem } from "./internal/rsa-size.ts";
import { JWTAuth } from "./jwt.ts";
import type { JWTAuthOptions } from "./jwt-options.ts";

const base = { issuer: ISSUER, audience: AUDIENCE } as const;
const OLD = "the old secret, of more than 32 bytes";
const NEW = "the new secret, of more than 32 bytes";
const STRANGE = "the secret of a stranger, also over 32";

function hs256(...secrets: string[]): JWTAuth {
  return new JWTAuth({ ...base, algorithms: ["HS256"], secretKey: secrets });
}

/** RSA in a certificate, of 1,024 and of 2,048 bits. */
const WEAK_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIB/DCCAWWgAwIBAgIUR2wOsANnVBgINxcumcnkfSltG8YwDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMzAxNDMyNDlaGA8yMTI2MTEwNjE0
MzI0OVowDzENMAsGA1UEAwwEd2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC
gYEAuUb/9M48g4nQkP70CQqaYT4UMGWT5Qc7AXbsIFi2kYYkRb6IMYcoVMniy3G9
v3RXQt/EURGx1N8R4y06Tib3snXs4x5VWKrx/qMJT2lDmMKMiUq0JLTxwwrOF3Om
0zq+OM5ylRR/pN9EfyHNz36Hh9nq11meioOmjDVF1ugeGRMCAwEAAaNTMFEwHQYD
VR0OBBYEFG2q8QnikH72RIOASyHC6hnnyEAJMB8GA1UdIwQYMBaAFG2q8QnikH72
RIOASyHC6hnnyEAJMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEA
db2gqDsrA3x/POvDl8V/KP5HwlA2ymoFPV53FLqMvGFFBMCkEXEBNeryjjwoISbo
kltBzEaRslGt1huth+KGC2F4IGezyvHNIdhyVGTy+lDAKAbjPeFCdFaEks5uCEn4
Nj1+IAsj5jnRR3+ha9w50wfDdUw/HwF2rRQsfdJK2mE=
-----END CERTIFICATE-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIDATCCAemgAwIBAgIUYeG+TOhpweCSYd+o75/3s67hNlYwDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEZ29vZDAgFw0yNjExMzAxNDMyNTBaGA8yMTI2MTEwNjE0
MzI1MFowDzENMAsGA1UEAwwEZ29vZDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC
AQoCggEBAMktytd38/xfEfgNBldOwlIn8jjI78EFD/2fci7ctekIH6tdVJ89DkVm
dXCdE3XI4d67axroY8avhUUaxCb9zop2ktogdXo290kpO/CdrVmWZe4VG0Tcfi2N
mFILaT4Tjk9zsZvEoGvZjEog0yhKog3dwtV8dMx0se8yztCU2z0vo7V6T1oa16wx
OAMwpkGyulu63CK+qP5aFITAapjoYWTvOLZx7fzbagOSU58PDWL6v4OYJUZOk3H7
2Zs0SOnOagNEpda71ponBKdnUaqPAhJL0nfOL6EyRvt2SmtV2TSo4Dhd1MoIM0fU
2MGyKll51v8RqSYWkAA2a3EFbB5FwpsCAwEAAaNTMFEwHQYDVR0OBBYEFCzht5ur
Q7++T8IZZ42fU2td8ZNjMB8GA1UdIwQYMBaAFCzht5urQ7++T8IZZ42fU2td8ZNj
MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBACCSFGgfD4sRuYwe
2N+xaCOl8Z+EqVo5JDFrMtJWXghk4DUQcZLrIjZg9PCHxsC3kJylXCDPJgCuN0X6
cDgAiGs3d37q8lSvrofmGGiHppfKUzrrlLi3t3HAgwWPvhiQ0Lcv4obwMkGsgrON
Ejc4ebMjzP9DL5hvfqF/se+7CmTrDLNhlGoG/s9lKYbZgiEJnL4gsaMVOdriD41f
GbeXuCunagA+BaqTB1WF+9QnAf336acWe9htV/TtY2gc5nO8UdEUxbZuq8yVzgie
pHXRlewL8Oxevtcop47sxauyqH5l9zL7JUEZaXKNFQa+PoZlAaqpdBR0dD15+xp8
mdDrIFs=
-----END CERTIFICATE-----`;

describe("secrets are replaced with an overlap", () => {
  it("in three steps, none of which refuses a client", async () => {
    const [before, between, after] = [hs256(OLD), hs256(NEW, OLD), hs256(NEW)];
    const old = await before.issue({ sub: "ada" });
    const fresh = await between.issue({ sub: "ada" });
    expect(verdict(await bearer(between, old))).toBe("ada");
    expect(verdict(await bearer(between, fresh))).toBe("ada");
    expect(verdict(await bearer(after, fresh))).toBe("ada");
    expect(verdict(await bearer(after, old))).toBe("refused: signature");
  });

  it("and tokens of nobody are refused as ever", async () => {
    const forged = await hs256(STRANGE).issue({ sub: "root" });
    expect(verdict(await bearer(hs256(NEW, OLD), forged))).toBe("refused: signature");
  });

  it("whatever else is wrong with a token is said of the key that signed it", async () => {
    const clock = createFakeClock();
    const issuer = new JWTAuth({ ...base, algorithms: ["HS256"], secretKey: OLD, clock });
    const token = await issuer.issue({ sub: "ada" });
    clock.advance(7_200_000);
    const both = new JWTAuth({ ...base, algorithms: ["HS256"], secretKey: [NEW, OLD], clock });
    expect(verdict(await bearer(both, token))).toBe("refused: expiry");
  });
});

it("keys as PEM are replaced with an overlap", async () => {
  const pairs = await Promise.all(
    ["old", "fresh"].map(() => generateKeyPair("ES256", { extractable: true })),
  );
  const publicKey = await Promise.all(pairs.map((pair) => exportSPKI(pair.publicKey)));
  const auth = new JWTAuth({ ...base, algorithms: ["ES256"], publicKey });
  for (const { privateKey } of pairs) {
    const token = await new SignJWT(payload())
      .setProtectedHeader({ alg: "ES256" })
      .sign(privateKey);
    expect(verdict(await bearer(auth, token))).toBe("ada");
  }
});

describe("the size of an RSA key is read", () => {
  it.each([1_024, 2_048, 3_072])("of %d bits, from a JWK and from PEM", async (modulusLength) => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength });
    expect(rsaBitsOfJwk(publicKey.export({ format: "jwk" }) as JWK)).toBe(modulusLength);
    expect(rsaBitsOfPem(publicKey.export({ format: "pem", type: "spki" }).toString())).toBe(
      modulusLength,
    );
  });

  it("from a certificate", () => {
    expect(rsaBitsOfPem(WEAK_CERTIFICATE)).toBe(1_024);
    expect(rsaBitsOfPem(CERTIFICATE)).toBe(2_048);
  });

  it("and of nothing else", async () => {
    const { publicKey } = await generateKeyPair("ES256", { extractable: true });
    expect(rsaBitsOfJwk(await exportJWK(publicKey))).toBeUndefined();
    expect(rsaBitsOfPem(await exportSPKI(publicKey))).toBeUndefined();
    expect(rsaBitsOfPem("-----BEGIN PUBLIC KEY-----\nno key\n-----END PUBLIC KEY-----")).toBe(
      undefined,
    );
  });
});

describe("construction refuses", () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1_024 }).publicKey;
  const rs256 = { secretKey: undefined as never, algorithms: ["RS256"] } as const;
  it.each<[string, Partial<JWTAuthOptions>, RegExp]>([
    ["one short secret of two", { secretKey: [NEW, "short"] }, /has 5 bytes/],
    ["a secret that repeats itself", { secretKey: "abc".repeat(20) }, /repeats itself/],
    ["no secret", { secretKey: [] }, /"secretKey" takes 1 to 10/],
    ["eleven", { secretKey: Array.from({ length: 11 }, (_, n) => NEW + n) }, /takes 1 to 10/],
    ["a weak certificate", { ...rs256, publicKey: WEAK_CERTIFICATE }, /RSA key of 1024 bits/],
    [
      "a weak JWK",
      { ...rs256, publicKey: weak.export({ format: "jwk" }) as JWK },
      /RSA key of 1024 bits/,
    ],
    [
      "PEM and JWKs at once",
      { ...rs256, publicKey: [CERTIFICATE, { kty: "RSA" }] as never },
      /mixes PEM and JWKs/,
    ],
    [
      "a life for tokens that it cannot sign",
      { ...rs256, publicKey: CERTIFICATE, expirationHours: 24 },
      /"expirationHours" does nothing/,
    ],
    ["a life of nothing", { expirationHours: 0 }, /"expirationHours" must be a number over 0/],
  ])("%s", (_name, options, message) => {
    const given = { ...base, algorithms: ["HS256"], secretKey: NEW, ...options };
    expect(() => new JWTAuth(given as JWTAuthOptions)).toThrow(message);
  });
});

it("issues for as long as it was made for", async () => {
  const clock = createFakeClock();
  const auth = new JWTAuth({
    ...base,
    algorithms: ["HS256"],
    secretKey: NEW,
    expirationHours: 24,
    clock,
  });
  const outcome = await bearer(auth, await auth.issue({ sub: "ada" }));
  expect(outcome).toMatchObject({ principal: { expiresAtMs: clock.now() + 24 * 3_600_000 } });
});
