import { createHash } from "node:crypto";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  decodeProtectedHeader,
  EmbeddedJWK,
  generateKeyPair,
  type JWK,
  jwtVerify,
} from "jose";
import { describe, expect, it } from "vitest";
import type { ReceivedRequest } from "../test-suite/scripted-peer.ts";
import { nonceOfProof } from "./dpop.ts";
import { failure, userClient } from "./harness/client.test-support.ts";
import {
  send,
  startWorld,
  tokenOf,
  unauthorized,
  type World,
} from "./harness/world.test-support.ts";
import { createMemoryTokenStore } from "./memory-token-store.ts";

async function startDpopWorld(): Promise<World> {
  const world = await startWorld();
  world.as.tokenResponse["token_type"] = "DPoP";
  world.as.metadata["dpop_signing_alg_values_supported"] = ["ES256", "EdDSA"];
  return world;
}

/** Checks a proof as a server does (RFC 9449, 4.3). @returns its claims and the thumbprint of its key. */
async function verify(request: ReceivedRequest, origin: string) {
  const proof = String(request.headers["dpop"]);
  const { payload } = await jwtVerify(proof, EmbeddedJWK, { typ: "dpop+jwt" });
  const { jwk } = decodeProtectedHeader(proof);
  expect(jwk).not.toHaveProperty("d");
  expect([payload["htm"], payload["htu"]]).toEqual([request.method, origin + request.path]);
  return { ...payload, jkt: await calculateJwkThumbprint(jwk as JWK) };
}

const at = (world: World, path: "/token" | "/mcp"): readonly ReceivedRequest[] =>
  (path === "/token" ? world.as : world.mcp).received.filter((one) => one.path === path);

describe("DPoP", () => {
  it("sends a fresh proof with each request, bound to the token, of one key", async () => {
    const world = await startDpopWorld();
    const auth = userClient({ dpop: true });
    for (let request = 0; request < 3; request++) expect(await send(auth, world.mcpUrl)).toBe(200);
    const [tokenRequest] = at(world, "/token");
    const atToken = await verify(tokenRequest as ReceivedRequest, world.as.origin);
    expect(atToken).not.toHaveProperty("ath");
    const calls = at(world, "/mcp").filter(({ headers }) => headers["authorization"]);
    const proofs = await Promise.all(calls.map((call) => verify(call, world.mcp.origin)));
    for (const [index, call] of calls.entries()) {
      expect(call.headers["authorization"]).toBe(`DPoP ${tokenOf(call)}`);
      const ath = createHash("sha256").update(tokenOf(call)).digest("base64url");
      expect(proofs[index]).toMatchObject({ ath, jkt: atToken.jkt });
    }
    expect(new Set([atToken, ...proofs].map(({ jti }) => jti)).size).toBe(4);
    const [authorization] = world.as.received.filter(({ path }) => path === "/authorize");
    expect(authorization?.query.get("dpop_jkt")).toBe(atToken.jkt);
  });

  it("takes the nonces of both servers, each for itself", async () => {
    const world = await startDpopWorld();
    const nonces = { as: "as-1", mcp: "mcp-1" };
    const { as } = world;
    as.route("/token", (request) => {
      if (nonceOfProof(String(request.headers["dpop"])) !== nonces.as) {
        return {
          status: 400,
          headers: { "dpop-nonce": nonces.as },
          body: { error: "use_dpop_nonce" },
        };
      }
      as.issued.set("bound", { scope: "", resource: world.mcpUrl, clientId: "" });
      return { body: { access_token: "bound", token_type: "DPoP", expires_in: 3600 } };
    });
    world.refuse = (request) => {
      if (!as.issued.has(tokenOf(request))) return unauthorized(world);
      if (nonceOfProof(String(request.headers["dpop"])) === nonces.mcp) return undefined;
      return {
        status: 401,
        headers: {
          "www-authenticate": 'DPoP error="use_dpop_nonce"',
          "dpop-nonce": nonces.mcp,
        },
      };
    };
    const auth = userClient({ dpop: true });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    nonces.mcp = "mcp-2";
    const statuses = await Promise.all(Array.from({ length: 20 }, () => send(auth, world.mcpUrl)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(at(world, "/token")).toHaveLength(2);
  });

  it("gives up on a server that wants the nonce that it has just got", async () => {
    const world = await startDpopWorld();
    world.refuse = (request) =>
      world.as.issued.has(tokenOf(request))
        ? {
            status: 401,
            headers: { "www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "same" },
          }
        : unauthorized(world);
    expect(await send(userClient({ dpop: true }), world.mcpUrl)).toBe(401);
    expect(at(world, "/mcp")).toHaveLength(3);
  });

  it("refuses a token that is not bound, and an algorithm that cannot be checked", async () => {
    const world = await startWorld();
    const unbound = await failure(send(userClient({ dpop: true }), world.mcpUrl));
    expect(unbound.code).toBe("dpop_unsupported");
    world.as.metadata["dpop_signing_alg_values_supported"] = ["RS256"];
    const algorithm = await failure(send(userClient({ dpop: true }), world.mcpUrl));
    expect([algorithm.code, at(world, "/token").length]).toEqual(["dpop_unsupported", 1]);
  });

  it("has a key that cannot be exported, or the application's own", async () => {
    const world = await startDpopWorld();
    const keyPair = await generateKeyPair("Ed25519");
    const auth = userClient({ dpop: { keyPair } });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    const [request] = at(world, "/token");
    const { alg, jwk } = decodeProtectedHeader(String(request?.headers["dpop"]));
    expect([alg, jwk?.crv]).toEqual(["EdDSA", "Ed25519"]);
  });

  it("does not use a stored token whose key is gone, but refreshes it", async () => {
    const world = await startDpopWorld();
    const store = createMemoryTokenStore();
    await send(userClient({ dpop: true, store }), world.mcpUrl);
    expect(await send(userClient({ dpop: true, store }), world.mcpUrl)).toBe(200);
    expect(world.as.count("/token", "refresh_token")).toBe(1);
    const keys = at(world, "/token").map((one) => verify(one, world.as.origin));
    expect(new Set((await Promise.all(keys)).map(({ jkt }) => jkt)).size).toBe(2);
    // A token without a key is none for a client that binds, and the other way round.
    world.as.tokenResponse["token_type"] = "Bearer";
    expect(await send(userClient({ store }), world.mcpUrl)).toBe(200);
    expect(world.as.count("/token", "refresh_token")).toBe(2);
  });

  it("asks the user when the refresh token was bound to the lost key", async () => {
    const world = await startDpopWorld();
    const store = createMemoryTokenStore();
    await send(userClient({ dpop: true, store }), world.mcpUrl);
    world.as.refuse("refresh_token", "invalid_dpop_proof");
    expect(await send(userClient({ dpop: true, store }), world.mcpUrl)).toBe(200);
    expect(world.as.asked).toHaveLength(2);
  });

  it("refuses keys that do not sign, and algorithms that are not the key's", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ECDH-ES");
    const other = await generateKeyPair("ES384");
    const keyPair = { privateKey: privateKey as CryptoKey, publicKey: publicKey as CryptoKey };
    expect(() => userClient({ dpop: { keyPair } })).toThrow(/dpop.keyPair/);
    expect(() => userClient({ dpop: { keyPair: other, algorithm: "ES256" } })).toThrow(
      /dpop.algorithm/,
    );
  });
});
