import {
  clientCredentials,
  enterpriseManaged,
  type OAuthOptions,
  oauth,
  type UserInteraction,
  workloadIdentity,
} from "@backplane/auth/client";
import type { ClientAuth, JsonObject } from "@backplane/protocol";

const DOCUMENT_URL = "https://conformance-test.local/client-metadata.json";
const REDIRECT_URL = "http://localhost:3000/callback";

/** No browser and no user: the suite's authorization servers agree at once, with a redirect. */
const headless: UserInteraction = {
  async authorize(url, { signal }) {
    const response = await fetch(url, { redirect: "manual", signal });
    const location = response.headers.get("location");
    if (location === null) throw new Error(`No redirect: HTTP ${response.status}`);
    return new URL(location, url).searchParams;
  },
};

const user: OAuthOptions = {
  interaction: headless,
  redirectUrl: REDIRECT_URL,
  clientMetadataUrl: DOCUMENT_URL,
  registration: { clientName: "Backplane everything-client" },
};

/** The credentials that a scenario is about, made of what the suite hands over. */
const BY_SCENARIO: Readonly<Record<string, (text: (name: string) => string) => ClientAuth>> = {
  "auth/pre-registration": (text) =>
    oauth({
      interaction: headless,
      redirectUrl: REDIRECT_URL,
      clientId: text("client_id"),
      clientSecret: text("client_secret"),
      issuer: text("issuer"),
    }),
  "auth/client-credentials-jwt": (text) =>
    clientCredentials({
      clientId: text("client_id"),
      privateKey: text("private_key_pem"),
      algorithm: text("signing_algorithm"),
    }),
  "auth/client-credentials-basic": (text) =>
    clientCredentials({ clientId: text("client_id"), clientSecret: text("client_secret") }),
  "auth/enterprise-managed-authorization": (text) =>
    enterpriseManaged({
      identityProvider: {
        issuer: text("idp_issuer"),
        tokenEndpoint: text("idp_token_endpoint"),
        clientId: text("idp_client_id"),
      },
      idToken: () => text("idp_id_token"),
      clientId: text("client_id"),
      clientSecret: text("client_secret"),
    }),
  "auth/wif-jwt-bearer": (text) =>
    workloadIdentity({ assertion: () => text("valid_jwt"), clientId: text("client_id") }),
  "auth/dpop": () => oauth({ ...user, dpop: true }),
  "auth/dpop-nonce": () => oauth({ ...user, dpop: true }),
};

/**
 * What authenticates the client in a scenario of the suite.
 * @throws {TypeError} when the suite's context lacks what the scenario needs.
 */
export function authFor(scenario: string, context: JsonObject): ClientAuth {
  const text = (name: string): string => {
    const value = context[name];
    if (typeof value === "string" && value !== "") return value;
    throw new TypeError(`${scenario}: the context has no ${name}`);
  };
  return BY_SCENARIO[scenario]?.(text) ?? oauth(user);
}
