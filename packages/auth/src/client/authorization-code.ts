import type { ClientIdentity } from "./client-authentication.ts";
import { OAuthClientError, shownUrl } from "./errors.ts";
import type { Flow } from "./flow.ts";
import { shownOAuthError } from "./probe.ts";
import { requestTokens } from "./token-request.ts";
import type { TokenRecord } from "./token-store.ts";
import type { CallbackParameters, UserInteraction } from "./user-interaction.ts";

export interface AuthorizationRequest {
  readonly client: ClientIdentity;
  readonly interaction: UserInteraction;
  readonly redirectUrl: string;
  /** How long the user may take. */
  readonly timeoutMs: number;
}

/** The authorization code grant with PKCE (OAuth 2.1, 4.1): the user says yes in a browser. */
export async function authorizeUser(
  flow: Flow,
  request: AuthorizationRequest,
): Promise<TokenRecord> {
  const { sdk, server, resource, scope, dpop } = flow;
  const { client, redirectUrl } = request;
  const state = randomState();
  const { authorizationUrl, codeVerifier } = await sdk.startAuthorization(server.issuer, {
    metadata: server.metadata,
    clientInformation: { client_id: client.clientId },
    redirectUrl,
    state,
    resource: resource as unknown as URL,
    ...(scope !== undefined && { scope }),
  });
  // Binds the code to the key too (RFC 9449, 10); who does not know the parameter ignores it.
  if (dpop !== undefined) authorizationUrl.searchParams.set("dpop_jkt", dpop.thumbprint);

  const code = readCallback(flow, await ask(request, authorizationUrl), state);
  const parameters = sdk.prepareAuthorizationCodeRequest(code, codeVerifier, redirectUrl);
  return requestTokens(flow, client, parameters, "token");
}

/**
 * Whether a user can be sent to this authorization server at all.
 * @throws {OAuthClientError} when it lacks what is needed, or its page is at a place that is not allowed.
 */
export function assertAuthorizes({ server, guard }: Flow): void {
  const { metadata, issuer } = server;
  // Without the field an authorization server may ignore the challenge (spec: authorization, PKCE).
  if (metadata.code_challenge_methods_supported?.includes("S256") !== true) {
    throw new OAuthClientError(
      "pkce_unsupported",
      "authorization",
      `OAuth authorization: ${shownUrl(issuer)} does not say that it supports PKCE with S256`,
    );
  }
  if (!metadata.response_types_supported.includes("code")) {
    throw new OAuthClientError(
      "discovery_failed",
      "authorization",
      `OAuth authorization: ${shownUrl(issuer)} does not offer authorization codes`,
    );
  }
  // The user's browser goes there.
  guard.assertUrl(metadata.authorization_endpoint, "authorization");
}

function randomState(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

async function ask(
  { interaction, timeoutMs }: AuthorizationRequest,
  url: URL,
): Promise<CallbackParameters> {
  const signal = AbortSignal.timeout(timeoutMs);
  const timedOut = new Promise<never>((_resolve, reject) => {
    const late = (): void =>
      reject(failed(`the user did not come back within ${timeoutMs} ms`, undefined));
    signal.addEventListener("abort", late, { once: true });
  });
  // It may throw before there is a promise.
  const asked = (async () => interaction.authorize(url, { signal }))();
  const answer = asked.catch((cause: unknown) => {
    throw OAuthClientError.isInstance(cause) ? cause : failed("the interaction failed", cause);
  });
  return Promise.race([answer, timedOut]);
}

function failed(what: string, cause: unknown): OAuthClientError {
  return new OAuthClientError(
    "interaction_failed",
    "authorization",
    `OAuth authorization: ${what}`,
    cause === undefined ? {} : { cause },
  );
}

/**
 * The code of the redirect. First whether it answers this request, then whether it is from the
 * authorization server that was asked; only then is anything else in it looked at, its error included
 * (RFC 9207, 2.4: an attacker's error text must not be shown).
 */
function readCallback({ sdk, server }: Flow, callback: CallbackParameters, state: string): string {
  const parameters = readParameters(callback);
  if (parameters.get("state") !== state) {
    throw new OAuthClientError(
      "state_mismatch",
      "authorization",
      "OAuth authorization: the redirect answers another request",
    );
  }
  try {
    sdk.validateAuthorizationResponseIssuer({
      iss: parameters.get("iss"),
      expectedIssuer: server.issuer,
      issParameterSupported:
        server.metadata.authorization_response_iss_parameter_supported === true,
    });
  } catch {
    throw new OAuthClientError(
      "iss_mismatch",
      "authorization",
      `OAuth authorization: the redirect does not come from ${shownUrl(server.issuer)}`,
    );
  }
  const error = parameters.get("error");
  if (error !== undefined) {
    const oauthError = shownOAuthError(error);
    throw new OAuthClientError(
      "authorization_denied",
      "authorization",
      `OAuth authorization: denied${oauthError === undefined ? "" : `: ${oauthError}`}`,
      { oauthError },
    );
  }
  const code = parameters.get("code");
  if (code !== undefined && code !== "") return code;
  throw new OAuthClientError(
    "invalid_response",
    "authorization",
    "OAuth authorization: the redirect holds neither a code nor an error",
  );
}

/** A parameter that stands there twice is none: two parties might read a different one (RFC 6749, 3.1). */
function readParameters(callback: CallbackParameters): ReadonlyMap<string, string> {
  const entries =
    callback instanceof URLSearchParams ? [...callback] : Object.entries({ ...callback });
  const parameters = new Map<string, string>();
  for (const [name, value] of entries) {
    if (parameters.has(name)) {
      throw new OAuthClientError(
        "invalid_response",
        "authorization",
        "OAuth authorization: the redirect repeats a parameter",
      );
    }
    parameters.set(name, value);
  }
  return parameters;
}
