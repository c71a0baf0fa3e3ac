import { Secret } from "@backplane/protocol";
import type { ClientIdentity } from "./client-authentication.ts";
import { OAuthClientError, type OAuthStage } from "./errors.ts";
import type { Flow } from "./flow.ts";
import { requestTokens } from "./token-request.ts";
import type { TokenRecord } from "./token-store.ts";

/** Exchanges a JWT for an access token (RFC 7523, 2.1). */
export function exchangeJwt(flow: Flow, client: ClientIdentity, jwt: Secret): Promise<TokenRecord> {
  const parameters = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: jwt.reveal(),
  });
  if (flow.scope !== undefined) parameters.set("scope", flow.scope);
  return requestTokens(flow, client, parameters, "token");
}

/** What the application's function gave; an error of its own becomes the cause. */
export async function readSecret(
  get: () => string | Secret | Promise<string | Secret>,
  what: string,
  stage: OAuthStage,
): Promise<Secret> {
  try {
    const given = await get();
    return given instanceof Secret ? given : new Secret(given);
  } catch (cause) {
    throw new OAuthClientError("assertion_missing", stage, `OAuth ${stage}: no ${what}`, {
      cause,
    });
  }
}
