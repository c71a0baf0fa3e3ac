import type { SuiteRunner } from "@backplane/protocol/test-suite";
import type {
  ClientKey,
  ClientRecord,
  TokenRecord,
  TokenStore,
  TokensKey,
} from "../client/token-store.ts";

const CLIENT: ClientKey = { kind: "client", issuer: "https://as.example" };
const TOKENS: TokensKey = {
  kind: "tokens",
  issuer: "https://as.example",
  clientId: "client-1",
  resource: "https://mcp.example/mcp",
  account: "",
};

const REGISTERED: ClientRecord = {
  clientId: "client-1",
  clientSecret: "sécret ✓",
  clientSecretExpiresAtMs: 1_767_225_600_000,
  tokenEndpointAuthMethod: "client_secret_basic",
  redirectUrl: "http://127.0.0.1:49152/callback",
};

function tokens(accessToken: string, over: Partial<TokenRecord> = {}): TokenRecord {
  return {
    accessToken,
    tokenType: "Bearer",
    obtainedAtMs: 1_767_225_600_000,
    refreshToken: `refresh-${accessToken}`,
    ...over,
  };
}

/**
 * The contract of {@link TokenStore}. Each test gets its own store from `makeStore`, empty and with no
 * namespace shared with another.
 */
export function tokenStoreSuite(
  { describe, it, expect }: SuiteRunner,
  makeStore: () => TokenStore | Promise<TokenStore>,
): void {
  const test = (name: string, body: (store: TokenStore) => Promise<void>) =>
    it(name, async () => body(await makeStore()));

  describe("TokenStore", () => {
    test("gives back what was written, field for field", async (store) => {
      const full = tokens("a", {
        tokenType: "DPoP",
        expiresAtMs: 1_767_229_200_000,
        scope: "read write",
        dpopThumbprint: "thumb",
      });
      expect(await store.set(CLIENT, REGISTERED, undefined)).toBe(true);
      expect(await store.set(TOKENS, full, undefined)).toBe(true);
      expect((await store.get(CLIENT))?.record).toEqual(REGISTERED);
      expect((await store.get(TOKENS))?.record).toEqual(full);
    });

    test("does not know what was never written", async (store) => {
      expect(await store.get(CLIENT)).toBe(undefined);
      expect(await store.get({ kind: "client", issuer: "__proto__" })).toBe(undefined);
      expect(await store.delete(TOKENS, "1")).toBe(false);
    });

    test("keeps issuers, clients, resources and accounts apart, to the last character", async (store) => {
      const keys: readonly TokensKey[] = [
        TOKENS,
        { ...TOKENS, issuer: `${TOKENS.issuer}/` },
        { ...TOKENS, issuer: TOKENS.issuer.toUpperCase() },
        { ...TOKENS, clientId: "client-2" },
        { ...TOKENS, clientId: 'client-1","x' },
        { ...TOKENS, resource: `${TOKENS.resource}/` },
        { ...TOKENS, account: "alice" },
      ];
      for (const [index, key] of keys.entries()) {
        expect(await store.set(key, tokens(`token-${index}`), undefined)).toBe(true);
      }
      for (const [index, key] of keys.entries()) {
        expect((await store.get(key))?.record.accessToken).toBe(`token-${index}`);
      }
    });

    test("keeps a copy: a changed input or answer changes nothing", async (store) => {
      const record = { ...tokens("a") };
      await store.set(TOKENS, record, undefined);
      record.accessToken = "planted";
      const answer = (await store.get(TOKENS))?.record as { accessToken: string };
      answer.accessToken = "planted";
      expect((await store.get(TOKENS))?.record.accessToken).toBe("a");
    });

    test("writes over the version that it was told, and over no other", async (store) => {
      await store.set(TOKENS, tokens("a"), undefined);
      expect(await store.set(TOKENS, tokens("b"), undefined)).toBe(false);
      const first = await store.get(TOKENS);
      expect(await store.set(TOKENS, tokens("b"), first?.version)).toBe(true);
      expect(await store.set(TOKENS, tokens("c"), first?.version)).toBe(false);
      expect((await store.get(TOKENS))?.record.accessToken).toBe("b");
    });

    test("has another version after each write, of the same record too", async (store) => {
      await store.set(TOKENS, tokens("a"), undefined);
      const first = (await store.get(TOKENS))?.version as string;
      await store.set(TOKENS, tokens("a"), first);
      expect(await store.set(TOKENS, tokens("b"), first)).toBe(false);
      const second = (await store.get(TOKENS))?.version as string;
      await store.delete(TOKENS, second);
      await store.set(TOKENS, tokens("a"), undefined);
      expect(await store.delete(TOKENS, first)).toBe(false);
      expect(await store.delete(TOKENS, second)).toBe(false);
    });

    test("a deletion that comes late leaves what is newer", async (store) => {
      await store.set(TOKENS, tokens("old"), undefined);
      const old = (await store.get(TOKENS))?.version as string;
      await store.set(TOKENS, tokens("new"), old);
      expect(await store.delete(TOKENS, old)).toBe(false);
      expect((await store.get(TOKENS))?.record.accessToken).toBe("new");
    });

    test("deletes one record once, and only that one", async (store) => {
      await store.set(CLIENT, REGISTERED, undefined);
      await store.set(TOKENS, tokens("a"), undefined);
      const version = (await store.get(TOKENS))?.version as string;
      expect(await store.delete(TOKENS, version)).toBe(true);
      expect(await store.delete(TOKENS, version)).toBe(false);
      expect(await store.get(TOKENS)).toBe(undefined);
      expect(await store.set(TOKENS, tokens("b"), version)).toBe(false);
      expect((await store.get(CLIENT))?.record).toEqual(REGISTERED);
    });

    test("of writes at the same time one wins", async (store) => {
      await store.set(TOKENS, tokens("old"), undefined);
      const version = (await store.get(TOKENS))?.version;
      const written = await Promise.all(
        ["a", "b", "c", "d"].map((name) => store.set(TOKENS, tokens(name), version)),
      );
      expect(written.filter((won) => won).length).toBe(1);
      const winner = ["a", "b", "c", "d"][written.indexOf(true)];
      expect((await store.get(TOKENS))?.record.accessToken).toBe(winner);
    });
  });
}
