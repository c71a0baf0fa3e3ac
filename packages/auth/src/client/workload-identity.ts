import { type ClientAuth, checkMembers, type Secret } from "@backplane/protocol";
import { BoundIssuer } from "./bound-issuer.ts";
import { type ClientIdentity, secretClient } from "./client-authentication.ts";
import { COMMON_OPTIONS, resolveCommonOptions, type TokenSourceOptions } from "./common-options.ts";
import { OAuthClientError } from "./errors.ts";
import type { Flow } from "./flow.ts";
import { exchangeJwt, readSecret } from "./jwt-bearer.ts";
import { createTokenSource } from "./token-source.ts";

/** What the platform needs to know to issue the statement. */
export interface AssertionRequest {
  /** For the `aud` claim. */
  readonly audience: string;
  /** The MCP server that the token is for. */
  readonly resource: string;
}

/** A workload that its platform vouches for. */
export interface WorkloadIdentityOptions extends TokenSourceOptions {
  /** Gets a fresh JWT from the platform: a projected file, a metadata service, a CI system. */
  readonly assertion: (request: AssertionRequest) => string | Secret | Promise<string | Secret>;
  /** The audience that the authorization server expects. Default "issuer", which no other one accepts. */
  readonly audience?: "issuer" | "token-endpoint";
  /** Sent along where the authorization server wants one. */
  readonly clientId?: string;
  /** Where the workload is trusted. Without it: where the first MCP server sends it. */
  readonly issuer?: string;
}

const SUBJECT = "workloadIdentity";

/** What was refused, and for what. */
interface Refusal {
  readonly jwt: Secret;
  readonly resource: string;
  readonly scope: string | undefined;
  readonly error: OAuthClientError;
}

/**
 * Workload identity federation (RFC 7523, 2.1; MCP draft SEP-1933): the platform's JWT is exchanged for an
 * access token, without any secret of the client. A JWT that was refused is not sent again, and nothing
 * else is tried instead.
 *
 * @throws {TypeError} when an option is missing or unknown.
 */
export function workloadIdentity(options: WorkloadIdentityOptions): ClientAuth {
  checkMembers(SUBJECT, options, [
    ...COMMON_OPTIONS,
    "assertion",
    "audience",
    "clientId",
    "issuer",
  ]);
  const { assertion, audience = "issuer", clientId = "" } = options;
  if (typeof assertion !== "function") {
    throw new TypeError(`${SUBJECT}: option "assertion" must be a function that gives a JWT`);
  }
  if (audience !== "issuer" && audience !== "token-endpoint") {
    throw new TypeError(
      `${SUBJECT}: option "audience" must be "issuer" or "token-endpoint", not ${JSON.stringify(audience)}`,
    );
  }
  const bound = new BoundIssuer(options.issuer);
  let refusal: Refusal | undefined;

  const clientOf = (flow: Flow): ClientIdentity => {
    bound.assert(flow);
    return clientId === ""
      ? { clientId: "", authenticate: () => {} }
      : secretClient(flow.sdk, { clientId, clientSecret: undefined });
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
        const { issuer, metadata } = flow.server;
        const { resource, scope } = flow;
        const request = {
          audience: audience === "issuer" ? issuer : metadata.token_endpoint,
          resource,
        };
        const jwt = await readSecret(() => assertion(request), "workload JWT", "token");
        if (
          refusal?.jwt.reveal() === jwt.reveal() &&
          refusal.resource === resource &&
          refusal.scope === scope
        ) {
          throw refusal.error;
        }
        try {
          return { client, tokens: await exchangeJwt(flow, client, jwt) };
        } catch (error) {
          if (OAuthClientError.isInstance(error) && error.code === "token_refused") {
            refusal = { jwt, resource, scope, error };
          }
          throw error;
        }
      },
    },
    resolveCommonOptions(SUBJECT, options),
  );
}
