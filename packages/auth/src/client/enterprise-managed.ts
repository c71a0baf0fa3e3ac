import { type ClientAuth, checkMembers, Secret } from "@backplane/protocol";
import { BoundIssuer } from "./bound-issuer.ts";
import { type ClientIdentity, secretClient } from "./client-authentication.ts";
import {
  assertHttpsOrLoopback,
  COMMON_OPTIONS,
  type ResolvedTokenSourceOptions,
  resolveCommonOptions,
  type TokenSourceOptions,
} from "./common-options.ts";
import { OAuthClientError, shownUrl } from "./errors.ts";
import type { Flow } from "./flow.ts";
import { createGuardedFetch } from "./guarded-fetch.ts";
import { exchangeJwt, readSecret } from "./jwt-bearer.ts";
import { failureOf, type Probe, probe } from "./probe.ts";
import { createTokenSource } from "./token-source.ts";
import { transportFor } from "./transports.ts";
import { createUrlGuard } from "./url-guard.ts";

/** The enterprise's own authorization server, where the user signed in. */
export interface IdentityProvider {
  /** Of its metadata; needed when `tokenEndpoint` is not given. */
  readonly issuer?: string;
  readonly tokenEndpoint?: string;
  /** This client as the identity provider knows it. */
  readonly clientId: string;
  readonly clientSecret?: string | Secret;
}

/** A client whose users sign in at their enterprise, which decides what they may reach. */
export interface EnterpriseManagedOptions extends TokenSourceOptions {
  readonly identityProvider: IdentityProvider;
  /** Gets the ID token of the signed-in user. */
  readonly idToken: () => string | Secret | Promise<string | Secret>;
  /** This client as the authorization server of the MCP server knows it. */
  readonly clientId: string;
  readonly clientSecret?: string | Secret;
  /** Where `clientId` is registered. Without it: where the first MCP server sends it. */
  readonly issuer?: string;
}

const SUBJECT = "enterpriseManaged";

/**
 * Enterprise-managed authorization (MCP extension; RFC 8693, RFC 7523): the ID token is exchanged at the
 * identity provider for a grant to one MCP server, and that grant for an access token.
 *
 * @throws {TypeError} when an option is missing or unknown.
 */
export function enterpriseManaged(options: EnterpriseManagedOptions): ClientAuth {
  assertOptions(options);
  const common = resolveCommonOptions(SUBJECT, options);
  const { clientId, idToken } = options;
  const clientSecret = secretOf(options.clientSecret);
  const bound = new BoundIssuer(options.issuer);
  const clientOf = (flow: Flow): ClientIdentity => {
    bound.assert(flow);
    return secretClient(flow.sdk, { clientId, clientSecret });
  };
  return createTokenSource(
    {
      interactive: false,
      get issuer() {
        return bound.issuer;
      },
      client: async (flow) => clientOf(flow),
      async obtain(flow) {
        const client = clientOf(flow);
        const token = await readSecret(idToken, "ID token", "identity_provider");
        const grant = await requestGrant(flow, options.identityProvider, token, common);
        return { client, tokens: await exchangeJwt(flow, client, grant) };
      },
    },
    common,
  );
}

/** The ID-JAG: a grant of the identity provider to this client, for this resource (RFC 8693). */
async function requestGrant(
  flow: Flow,
  provider: IdentityProvider,
  idToken: Secret,
  options: ResolvedTokenSourceOptions,
): Promise<Secret> {
  const probed = probeOf(provider, options);
  const tokenEndpoint = provider.tokenEndpoint ?? (await findEndpoint(flow, provider, probed));
  const secret = secretOf(provider.clientSecret)?.reveal();
  try {
    const { jwtAuthGrant } = await flow.sdk.requestJwtAuthorizationGrant({
      tokenEndpoint,
      audience: flow.server.issuer,
      resource: flow.resource,
      idToken: idToken.reveal(),
      clientId: provider.clientId,
      ...(secret !== undefined && { clientSecret: secret }),
      ...(flow.scope !== undefined && { scope: flow.scope }),
      fetchFn: probed.fetch,
    });
    return new Secret(jwtAuthGrant);
  } catch (error) {
    throw failureOf(error, probed, "identity_provider", "token_refused");
  }
}

/** The application named the identity provider: wherever it is, it may be gone to. */
function probeOf(provider: IdentityProvider, options: ResolvedTokenSourceOptions): Probe {
  const named = [provider.issuer, provider.tokenEndpoint].filter((url) => url !== undefined);
  const guard = createUrlGuard(named, options.urlPolicy);
  return probe(
    createGuardedFetch({
      guard,
      transport: transportFor(guard, options.fetch),
      stage: "identity_provider",
      timeoutMs: options.requestTimeoutMs,
    }),
  );
}

async function findEndpoint(
  { sdk }: Flow,
  { issuer = "" }: IdentityProvider,
  probed: Probe,
): Promise<string> {
  const metadata = await sdk
    .discoverAuthorizationServerMetadata(issuer, { fetchFn: probed.fetch })
    .catch((error: unknown) => {
      throw failureOf(error, probed, "identity_provider", "discovery_failed");
    });
  if (metadata?.issuer === issuer) return metadata.token_endpoint;
  throw new OAuthClientError(
    metadata === undefined ? "discovery_failed" : "issuer_mismatch",
    "identity_provider",
    `OAuth identity_provider: ${shownUrl(issuer)} publishes no metadata of its own`,
  );
}

function secretOf(secret: string | Secret | undefined): Secret | undefined {
  return typeof secret === "string" ? new Secret(secret) : secret;
}

function assertOptions(options: EnterpriseManagedOptions): void {
  const known = ["identityProvider", "idToken", "clientId", "clientSecret", "issuer"];
  checkMembers(SUBJECT, options, [...COMMON_OPTIONS, ...known]);
  const { identityProvider, idToken, clientId } = options;
  checkMembers(SUBJECT, identityProvider, ["issuer", "tokenEndpoint", "clientId", "clientSecret"]);
  if (typeof idToken !== "function") {
    throw new TypeError(`${SUBJECT}: option "idToken" must be a function that gives the ID token`);
  }
  for (const [name, value] of Object.entries({
    clientId,
    "identityProvider.clientId": identityProvider.clientId,
  })) {
    if (typeof value !== "string" || value === "") {
      throw new TypeError(`${SUBJECT}: option "${name}" is missing`);
    }
  }
  const { issuer, tokenEndpoint } = identityProvider;
  if (issuer === undefined && tokenEndpoint === undefined) {
    throw new TypeError(
      `${SUBJECT}: option "identityProvider" needs its issuer or its tokenEndpoint`,
    );
  }
  for (const [name, value] of Object.entries({ issuer, tokenEndpoint })) {
    if (value === undefined) continue;
    assertHttpsOrLoopback(SUBJECT, `identityProvider.${name}`, value);
  }
}
