import { createFakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { movableClock } from "./client/harness/client.test-support.ts";
import { startPeer } from "./client/harness/http-peer.test-support.ts";
import {
  AUDIENCE,
  bearer,
  createSigner,
  type Signer,
  verdict,
} from "./harness/tokens.test-support.ts";
import { JWTAuth } from "./jwt.ts";
import type { JWTAuthOptions } from "./jwt-options.ts";
import type { ScriptedPeer } from "./test-suite/scripted-peer.ts";

const PATH = "/keys";

/** An authorization server of which only the keys matter. */
async function start(...signers: Signer[]): Promise<{ peer: ScriptedPeer; keys: Signer[] }> {
  const peer = await startPeer();
  const keys = [...signers];
  peer.route(PATH, () => ({ body: { keys: keys.map(({ jwk }) => jwk) } }));
  return { peer, keys };
}

function authOf(peer: ScriptedPeer, options: Partial<JWTAuthOptions> = {}): JWTAuth {
  return new JWTAuth({
    issuer: "https://as.example",
    audience: AUDIENCE,
    algorithms: ["ES256"],
    jwksUrl: peer.origin + PATH,
    ...options,
  });
}

describe("published keys", () => {
  it("are fetched once, when the first token comes, however many come at once", async () => {
    const signer = await createSigner();
    const { peer } = await start(signer);
    const auth = authOf(peer);
    expect(peer.received).toHaveLength(0);
    const tokens = await Promise.all(["ada", "bob", "eve"].map((sub) => signer.sign({ sub })));
    const outcomes = await Promise.all(tokens.map((token) => bearer(auth, token)));
    expect(outcomes.map(verdict)).toEqual(["ada", "bob", "eve"]);
    expect(peer.count(PATH)).toBe(1);
  });

  it("are found by the metadata of the issuer", async () => {
    const signer = await createSigner();
    const { peer } = await start(signer);
    const issuer = `${peer.origin}/tenant`;
    const metadata = { issuer, jwks_uri: peer.origin + PATH };
    peer.route("/.well-known/openid-configuration/tenant", () => ({ body: metadata }));
    const auth = authOf(peer, { issuer, jwksUrl: undefined as never, discover: true });
    expect(verdict(await bearer(auth, await signer.sign({ iss: issuer })))).toBe("ada");
    metadata.issuer = `${issuer}/`;
    const other = authOf(peer, { issuer, jwksUrl: undefined as never, discover: true });
    const outcome = await bearer(other, await signer.sign({ iss: issuer }));
    expect(outcome).toMatchObject({
      failure: { status: 503, cause: { message: "the metadata is of another issuer" } },
    });
  });

  it("rotate: a new key is fetched, at most once in the cool-down", async () => {
    const clock = movableClock();
    const [old, next] = [await createSigner(), await createSigner("ES256", "key-2")];
    const { peer, keys } = await start(old);
    const auth = authOf(peer, { clock });
    await bearer(auth, await old.sign());
    keys.push(next);
    expect(verdict(await bearer(auth, await next.sign()))).toBe("refused: key");
    expect(peer.count(PATH)).toBe(1);
    clock.advance(30_000);
    const tokens = await Promise.all(["ada", "bob"].map((sub) => next.sign({ sub })));
    const outcomes = await Promise.all(tokens.map((token) => bearer(auth, token)));
    expect(outcomes.map(verdict)).toEqual(["ada", "bob"]);
    expect(peer.count(PATH)).toBe(2);
    // A token with a made-up key does not make this server ask again and again.
    const mallory = await createSigner("ES256", "key-3");
    for (let attempt = 0; attempt < 5; attempt++) {
      const token = await mallory.sign({ sub: String(attempt) });
      expect(verdict(await bearer(auth, token))).toBe("refused: key");
    }
    expect(peer.count(PATH)).toBe(2);
  });

  it("that were taken away are refused after their age and that of the cache", async () => {
    const clock = movableClock();
    const signer = await createSigner();
    const { peer, keys } = await start(signer);
    const auth = authOf(peer, { clock });
    const token = await signer.sign({ exp: Math.floor(clock.now() / 1_000) + 86_400 });
    expect(verdict(await bearer(auth, token))).toBe("ada");
    keys.length = 0;
    clock.advance(600_000);
    expect(verdict(await bearer(auth, token))).toBe("refused: key");
  });

  it("are used a while when new ones cannot be had, and then no more", async () => {
    const clock = movableClock();
    const signer = await createSigner();
    const { peer } = await start(signer);
    const auth = authOf(peer, { clock });
    const exp = Math.floor(clock.now() / 1_000) + 86_400;
    await bearer(auth, await signer.sign({ exp }));
    peer.route(PATH, () => ({ status: 500, body: "down" }));
    clock.advance(1_200_000);
    expect(verdict(await bearer(auth, await signer.sign({ exp, sub: "bob" })))).toBe("bob");
    clock.advance(3_600_000);
    const outcome = await bearer(auth, await signer.sign({ exp, sub: "eve" }));
    expect(outcome).toMatchObject({ failure: { status: 503, stage: "key" } });
  });

  it("that cannot be had are no reason to call a new key nobody's", async () => {
    const clock = createFakeClock(Date.now());
    const [old, next] = [await createSigner(), await createSigner("ES256", "key-2")];
    const { peer, keys } = await start(old);
    const auth = authOf(peer, { clock });
    await bearer(auth, await old.sign());
    peer.route(PATH, () => ({ status: 500, body: "down" }));
    clock.advance(30_000);
    const token = await next.sign();
    for (let attempt = 0; attempt < 3; attempt++) {
      const outcome = await bearer(auth, token);
      expect(outcome).toMatchObject({ failure: { status: 503, stage: "key" } });
      expect(verdict(await bearer(auth, await old.sign({ sub: `${attempt}` })))).toBe(`${attempt}`);
    }
    // Once for the first, and not again within a second.
    expect(peer.count(PATH)).toBe(2);
    keys.push(next);
    peer.route(PATH, () => ({ body: { keys: keys.map(({ jwk }) => jwk) } }));
    clock.advance(1_000);
    expect(verdict(await bearer(auth, token))).toBe("ada");
  });

  it("with a shared secret among them are no way in", async () => {
    const clock = createFakeClock(Date.now());
    const { peer, keys } = await start();
    keys.push({ jwk: { kty: "oct", k: "c2VjcmV0", kid: "key-1" } } as unknown as Signer);
    const mallory = await createSigner();
    const auth = authOf(peer, { clock });
    expect(verdict(await bearer(auth, await mallory.sign()))).toBe("refused: key");
  });

  it.each<[string, (peer: ScriptedPeer) => void]>([
    ["that hang", (peer) => peer.route(PATH, () => new Promise(() => {}))],
    [
      "that are huge",
      (peer) => peer.route(PATH, () => ({ body: { keys: [], x: "x".repeat(2 ** 21) } })),
    ],
    [
      "that are many",
      (peer) => peer.route(PATH, () => ({ body: { keys: Array(101).fill({ kty: "EC" }) } })),
    ],
    ["that are none", (peer) => peer.route(PATH, () => ({ body: "<html>" }))],
    [
      "that are elsewhere",
      (peer) =>
        peer.route(PATH, () => ({ status: 302, headers: { location: "http://10.0.0.1/" } })),
    ],
  ])(
    "%s make the server say that it cannot tell, and ask no more for a second",
    async (_name, plant) => {
      const signer = await createSigner();
      const { peer } = await start(signer);
      plant(peer);
      const auth = authOf(peer, { requestTimeoutMs: 100, clock: createFakeClock(Date.now()) });
      for (let attempt = 0; attempt < 3; attempt++) {
        const outcome = await bearer(auth, await signer.sign());
        expect(outcome).toMatchObject({
          failure: { status: 503, headers: { "Retry-After": "5" }, cause: expect.any(Error) },
        });
      }
      expect(peer.count(PATH)).toBe(1);
    },
  );

  it("of a peer that its metadata names are not fetched from the inside", async () => {
    const { peer } = await start();
    const issuer = peer.origin;
    peer.route("/.well-known/oauth-authorization-server", () => ({
      body: { issuer, jwks_uri: "http://169.254.169.254/latest" },
    }));
    const auth = authOf(peer, { issuer, jwksUrl: undefined as never, discover: true });
    const signer = await createSigner();
    const outcome = await bearer(auth, await signer.sign({ iss: issuer }));
    expect(outcome).toMatchObject({ failure: { status: 503, cause: { code: "unsafe_url" } } });
  });
});
