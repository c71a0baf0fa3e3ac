import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { type AuthenticationOutcome, Secret } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { APIKeyAuth, type APIKeyAuthOptions } from "./api-key.ts";
import { generateApiKey, hashApiKey } from "./api-key-entry.ts";
import { apiKeysFromEnvironment, apiKeysFromFile } from "./api-key-sources.ts";
import { requestOf } from "./harness/requests.test-support.ts";

const KEY = "a-key-of-enough-characters";
const OTHER = "another-key-of-enough-characters";

function ask(auth: APIKeyAuth, headers: Record<string, string>): AuthenticationOutcome {
  return auth.authenticate(requestOf(headers));
}

function stageOf(outcome: AuthenticationOutcome): string | undefined {
  return "failure" in outcome ? outcome.failure.stage : undefined;
}

function idOf(outcome: AuthenticationOutcome): string | undefined {
  return "principal" in outcome ? outcome.principal.id : undefined;
}

describe("APIKeyAuth", () => {
  it("knows clients by their keys, as the guide shows", () => {
    const auth = new APIKeyAuth({ apiKeys: { client1: "key123", client2: "key456" } });
    expect(idOf(ask(auth, { "x-api-key": "key123" }))).toBe("client1");
    expect(idOf(ask(auth, { "x-api-key": "key456" }))).toBe("client2");
    expect(auth.notices).toEqual([
      expect.stringContaining('"client1" has fewer than 16'),
      expect.stringContaining('"client2"'),
    ]);
    expect(auth.notices.join()).not.toContain("key123");
    expect(new APIKeyAuth({ apiKeys: { a: "key123" }, allowWeakKeys: true }).notices).toEqual([]);
    expect(new APIKeyAuth({ apiKeys: { a: KEY } }).notices).toEqual([]);
  });

  it("gives each key its permissions, and the same object each time", () => {
    const rateLimit = { limit: 5, windowMs: 1_000 };
    const auth = new APIKeyAuth({
      apiKeys: {
        ada: { key: new Secret(KEY), scopes: ["read", "write"], roles: ["admin"], rateLimit },
      },
      issuer: "keys of the shop",
    });
    const outcome = ask(auth, { "x-api-key": KEY });
    expect(outcome).toEqual({
      principal: {
        id: "ada",
        issuer: "keys of the shop",
        scopes: ["read", "write"],
        roles: ["admin"],
        rateLimit: { limit: 5, windowMs: 1_000, burst: 5 },
      },
    });
    const again = ask(auth, { "x-api-key": KEY });
    expect("principal" in again && again.principal).toBe(
      "principal" in outcome && outcome.principal,
    );
  });

  it("refuses with a challenge that says where a key belongs, and a stage for the log", () => {
    const auth = new APIKeyAuth({ apiKeys: { ada: KEY } });
    expect(ask(auth, {})).toEqual({
      failure: {
        status: 401,
        headers: { "WWW-Authenticate": 'ApiKey realm="mcp", header="X-API-Key"' },
        message: "Authentication required",
        stage: "credentials",
      },
    });
    expect(stageOf(ask(auth, { "x-api-key": OTHER }))).toBe("key");
  });

  it.each([
    ["nothing", {}],
    ["an empty key", { "x-api-key": "" }],
    ["two keys", { "x-api-key": `${KEY}, ${KEY}` }],
    ["a key with a blank", { "x-api-key": ` ${KEY}` }],
    ["a key in another alphabet", { "x-api-key": KEY.replace("a", "а") }],
    ["an endless key", { "x-api-key": KEY.repeat(1_000) }],
    ["the key in another header", { authorization: `Bearer ${KEY}` }],
    ["the key in a cookie", { cookie: `x-api-key=${KEY}` }],
  ])("takes %s for no credentials", (_name, headers) => {
    expect(stageOf(ask(new APIKeyAuth({ apiKeys: { ada: KEY } }), headers as never))).toBe(
      "credentials",
    );
  });

  it("reads no key from the URL", () => {
    const auth = new APIKeyAuth({ apiKeys: { ada: KEY } });
    const request = { ...requestOf({}), path: `/mcp?x-api-key=${KEY}&api_key=${KEY}` };
    expect(stageOf(auth.authenticate(request))).toBe("credentials");
  });

  it("takes keys behind Bearer when the header is Authorization", () => {
    const auth = new APIKeyAuth({ apiKeys: { ada: KEY }, headerName: "Authorization" });
    expect(idOf(ask(auth, { authorization: `Bearer ${KEY}` }))).toBe("ada");
    expect(idOf(ask(auth, { authorization: `bearer ${KEY}` }))).toBe("ada");
    expect(stageOf(ask(auth, { authorization: KEY }))).toBe("credentials");
    expect(ask(auth, { authorization: `Bearer ${OTHER}` })).toMatchObject({
      failure: { headers: { "WWW-Authenticate": 'Bearer realm="mcp", error="invalid_token"' } },
    });
  });

  it("replaces a key with an overlap", () => {
    const clock = createFakeClock();
    const notAfter = new Date(clock.now() + 1_000).toISOString();
    const auth = new APIKeyAuth({ apiKeys: { ada: [{ key: KEY, notAfter }, OTHER] }, clock });
    expect(idOf(ask(auth, { "x-api-key": KEY }))).toBe("ada");
    expect(idOf(ask(auth, { "x-api-key": OTHER }))).toBe("ada");
    clock.advance(1_000);
    expect(stageOf(ask(auth, { "x-api-key": KEY }))).toBe("expiry");
    expect(idOf(ask(auth, { "x-api-key": OTHER }))).toBe("ada");
  });

  it("adds and revokes keys while it runs", () => {
    const auth = new APIKeyAuth({ apiKeys: { ada: KEY } });
    auth.addKey("ada", OTHER);
    expect(auth.revokeKey(KEY)).toBe(true);
    expect(auth.revokeKey(KEY)).toBe(false);
    expect(stageOf(ask(auth, { "x-api-key": KEY }))).toBe("key");
    expect(idOf(ask(auth, { "x-api-key": OTHER }))).toBe("ada");
    expect(auth.revokeKey("sha256:none")).toBe(false);
    expect(auth.revokeKey(hashApiKey(OTHER))).toBe(true);
    auth.addKey("bob", OTHER);
    auth.addKey("bob", { key: KEY });
    expect(auth.revokeClient("bob")).toBe(2);
    expect(stageOf(ask(auth, { "x-api-key": OTHER }))).toBe("key");
    expect(() => auth.addKey("eve", "short")).toThrow(/fewer than 16/);
  });

  it("takes digests in the place of keys, and shows neither", () => {
    const auth = new APIKeyAuth({ apiKeys: { ada: { digest: hashApiKey(KEY) } } });
    expect(idOf(ask(auth, { "x-api-key": KEY }))).toBe("ada");
    const shown = inspect(auth, { depth: 9, showHidden: true }) + JSON.stringify(auth);
    expect(shown).not.toContain(KEY);
  });

  it("refuses a caller who lacks scopes in its own terms", () => {
    const auth = new APIKeyAuth({ apiKeys: { ada: KEY }, headerName: "Authorization" });
    expect(auth.stepUp(["read", "write"])).toMatchObject({
      status: 403,
      headers: {
        "WWW-Authenticate": 'Bearer realm="mcp", error="insufficient_scope", scope="read write"',
      },
    });
  });

  it.each<[string, unknown, RegExp]>([
    ["no keys", { apiKeys: {} }, /holds no key/],
    ["a list", { apiKeys: [KEY] }, /"apiKeys" must be an object/],
    ["a client without keys", { apiKeys: { ada: [] } }, /"ada" has no key/],
    ["one key for two", { apiKeys: { ada: KEY, bob: KEY } }, /"ada" and "bob" have the same key/],
    ["a digest of a key", { apiKeys: { ada: KEY, bob: { digest: hashApiKey(KEY) } } }, /same key/],
    ["an empty scope list", { apiKeys: { ada: { key: KEY, scopes: [] } } }, /"scopes" is an empty/],
    ["an empty role list", { apiKeys: { ada: { key: KEY, roles: [] } } }, /"roles" is an empty/],
    ["a scope with a blank", { apiKeys: { ada: { key: KEY, scopes: ["a b"] } } }, /not a scope/],
    ["a key with a blank", { apiKeys: { ada: "secret key of ada" } }, /printable ASCII/],
    ["an empty key", { apiKeys: { ada: "" } }, /1 to 512/],
    ["neither key nor digest", { apiKeys: { ada: {} } }, /either "key" or "digest"/],
    ["a digest that is none", { apiKeys: { ada: { digest: KEY } } }, /hashApiKey/],
    ["a misspelt member", { apiKeys: { ada: { key: KEY, scope: [] } } }, /unknown option "scope"/],
    [
      "a limit of nothing",
      { apiKeys: { ada: { key: KEY, rateLimit: { limit: 0, windowMs: 1 } } } },
      /rateLimit.limit/,
    ],
    ["a date that is none", { apiKeys: { ada: { key: KEY, notAfter: "soon" } } }, /"notAfter"/],
    ["a header that is none", { apiKeys: { ada: KEY }, headerName: "X Key" }, /"headerName"/],
    ["an unknown option", { apiKeys: { ada: KEY }, header: "x" }, /unknown option "header"/],
  ])("refuses at construction %s, without saying a key", (_name, options, message) => {
    const make = () => new APIKeyAuth(options as APIKeyAuthOptions);
    expect(make).toThrow(message);
    expect(make).not.toThrow(new RegExp(`${KEY}|secret key`));
  });

  it("lets in nobody but those with a key, whatever is sent", () => {
    const auth = new APIKeyAuth({ apiKeys: { ada: KEY, ["__proto__"]: OTHER } });
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", KEY)),
        (key) => {
          const outcome = ask(auth, { "x-api-key": key });
          expect("principal" in outcome).toBe(key === KEY);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("keys for operators", () => {
  it("generateApiKey makes different keys that are taken without a warning", () => {
    const keys = new Set(Array.from({ length: 100 }, () => generateApiKey("test")));
    expect(keys.size).toBe(100);
    for (const key of keys) expect(key).toMatch(/^test_[\w-]{43}$/);
    expect(new APIKeyAuth({ apiKeys: { ada: [...keys][0] as string } }).notices).toEqual([]);
    expect(() => generateApiKey("a b")).toThrow(/prefix/);
  });

  it("come from a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "backplane-keys-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "keys.json");
    await writeFile(path, JSON.stringify({ ada: { digest: hashApiKey(KEY), scopes: ["read"] } }));
    const auth = new APIKeyAuth({ apiKeys: await apiKeysFromFile(path) });
    expect(idOf(ask(auth, { "x-api-key": KEY }))).toBe("ada");
    await writeFile(path, `{"ada": "${KEY}`);
    await expect(apiKeysFromFile(path)).rejects.toThrow(/is not valid JSON$/);
    await expect(apiKeysFromFile(join(folder, "none"))).rejects.toThrow(/cannot read/);
  });

  it("come from the environment", () => {
    const read = (text: string | undefined) => apiKeysFromEnvironment("KEYS", { KEYS: text });
    expect(read(`ada=${KEY}, bob=${OTHER},ada=x=1`)).toEqual({ ada: [KEY, "x=1"], bob: [OTHER] });
    expect(read(`{"ada":{"key":"${KEY}"}}`)).toEqual({ ada: { key: KEY } });
    for (const text of [undefined, " ", "no pairs", "{", "=x"]) {
      expect(() => read(text)).toThrow(/the variable KEYS/);
    }
    expect(() => read(KEY)).not.toThrow(new RegExp(KEY));
  });
});
