// Runs in a process of its own: checks new tokens, by Backplane or by jose alone, as the runner orders.
import { createRequire } from "node:module";
import { audience, authEntry, issuer } from "./auth.mjs";

const { JWTAuth } = await import(authEntry.href);
// The very jose that Backplane uses.
const { exportSPKI, generateKeyPair, jwtVerify, SignJWT } = await import(
  createRequire(authEntry).resolve("jose")
);

const algorithm = process.env.ALGORITHM;
const shared = new TextEncoder().encode("a shared secret of the benchmark, longer than 32 bytes");
const pair = algorithm === "HS256" ? undefined : await generateKeyPair(algorithm);
const signingKey = pair?.privateKey ?? shared;
const options = { issuer, audience, algorithms: [algorithm] };
const auth = new JWTAuth(
  pair === undefined
    ? { ...options, secretKey: shared }
    : { ...options, publicKey: await exportSPKI(pair.publicKey) },
);
let serial = 0;

async function newTokens(count) {
  const tokens = [];
  for (let index = 0; index < count; index += 1) {
    serial += 1;
    const claims = { sub: `user-${serial}`, scope: "read write", client_id: "bench" };
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: "at+jwt" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime("1h");
    tokens.push(await token.sign(signingKey));
  }
  return tokens;
}

const checks = {
  jose: async (token) => {
    const { payload } = await jwtVerify(token, pair?.publicKey ?? shared, options);
    return payload.sub;
  },
  backplane: async (token) => {
    const value = `Bearer ${token}`;
    const header = (name) => (name === "authorization" ? value : undefined);
    const request = { method: "POST", path: "/mcp", header, remoteAddress: undefined };
    const { principal } = await auth.authenticate(request);
    return principal?.id;
  },
};

process.on("message", async ({ who, calls }) => {
  const tokens = await newTokens(calls);
  const first = serial - calls + 1;
  const check = checks[who];
  const startedAt = performance.now();
  let right = 0;
  for (let index = 0; index < calls; index += 1) {
    if ((await check(tokens[index])) === `user-${first + index}`) right += 1;
  }
  const perSecond = calls / ((performance.now() - startedAt) / 1000);
  process.send({ perSecond, requests: calls, right });
});
process.on("disconnect", () => process.exit());
process.send("ready");
