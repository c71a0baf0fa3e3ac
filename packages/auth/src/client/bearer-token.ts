import { type ClientAuth, checkMembers } from "@backplane/protocol";
import { type CredentialInput, headerCredential } from "./header-credential.ts";

/** Where a bearer token may go. */
export interface BearerTokenOptions {
  /** Origins such as `https://mcp.example`. Default: the one of the first request, and no other. */
  readonly origins?: readonly string[];
}

/** A token that the application has, or gets elsewhere: asked for before each request. */
export type BearerTokenInput = CredentialInput;

/**
 * A bearer token (RFC 6750). It is never sent to another origin than its own. A function is asked again
 * when its token was refused; the request is retried when it then gives another one.
 *
 * @throws {TypeError} when the token or an origin is none.
 * @throws {OAuthClientError} from a request to another origin, with code `origin_mismatch`.
 */
export function bearerToken(token: BearerTokenInput, options: BearerTokenOptions = {}): ClientAuth {
  checkMembers("bearerToken", options, ["origins"]);
  return headerCredential({
    subject: "bearerToken",
    noun: "token",
    headerName: "authorization",
    scheme: "Bearer",
    input: token,
    origins: options.origins,
  });
}
