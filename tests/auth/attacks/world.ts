import { APIKeyAuth, anyOf, JWTAuth, policy } from "@backplane/auth";
import type { MCPServer, MCPServerOptions } from "@backplane/server";
import { exportSPKI, generateKeyPair } from "jose";
import { registerAsking } from "../../protocol/harness/asking-tools.ts";
import type { Headers } from "../../protocol/harness/http.ts";
import { startServer } from "../../protocol/harness/servers.ts";
import { registerGuarded } from "../harness/guarded-server.ts";
import { type KeySet, type SigningKey, startKeySet } from "./key-set.ts";
import { type RecordingLogger, recordingLogger } from "./recording.ts";
import { AUDIENCE, bearer, ISSUER, signedBy } from "./tokens.ts";

/** A server under attack, what it logged, and a credential that it takes, if there is one. */
export interface Target {
  readonly server: MCPServer;
  readonly url: string;
  readonly logger: RecordingLogger;
  readonly good?: () => Promise<Headers>;
}

/** Servers with every kind of credential, for the attacks that need none of their own. */
export interface World {
  /** API keys. */
  readonly keys: Target;
  /** A shared secret. */
  readonly secret: Target;
  /** A public key in PEM. */
  readonly pem: Target & { readonly publicKey: string };
  /** Published keys. */
  readonly tokens: Target & { readonly key: SigningKey };
  /** API keys, or tokens of two issuers. */
  readonly mixed: Target;
  readonly keySet: KeySet;
}

export const SECRET = "a shared secret of the attacks, longer than 32 bytes";
export const SECOND_SECRET = "another secret, of the second issuer, over 32 bytes";
export const SECOND_ISSUER = "https://second.example";

export const apiKeys = {
  alice: "key-of-alice-in-the-attacks",
  mallory: "key-of-mallory-in-the-attacks",
  admin: "key-of-the-admin-in-the-attacks",
} as const;

export const asKey = (key: string): Headers => ({ "x-api-key": key });

export const secretAuth = (issuer = ISSUER, secretKey = SECRET): JWTAuth =>
  new JWTAuth({ issuer, audience: AUDIENCE, algorithms: ["HS256"], secretKey, type: "at+jwt" });

/** What every target serves: guarded primitives, tools that ask, and one that shows all it can see. */
export function registerTargets(server: MCPServer): void {
  registerGuarded(server);
  registerAsking(server);
  server.tool("whoami", {}, (_args, { principal }) => `${principal?.issuer} ${principal?.id}`);
}

/** Starts a server whose log is kept. The caller stops it. */
export async function startTarget(
  options: Partial<MCPServerOptions>,
  good?: () => Promise<Headers>,
  register: (server: MCPServer) => void = registerTargets,
): Promise<Target> {
  const logger = recordingLogger();
  const running = await startServer(register, { policy: policy(), ...options, logger });
  return { ...running, logger, ...(good && { good }) };
}

export async function startWorld(): Promise<World> {
  const keySet = await startKeySet();
  const key = await keySet.addKey("first", "ES256");
  const remote = new JWTAuth({
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ["ES256", "RS256"],
    jwksUrl: keySet.url,
    type: "at+jwt",
  });
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const pemText = await exportSPKI(publicKey);
  const pem = new JWTAuth({
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ["RS256"],
    publicKey: pemText,
    type: "at+jwt",
  });
  const claims = { sub: "alice" };
  const keyAuth = new APIKeyAuth({
    apiKeys: {
      alice: { key: apiKeys.alice, scopes: ["read"] },
      mallory: apiKeys.mallory,
      admin: { key: apiKeys.admin, scopes: ["read", "write"], roles: ["admin"] },
    },
  });
  const second = secretAuth(SECOND_ISSUER, SECOND_SECRET);
  const auth = anyOf([keyAuth, secretAuth(), second]);
  return {
    keys: await startTarget({ auth: keyAuth, legacySse: true }, async () => asKey(apiKeys.alice)),
    secret: await startTarget({ auth: secretAuth() }, async () =>
      bearer(await signedBy(SECRET, claims)),
    ),
    pem: {
      ...(await startTarget({ auth: pem }, async () => {
        return bearer(await signedBy(privateKey, claims, { alg: "RS256" }));
      })),
      publicKey: pemText,
    },
    tokens: {
      ...(await startTarget({ auth: remote }, async () => bearer(await key.sign(claims)))),
      key,
    },
    mixed: await startTarget({ auth }, async () => asKey(apiKeys.alice)),
    keySet,
  };
}

export async function stopWorld({ keySet, ...targets }: World): Promise<void> {
  await Promise.all(Object.values(targets).map(({ server }) => server.stop()));
  await keySet.close();
}

/** A good token of an issuer with a shared secret. */
export const tokenOf = (
  sub: string,
  more: Readonly<Record<string, unknown>> = {},
  secret: string = SECRET,
  iss: string = ISSUER,
): Promise<string> => signedBy(secret, { sub, iss, ...more });
