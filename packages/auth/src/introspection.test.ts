import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { movableClock } from "./client/harness/client.test-support.ts";
import { startPeer } from "./client/harness/http-peer.test-support.ts";
import { requestOf } from "./harness/requests.test-support.ts";
import { AUDIENCE, bearer, ISSUER, payload, verdict } from "./harness/tokens.test-support.ts";
import { IntrospectionAuth } from "./introspection.ts";
import type { IntrospectionAuthOptions } from "./introspection-options.ts";
import type { ScriptedPeer, ScriptedRoute } from "./test-suite/scripted-peer.ts";

const PATH = "/introspect";
const SECRET = "the:secret of%this+server";

async function start(
  answer: ScriptedRoute | object,
  options: Partial<IntrospectionAuthOptions> = {},
): Promise<{ peer: ScriptedPeer; auth: IntrospectionAuth }> {
  const peer = await startPeer();
  peer.route(
    PATH,
    typeof answer === "function" ? (answer as ScriptedRoute) : () => ({ body: answer }),
  );
  const auth = new IntrospectionAuth({
    introspectionUrl: peer.origin + PATH,
    clientId: "mcp server",
    clientSecret: SECRET,
    issuer: ISSUER,
    audience: AUDIENCE,
    ...options,
  });
  return { peer, auth };
}

const active = { active: true, ...payload({ scope: "read", client_id: "app" }) };

