import type {
  AuthenticationFailure,
  AuthenticationOutcome,
  AuthenticationRequest,
  Authenticator,
  GuardedServer,
  Principal,
  PublicDocument,
} from "@backplane/protocol";
import { AuthenticationError } from "./authentication-error.ts";
import { readAuthorization } from "./internal/authorization-header.ts";
import { bearerChallenge, describeRefusal } from "./internal/gate.ts";
import type { VerifiedToken } from "./internal/token-cache.ts";
import { selectVerifier } from "./internal/token-selection.ts";
import { challenge } from "./internal/www-authenticate.ts";
import {
  type OAuthResourceServerOptions,
  type ResolvedResourceServer,
  resolveResourceServer,
} from "./resource-server-options.ts";

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/** Scopes that are between a client and its authorization server alone (spec: basic/authorization). */
const NOT_OURS: ReadonlySet<string> = new Set(["offline_access"]);

/**
 * An MCP server as an OAuth 2.1 resource server (spec: basic/authorization): takes tokens that its
 * authorization servers issued for its own URL and no others, publishes where those are (RFC 9728), and
 * answers 401 and 403 with challenges from which a client finds its way. Tokens are not passed on: what
 * handlers see is the principal.
 */
export class OAuthResourceServer implements Authenticator {
  readonly #options: ResolvedResourceServer;
  readonly #metadataUrl: string;
  readonly documents: ReadonlyMap<string, PublicDocument>;
  readonly notices: readonly string[];

  /** @throws {TypeError} that names the option. */
  constructor(options: OAuthResourceServerOptions) {
    this.#options = resolveResourceServer(options);
    const { publicUrl, dpop } = this.#options;
    const path = publicUrl.pathname === "/" ? "" : publicUrl.pathname;
    this.#metadataUrl = publicUrl.origin + WELL_KNOWN + path;
    const document: PublicDocument = {
      contentType: "application/json",
      body: (server) => JSON.stringify(this.#metadata(server)),
    };
    this.documents = new Map([WELL_KNOWN, WELL_KNOWN + path].map((each) => [each, document]));
    this.notices =
      dpop?.processKeys === true
        ? [
            "DPoP nonces are sealed with a random key of this process; replicas need a shared keyRing",
          ]
        : [];
  }

  /** The URI for which tokens must be issued. */
  get resource(): string {
    return this.#options.resource;
  }

  describe(error: AuthenticationError): AuthenticationFailure {
    return describeRefusal(error, this.#challenges(error));
  }

  authenticate(
    request: AuthenticationRequest,
  ): AuthenticationOutcome | Promise<AuthenticationOutcome> {
    try {
      const { scheme, token } = readAuthorization(request.header("authorization"));
      this.#assertOrigin(request);
      const verified = selectVerifier(this.#options.verifiers, token);
      if (scheme === "bearer" && !(verified instanceof Promise)) {
        return { principal: this.#bearer(verified) };
      }
      return this.#later(request, scheme, token, verified);
    } catch (error) {
      return this.#refused(error);
    }
  }

  stepUp(scopes: readonly string[]): AuthenticationFailure {
    return this.describe(new AuthenticationError("insufficient_scope", "scope", { scopes }));
  }

  async #later(
    request: AuthenticationRequest,
    scheme: "bearer" | "dpop",
    token: string,
    verifying: VerifiedToken | Promise<VerifiedToken>,
  ): Promise<AuthenticationOutcome> {
    try {
      const verified = await verifying;
      if (scheme === "bearer") return { principal: this.#bearer(verified) };
      const { keyThumbprint } = verified;
      const { dpop } = this.#options;
      if (dpop === undefined || keyThumbprint === undefined) {
        throw new AuthenticationError("invalid_token", "binding");
      }
      await dpop.check.assertProof(request, token, keyThumbprint);
      return { principal: this.#scoped(verified) };
    } catch (error) {
      return this.#withNonce(this.#refused(error), error);
    }
  }

  /**
   * A token that came by another way than the one it is for: over http, where others read it, or through a
   * proxy that stands for another server (RFC 6750, 5.3).
   */
  #assertOrigin({ forwardedOrigin }: AuthenticationRequest): void {
    if (forwardedOrigin === undefined || forwardedOrigin === this.#options.publicUrl.origin) return;
    throw new AuthenticationError("invalid_request", "origin");
  }

  /** A bound token without its proof is a stolen one (RFC 9449, 7.2). */
  #bearer(verified: VerifiedToken): Principal {
    if (verified.keyThumbprint !== undefined || this.#options.dpop?.required === true) {
      throw new AuthenticationError("invalid_token", "binding");
    }
    return this.#scoped(verified);
  }

  #scoped({ principal }: VerifiedToken): Principal {
    const { requiredScopes, grantedScopes } = this.#options;
    if (requiredScopes.length === 0) return principal;
    const granted = grantedScopes(principal);
    if (requiredScopes.every((scope) => granted.has(scope))) return principal;
    throw new AuthenticationError("insufficient_scope", "scope", { scopes: requiredScopes });
  }

  #refused(error: unknown): AuthenticationOutcome {
    if (!AuthenticationError.isInstance(error)) throw error;
    return { failure: this.describe(error) };
  }

  /** A client that needs a nonce gets it with the refusal (RFC 9449, 9). */
  async #withNonce(outcome: AuthenticationOutcome, error: unknown): Promise<AuthenticationOutcome> {
    const nonces = this.#options.dpop?.nonces;
    if (nonces === undefined || !("failure" in outcome)) return outcome;
    if (!AuthenticationError.isInstance(error) || error.code !== "use_dpop_nonce") return outcome;
    const { failure } = outcome;
    return {
      failure: { ...failure, headers: { ...failure.headers, "DPoP-Nonce": await nonces.make() } },
    };
  }

  #challenges(error: AuthenticationError): readonly string[] {
    const { dpop, requiredScopes } = this.#options;
    const isProof = error.code === "invalid_dpop_proof" || error.code === "use_dpop_nonce";
    const scopes = new Set([...requiredScopes, ...error.scopes]);
    for (const scope of NOT_OURS) scopes.delete(scope);
    const where = {
      scope: scopes.size === 0 ? undefined : [...scopes].join(" "),
      resource_metadata: this.#metadataUrl,
    };
    const plain = new AuthenticationError("missing_credentials", "credentials");
    const said = new AuthenticationError(error.code, error.stage);
    const bearer = bearerChallenge(isProof ? plain : said, where);
    if (dpop === undefined) return [bearer];
    const bound = challenge("DPoP", {
      ...where,
      error: error.code === "missing_credentials" ? undefined : error.code,
      algs: dpop.algorithms.join(" "),
    });
    if (dpop.required) return [bound];
    // Clients that know one scheme only read the first.
    return isProof ? [bound, bearer] : [bearer, bound];
  }

  #metadata(server: GuardedServer): object {
    const { resource, verifiers, requiredScopes, scopesSupported, dpop } = this.#options;
    const { resourceName, resourceDocumentation } = this.#options;
    const all = scopesSupported ?? [...new Set([...requiredScopes, ...server.scopes()])];
    const scopes = all.filter((scope) => !NOT_OURS.has(scope));
    return {
      resource,
      authorization_servers: [...new Set(verifiers.map(({ issuer }) => issuer))],
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ["header"],
      ...(resourceName !== undefined && { resource_name: resourceName }),
      ...(resourceDocumentation !== undefined && { resource_documentation: resourceDocumentation }),
      ...(dpop !== undefined && {
        dpop_signing_alg_values_supported: dpop.algorithms,
        dpop_bound_access_tokens_required: dpop.required,
      }),
    };
  }
}
