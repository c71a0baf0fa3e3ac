import type { OAuthClientProvider, OAuthTokens } from "@modelcontextprotocol/client";
import type { ClientIdentity } from "./client-authentication.ts";
import { assertDpopAlgorithm } from "./dpop.ts";
import { OAuthClientError, type OAuthStage } from "./errors.ts";
import type { Flow } from "./flow.ts";
import { failureOf, probe } from "./probe.ts";
import type { TokenRecord } from "./token-store.ts";

/** Longest life that is believed; more is a mistake in the unit. */
const MAX_EXPIRES_IN_S = 10 * 365 * 86_400;

/** What may stand in a header after the scheme: visible ASCII. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;

/**
 * One request to the token endpoint.
 *
 * @param parameters of the grant; the resource, the client's proof and a DPoP proof are added.
 * @throws {OAuthClientError} that holds nothing of what was sent or received but the `error` code.
 */
export async function requestTokens(
  flow: Flow,
  client: ClientIdentity,
  parameters: URLSearchParams,
  stage: OAuthStage,
): Promise<TokenRecord> {
  const { sdk, server, resource, dpop } = flow;
  assertDpopAlgorithm(dpop, dpopAlgorithms(server.metadata));
  const probed = probe(flow.fetch(stage));
  try {
    const tokens = await sdk.fetchToken(oneRequest(flow, client, parameters), server.issuer, {
      metadata: server.metadata,
      resource: resource as unknown as URL,
      fetchFn: probed.fetch,
    });
    return toRecord(flow, tokens, stage);
  } catch (error) {
    throw failureOf(error, probed, stage, "token_refused");
  }
}

function dpopAlgorithms(metadata: object): readonly string[] | undefined {
  return (metadata as { dpop_signing_alg_values_supported?: readonly string[] })
    .dpop_signing_alg_values_supported;
}

/** The SDK asks a provider for the parts of a request; everything that is not one is never called. */
function oneRequest(
  { server, dpop }: Flow,
  client: ClientIdentity,
  parameters: URLSearchParams,
): OAuthClientProvider {
  const unused = (): never => {
    throw new Error("not part of a token request");
  };
  return {
    redirectUrl: undefined,
    clientMetadata: { redirect_uris: [] },
    clientInformation: () => ({ client_id: client.clientId, issuer: server.issuer }),
    prepareTokenRequest: () => parameters,
    addClientAuthentication: client.authenticate,
    dpop: () => dpop,
    tokens: unused,
    saveTokens: unused,
    redirectToAuthorization: unused,
    saveCodeVerifier: unused,
    codeVerifier: unused,
  };
}

function toRecord(flow: Flow, tokens: OAuthTokens, stage: OAuthStage): TokenRecord {
  const { clock, dpop, scope: requested } = flow;
  if (!HEADER_SAFE.test(tokens.access_token)) {
    throw new OAuthClientError(
      "invalid_response",
      stage,
      `OAuth ${stage}: the access token holds characters that no header may hold`,
    );
  }
  const obtainedAtMs = clock.now();
  const seconds = tokens.expires_in;
  const scope = tokens.scope ?? requested;
  return {
    accessToken: tokens.access_token,
    tokenType: assertTokenType(tokens.token_type, dpop !== undefined, stage),
    obtainedAtMs,
    ...(seconds !== undefined &&
      Number.isFinite(seconds) && {
        expiresAtMs: obtainedAtMs + Math.min(Math.max(seconds, 0), MAX_EXPIRES_IN_S) * 1_000,
      }),
    ...(tokens.refresh_token !== undefined && { refreshToken: tokens.refresh_token }),
    ...(scope !== undefined && { scope }),
    ...(dpop !== undefined && { dpopThumbprint: dpop.thumbprint }),
  };
}

/** A token that is not of the kind that was asked for is never used as if it were (RFC 6749, 7.1). */
function assertTokenType(type: string, wantsDpop: boolean, stage: OAuthStage): "Bearer" | "DPoP" {
  const isDpop = /^dpop$/i.test(type);
  if (isDpop === wantsDpop && (isDpop || /^bearer$/i.test(type))) {
    return isDpop ? "DPoP" : "Bearer";
  }
  throw wantsDpop
    ? new OAuthClientError(
        "dpop_unsupported",
        stage,
        `OAuth ${stage}: the authorization server issued a token that is not bound to the DPoP key`,
      )
    : new OAuthClientError(
        "invalid_response",
        stage,
        `OAuth ${stage}: the authorization server issued a token of a type that was not asked for`,
      );
}

/** Renews a token (RFC 6749, 6). What the answer leaves out stays as it was. */
export async function refreshTokens(
  flow: Flow,
  client: ClientIdentity,
  record: TokenRecord & { readonly refreshToken: string },
): Promise<TokenRecord> {
  const parameters = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: record.refreshToken,
  });
  const { scope: kept } = record;
  const fresh = await requestTokens({ ...flow, scope: kept }, client, parameters, "refresh");
  return { ...fresh, refreshToken: fresh.refreshToken ?? record.refreshToken };
}