describe("IntrospectionAuth", () => {
  it("asks once, and remembers", async () => {
    const { peer, auth } = await start(active);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => bearer(auth, "opaque")));
    expect(outcomes[0]).toMatchObject({
      principal: { id: "ada", issuer: ISSUER, clientId: "app", scopes: ["read"] },
    });
    expect(auth.authenticate(requestOf({ authorization: "Bearer opaque" }))).not.toBeInstanceOf(
      Promise,
    );
    expect(peer.received).toHaveLength(1);
    const [asked] = peer.received;
    expect(Object.fromEntries(asked?.form ?? [])).toEqual({
      token: "opaque",
      token_type_hint: "access_token",
    });
    const [user, password] = Buffer.from(
      String(asked?.headers["authorization"]).slice("Basic ".length),
      "base64",
    )
      .toString()
      .split(":");
    expect([user, password]).toEqual(["mcp+server", "the%3Asecret+of%25this%2Bserver"]);
  });

  it("says who asks in the form where that is wanted", async () => {
    const { peer, auth } = await start(active, { clientAuthentication: "post" });
    await bearer(auth, "opaque");
    expect(peer.received[0]?.form.get("client_secret")).toBe(SECRET);
    expect(peer.received[0]?.headers["authorization"]).toBeUndefined();
  });

  it.each([
    ["is not active", { ...active, active: false }, "introspection"],
    ["is active in words", { ...active, active: "true" }, "introspection"],
    ["is for another server", { ...active, aud: "https://other.example" }, "audience"],
    ["is for nobody", { ...active, aud: undefined }, "audience"],
    ["is of another issuer", { ...active, iss: "https://evil.example" }, "issuer"],
    ["has ended", { ...active, exp: 1 }, "expiry"],
    ["ends never in words", { ...active, exp: "never" }, "expiry"],
    ["has not begun", { ...active, nbf: active.exp }, "not_before"],
    ["begins in words", { ...active, nbf: "soon" }, "not_before"],
    ["stands for nobody", { ...active, sub: undefined, client_id: undefined }, "claims"],
    ["is bound to a key", { ...active, cnf: { jkt: "x" } }, "binding"],
  ])("refuses a token that %s", async (_name, answer, stage) => {
    const { peer, auth } = await start(answer);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(verdict(await bearer(auth, "opaque"))).toBe(`refused: ${stage}`);
    }
    expect(peer.received).toHaveLength(1);
  });

  it("takes one of several audiences, and an answer without iss and exp", async () => {
    const { aud: _aud, iss: _iss, exp: _exp, ...rest } = active;
    const { auth } = await start({ ...rest, aud: ["x", AUDIENCE] });
    expect(verdict(await bearer(auth, "opaque"))).toBe("ada");
  });

  it("remembers a good answer until the end of the token at most, a bad one for a short time", async () => {
    const clock = movableClock();
    const answer = { ...active, exp: Math.floor(clock.now() / 1_000) + 30 };
    const { peer, auth } = await start(
      ({ form }) => ({
        body: form.get("token") === "good" ? answer : { active: false },
      }),
      { clock },
    );
    await bearer(auth, "good");
    clock.advance(31_000);
    expect(verdict(await bearer(auth, "good"))).toBe("refused: expiry");
    expect(peer.received).toHaveLength(2);
    for (let attempt = 0; attempt < 3; attempt++) await bearer(auth, "bad");
    expect(peer.received).toHaveLength(3);
    clock.advance(10_000);
    await bearer(auth, "bad");
    expect(peer.received).toHaveLength(4);
  });

  it("learns of a revocation after the time of the cache, or at once when told", async () => {
    const clock = movableClock();
    const answer = { ...active, exp: (active.exp as number) + 3_600 };
    const { auth } = await start(() => ({ body: answer }), { clock });
    await bearer(auth, "one");
    await bearer(auth, "two");
    auth.revokeToken("two");
    expect(verdict(await bearer(auth, "two"))).toBe("refused: revocation");
    answer.active = false;
    expect(verdict(await bearer(auth, "one"))).toBe("ada");
    clock.advance(60_000);
    expect(verdict(await bearer(auth, "one"))).toBe("refused: introspection");
  });

  it.each([
    ["that it knows", { answer: active, isKnown: true, afterMs: 590_000 }],
    ["that it has not seen", { answer: active, isKnown: false, afterMs: 7_200_000 }],
    [
      "whose end nobody says",
      { answer: { ...active, exp: undefined }, isKnown: true, afterMs: 7_200_000 },
    ],
  ])(
    "refuses a revoked token %s as long as it lives",
    async (_name, { answer, isKnown, afterMs }) => {
      const clock = movableClock();
      const { auth } = await start(answer, { clock });
      if (isKnown) expect(verdict(await bearer(auth, "one"))).toBe("ada");
      auth.revokeToken("one");
      clock.advance(afterMs);
      // Those that have ended are forgotten with the next revocation.
      auth.revokeToken("another");
      expect(verdict(await bearer(auth, "one"))).toBe("refused: revocation");
    },
  );

  it("leaves a failing server alone, and tries it again", async () => {
    const clock = movableClock();
    let answer: ReturnType<ScriptedRoute> = { status: 500, body: "down" };
    const { peer, auth } = await start(() => answer, { clock, breaker: { failures: 3 } });
    for (let attempt = 0; attempt < 6; attempt++) {
      expect(await bearer(auth, `token-${attempt}`)).toMatchObject({
        failure: { status: 503, headers: { "Retry-After": "5" } },
      });
    }
    expect(peer.received).toHaveLength(3);
    clock.advance(10_000);
    answer = { body: active };
    const outcomes = await Promise.all(["a", "b"].map((token) => bearer(auth, token)));
    expect(outcomes.map(verdict).sort()).toEqual(["ada", "refused: introspection"]);
    expect(peer.received).toHaveLength(4);
    expect(verdict(await bearer(auth, "b"))).toBe("ada");
  });

  it.each<[string, ScriptedRoute]>([
    ["hangs", () => new Promise(() => {})],
    ["answers with a page", () => ({ body: "<html>" })],
    ["answers with a list", () => ({ body: [active] })],
    ["refuses this server", () => ({ status: 401, body: { error: "invalid_client" } })],
  ])("cannot tell when the server %s", async (_name, answer) => {
    const { auth } = await start(answer, { requestTimeoutMs: 100 });
    const outcome = await bearer(auth, "the-opaque-token");
    expect(outcome).toMatchObject({ failure: { status: 503, stage: "introspection" } });
    expect(inspect(outcome, { depth: 9 })).not.toMatch(/the-opaque-token|the:secret|Basic/);
  });

  it.each<[string, Partial<IntrospectionAuthOptions>, RegExp]>([
    ["no audience", { audience: "" }, /"audience" is required/],
    ["no issuer", { issuer: "" }, /"issuer" is required/],
    ["http", { introspectionUrl: "http://as.example/" }, /"introspectionUrl" must be an https/],
    ["no client", { clientId: "" }, /"clientId"/],
    ["no secret", { clientSecret: "" }, /"clientSecret"/],
    ["another way to authenticate", { clientAuthentication: "none" as never }, /"basic" or "post"/],
    ["an unknown option", { scope: "x" } as never, /unknown option "scope"/],
  ])("refuses at construction %s", (_name, options, message) => {
    const base = { introspectionUrl: "https://as.example/i", clientId: "a", clientSecret: "b" };
    const make = () =>
      new IntrospectionAuth({ ...base, issuer: ISSUER, audience: AUDIENCE, ...options });
    expect(make).toThrow(message);
  });
});
