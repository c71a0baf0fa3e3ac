import { isLoopbackHost, Secret } from "@backplane/protocol";
import { type ClientIdentity, secretClient } from "./client-authentication.ts";
import type { ClientRegistration } from "./client-registration.ts";
import { OAuthClientError, shownUrl } from "./errors.ts";
import type { Flow } from "./flow.ts";
import { failureOf, probe } from "./probe.ts";
import type { ClientKey, ClientRecord } from "./token-store.ts";

function keyOf({ server }: Flow): ClientKey {
  return { kind: "client", issuer: server.issuer };
}

/** The client that registered at this authorization server before; never one of another. */
export async function storedClient(
  flow: Flow,
  redirectUrl?: string,
): Promise<ClientIdentity | undefined> {
  const record = (await flow.store.get(keyOf(flow)))?.record;
  if (record === undefined) return undefined;
  if ((record.clientSecretExpiresAtMs ?? Number.POSITIVE_INFINITY) <= flow.clock.now()) {
    return undefined;
  }
  // Only redirect URLs that were registered may be used, port and all: not every server allows others.
  if (redirectUrl !== undefined && record.redirectUrl !== redirectUrl) return undefined;
  return identityOf(flow, record);
}

function identityOf(flow: Flow, record: ClientRecord): ClientIdentity {
  const { clientId, clientSecret, tokenEndpointAuthMethod } = record;
  return secretClient(flow.sdk, {
    clientId,
    clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
    method: tokenEndpointAuthMethod,
  });
}

/** Dynamic registration (RFC 7591), the last resort since 2026-07-28. */
export async function registerClient(
  flow: Flow,
  registration: ClientRegistration,
  redirectUrl: string,
): Promise<ClientIdentity> {
  const { sdk, server, store, scope } = flow;
  if (server.metadata.registration_endpoint === undefined) {
    throw new OAuthClientError(
      "registration_missing",
      "registration",
      `OAuth registration: ${shownUrl(server.issuer)} takes no registrations; register this client there by hand and pass clientId and issuer`,
    );
  }
  const probed = probe(flow.fetch("registration"));
  const answer = await sdk
    .registerClient(server.issuer, {
      metadata: server.metadata,
      clientMetadata: metadataOf(flow, registration, redirectUrl),
      ...(scope !== undefined && { scope }),
      fetchFn: probed.fetch,
    })
    .catch((error: unknown) => {
      throw failureOf(error, probed, "registration", "registration_refused");
    });
  const expiresAtS = answer.client_secret_expires_at ?? 0;
  const record: ClientRecord = {
    clientId: answer.client_id,
    redirectUrl,
    ...(answer.client_secret !== undefined && { clientSecret: answer.client_secret }),
    ...(expiresAtS > 0 && { clientSecretExpiresAtMs: expiresAtS * 1_000 }),
    ...(answer.token_endpoint_auth_method !== undefined && {
      tokenEndpointAuthMethod: answer.token_endpoint_auth_method,
    }),
  };
  // Another process may have registered meanwhile. Its record may go: the registration itself stays valid.
  const version = (await store.get(keyOf(flow)))?.version;
  await store.set(keyOf(flow), record, version);
  return identityOf(flow, record);
}

function metadataOf(
  { server }: Flow,
  registration: ClientRegistration,
  redirectUrl: string,
): Parameters<Flow["sdk"]["registerClient"]>[1]["clientMetadata"] {
  const { clientName, applicationType, clientUri, logoUri } = registration;
  const { contacts, softwareId, softwareVersion } = registration;
  const grants = server.metadata.grant_types_supported;
  const refreshes = grants === undefined || grants.includes("refresh_token");
  const method = authMethodFor(server.metadata.token_endpoint_auth_methods_supported);
  const isNative = isLoopbackHost(new URL(redirectUrl).hostname);
  return {
    client_name: clientName,
    redirect_uris: [redirectUrl],
    response_types: ["code"],
    grant_types: ["authorization_code", ...(refreshes ? ["refresh_token"] : [])],
    application_type: applicationType ?? (isNative ? "native" : "web"),
    ...(method !== undefined && { token_endpoint_auth_method: method }),
    ...(clientUri !== undefined && { client_uri: clientUri }),
    ...(logoUri !== undefined && { logo_uri: logoUri }),
    ...(contacts !== undefined && { contacts: [...contacts] }),
    ...(softwareId !== undefined && { software_id: softwareId }),
    ...(softwareVersion !== undefined && { software_version: softwareVersion }),
  };
}

/** A public client where it may be one: a secret that every copy of a program gets is none. */
function authMethodFor(supported: readonly string[] | undefined): string | undefined {
  const order = ["none", "client_secret_basic", "client_secret_post"];
  return order.find((method) => supported?.includes(method));
}

/** The authorization server forgot this client: so does the store, unless there is a newer one. */
export async function forgetClient(flow: Flow, clientId: string): Promise<void> {
  const found = await flow.store.get(keyOf(flow));
  if (found?.record.clientId === clientId) await flow.store.delete(keyOf(flow), found.version);
}
