import {
  type ClientAuth,
  checkMembers,
  checkMethods,
  redactText,
  Secret,
  wholeNumber,
} from "@backplane/protocol";
import { assertAuthorizes, authorizeUser } from "./authorization-code.ts";
import { BoundIssuer } from "./bound-issuer.ts";
import { type ClientIdentity, secretClient } from "./client-authentication.ts";
import type { ClientRegistration } from "./client-registration.ts";
import {
  assertHttpsOrLoopback,
  COMMON_OPTIONS,
  resolveCommonOptions,
  type TokenSourceOptions,
} from "./common-options.ts";
import { OAuthClientError, shownUrl } from "./errors.ts";
import type { Flow, Grant, Obtained } from "./flow.ts";
import { forgetClient, registerClient, storedClient } from "./registration.ts";
import { createTokenSource } from "./token-source.ts";
import type { UserInteraction } from "./user-interaction.ts";

/**
 * How this client is known. At least one of `clientId`, `clientMetadataUrl` and `registration`; with
 * several the first that the authorization server takes counts, in this order.
 */
export interface OAuthOptions extends TokenSourceOptions {
  /** How the user gets to the authorization server. Without it a needed authorization is an error. */
  readonly interaction?: UserInteraction;
  /** Where the user comes back to: https, or loopback. Not with an interaction that has its own. */
  readonly redirectUrl?: string;
  /** The id that this client was registered with by hand. */
  readonly clientId?: string;
  readonly clientSecret?: string | Secret;
  /** Where it was registered. Without it: at the authorization server that the first MCP server names. */
  readonly issuer?: string;
  /** The https URL of this client's metadata document, which is its id (see `clientMetadataDocument`). */
  readonly clientMetadataUrl?: string;
  /** Registers the client where nothing else is possible (RFC 7591; deprecated since 2026-07-28). */
  readonly registration?: ClientRegistration;
  /** Asks for a refresh token where the authorization server offers `offline_access`. Default true. */
  readonly offlineAccess?: boolean;
  /** How long the user may take, in milliseconds. Default 300,000. */
  readonly interactionTimeoutMs?: number;
}

const SUBJECT = "oauth";

/**
 * OAuth 2.1 on behalf of a user: authorization code with PKCE, refresh, and wider scopes when a server
 * asks for them (spec: authorization). It begins when a server refuses a request; requests side by side
 * cause one authorization.
 *
 * @throws {TypeError} when an option is missing, unknown or contradicts another.
 */
export function oauth(options: OAuthOptions): ClientAuth {
  return createTokenSource(
    authorizationCodeGrant(options),
    resolveCommonOptions(SUBJECT, options),
    {
      offlineAccess: options.offlineAccess ?? true,
    },
  );
}

function authorizationCodeGrant(options: OAuthOptions): Grant {
  assertOptions(options);
  const { clientId, clientSecret, clientMetadataUrl, registration, interaction } = options;
  const timeoutMs = wholeNumber(
    SUBJECT,
    "interactionTimeoutMs",
    options.interactionTimeoutMs ?? 300_000,
  );
  const secret = typeof clientSecret === "string" ? new Secret(clientSecret) : clientSecret;
  const bound = new BoundIssuer(clientId === undefined ? undefined : options.issuer);

  /** A client that needs no registration: its own id, or its document's URL. */
  function givenClient(flow: Flow): ClientIdentity | undefined {
    if (clientId !== undefined) {
      bound.assert(flow);
      return secretClient(flow.sdk, { clientId, clientSecret: secret });
    }
    const takesDocuments = flow.server.metadata.client_id_metadata_document_supported === true;
    return clientMetadataUrl !== undefined && takesDocuments
      ? secretClient(flow.sdk, { clientId: clientMetadataUrl, clientSecret: undefined })
      : undefined;
  }

  async function clientFor(flow: Flow, redirectUrl: string): Promise<ClientIdentity> {
    const client = givenClient(flow) ?? (await storedClient(flow, redirectUrl));
    if (client !== undefined) return client;
    if (registration !== undefined) return registerClient(flow, registration, redirectUrl);
    throw new OAuthClientError(
      "registration_missing",
      "registration",
      `OAuth registration: ${shownUrl(flow.server.issuer)} takes no client metadata documents; register this client there and pass clientId and issuer`,
    );
  }

  return {
    interactive: true,
    get issuer() {
      return bound.issuer;
    },
    client: async (flow) => givenClient(flow) ?? (await storedClient(flow)),
    async obtain(flow): Promise<Obtained> {
      if (interaction === undefined) {
        throw new OAuthClientError(
          "interaction_required",
          "authorization",
          `OAuth authorization: a user must authorize at ${shownUrl(flow.server.issuer)}; option "interaction" says how`,
        );
      }
      assertAuthorizes(flow);
      const redirectUrl = options.redirectUrl ?? (await ownRedirectUrl(interaction));
      const client = await clientFor(flow, redirectUrl);
      try {
        const request = { client, interaction, redirectUrl, timeoutMs };
        return { client, tokens: await authorizeUser(flow, request) };
      } catch (error) {
        // The next attempt registers anew.
        if (OAuthClientError.isInstance(error) && error.oauthError === "invalid_client") {
          await forgetClient(flow, client.clientId);
        }
        throw error;
      }
    },
    ...(clientId === undefined && { forget: forgetClient }),
  };
}

