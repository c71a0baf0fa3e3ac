import { type ClientAuth, checkMembers, Secret } from "@backplane/protocol";
import { BoundIssuer } from "./bound-issuer.ts";
import { type ClientIdentity, privateKeyClient, secretClient } from "./client-authentication.ts";
import type { ClientKeyPair } from "./client-key-pair.ts";
import { COMMON_OPTIONS, resolveCommonOptions, type TokenSourceOptions } from "./common-options.ts";
import type { Flow } from "./flow.ts";
import type { Sdk } from "./sdk.ts";
import { requestTokens } from "./token-request.ts";
import { createTokenSource } from "./token-source.ts";

/** A client that acts for itself: with a secret, or with a private key, which is recommended. */
export type ClientCredentialsOptions = TokenSourceOptions & {
  readonly clientId: string;
  /** Where the client is registered. Without it: where the first MCP server sends it. */
  readonly issuer?: string;
} & (ClientKeyPair | { readonly clientSecret: string | Secret });

const SUBJECT = "clientCredentials";

/**
 * The client credentials grant (RFC 6749, 4.4; MCP extension OAuth client credentials): no user takes
 * part. The secret goes by HTTP Basic where that is supported, the key signs a statement (RFC 7523).
 *
 * @throws {TypeError} when an option is missing, unknown or contradicts another.
 */
export function clientCredentials(options: ClientCredentialsOptions): ClientAuth {
  checkMembers(SUBJECT, options, [
    ...COMMON_OPTIONS,
    "clientId",
    "issuer",
    "clientSecret",
    "privateKey",
    "algorithm",
  ]);
  const common = resolveCommonOptions(SUBJECT, options);
  const identify = identityOf(options, () => common.clock.now());
  const bound = new BoundIssuer(options.issuer);
  const clientOf = (flow: Flow): ClientIdentity => {
    bound.assert(flow);
    return identify(flow.sdk);
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
        const parameters = new URLSearchParams({ grant_type: "client_credentials" });
        if (flow.scope !== undefined) parameters.set("scope", flow.scope);
        return { client, tokens: await requestTokens(flow, client, parameters, "token") };
      },
    },
    common,
  );
}

function identityOf(
  options: ClientCredentialsOptions,
  now: () => number,
): (sdk: Sdk) => ClientIdentity {
  const { clientId } = options;
  const { clientSecret, privateKey, algorithm } = options as Partial<
    ClientKeyPair & { clientSecret: string | Secret }
  >;
  if (typeof clientId !== "string" || clientId === "") {
    throw new TypeError(`${SUBJECT}: option "clientId" is missing`);
  }
  if ((clientSecret === undefined) === (privateKey === undefined)) {
    throw new TypeError(`${SUBJECT}: needs one of the options clientSecret and privateKey`);
  }
  if (clientSecret !== undefined) {
    const secret = typeof clientSecret === "string" ? new Secret(clientSecret) : clientSecret;
    return (sdk) => secretClient(sdk, { clientId, clientSecret: secret });
  }
  if (algorithm === undefined || /^(none|HS)/i.test(algorithm)) {
    throw new TypeError(
      `${SUBJECT}: option "algorithm" must name the signature of the private key, such as "ES256"; not ${JSON.stringify(algorithm)}`,
    );
  }
  const client = privateKeyClient(clientId, { privateKey, algorithm } as ClientKeyPair, now);
  return () => client;
}