async function ownRedirectUrl(interaction: UserInteraction): Promise<string> {
  const url = (await interaction.redirectUrl?.()) ?? "";
  assertHttpsOrLoopback(SUBJECT, "interaction.redirectUrl", url);
  return url;
}

function assertOptions(options: OAuthOptions): void {
  checkMembers(SUBJECT, options, [
    ...COMMON_OPTIONS,
    "interaction",
    "redirectUrl",
    "clientId",
    "clientSecret",
    "issuer",
    "clientMetadataUrl",
    "registration",
    "offlineAccess",
    "interactionTimeoutMs",
  ]);
  const { clientId, clientSecret, clientMetadataUrl, registration, issuer } = options;
  if (clientId === undefined && clientMetadataUrl === undefined && registration === undefined) {
    throw new TypeError(
      `${SUBJECT}: needs one of the options clientId, clientMetadataUrl and registration`,
    );
  }
  if (clientId === "") throw new TypeError(`${SUBJECT}: option "clientId" must not be empty`);
  if (clientId === undefined && (clientSecret !== undefined || issuer !== undefined)) {
    throw new TypeError(`${SUBJECT}: options clientSecret and issuer belong to clientId`);
  }
  if (clientMetadataUrl !== undefined) assertDocumentUrl(clientMetadataUrl);
  assertRedirect(options);
}

function assertRedirect(options: OAuthOptions): void {
  const { interaction, redirectUrl, interactionTimeoutMs } = options;
  if (interaction === undefined && (redirectUrl ?? interactionTimeoutMs) !== undefined) {
    throw new TypeError(
      `${SUBJECT}: options redirectUrl and interactionTimeoutMs belong to an interaction`,
    );
  }
  checkMethods(SUBJECT, "interaction", interaction, ["authorize"]);
  if (redirectUrl !== undefined) {
    assertHttpsOrLoopback(SUBJECT, "redirectUrl", redirectUrl);
  }
  const hasOwn = interaction?.redirectUrl !== undefined;
  if (interaction !== undefined && hasOwn === (redirectUrl !== undefined)) {
    throw new TypeError(
      hasOwn
        ? `${SUBJECT}: the interaction has a redirect URL of its own; leave the option "redirectUrl" out`
        : `${SUBJECT}: option "redirectUrl" is missing: where the user comes back to`,
    );
  }
}

/** An https URL with a path, and one spelling only: it is compared as text (spec: client registration). */
export function assertDocumentUrl(value: string): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isPlain = url?.username === "" && url.password === "" && url.hash === "";
  if (url?.protocol === "https:" && url.pathname !== "/" && url.href === value && isPlain) return;
  throw new TypeError(
    `${SUBJECT}: option "clientMetadataUrl" must be an https URL with a path, without fragment or credentials; not ${redactText(JSON.stringify(value))}`,
  );
}
