import { type ClientAuth, checkMembers } from "@backplane/protocol";
import { checkedHeaderName } from "../internal/header-name.ts";
import { type CredentialInput, headerCredential } from "./header-credential.ts";

/** How an API key is sent, and where it may go. */
export interface ApiKeyOptions {
  /** As the server has it: with `Authorization` the key stands behind `Bearer`. Default `X-API-Key`. */
  readonly headerName?: string;
  /** Origins such as `https://mcp.example`. Default: the one of the first request, and no other. */
  readonly origins?: readonly string[];
}

/**
 * An API key in a header, for a server with `APIKeyAuth`. Unlike a fixed header it is never sent to
 * another origin than its own, and never shown. A function is asked again when its key was refused, so that
 * a key can be replaced while the client runs.
 *
 * @throws {TypeError} when the key, the header or an origin is none.
 * @throws {OAuthClientError} from a request to another origin, with code `origin_mismatch`.
 */
export function apiKey(key: CredentialInput, options: ApiKeyOptions = {}): ClientAuth {
  checkMembers("apiKey", options, ["headerName", "origins"]);
  const name = checkedHeaderName("apiKey", options.headerName).toLowerCase();
  return headerCredential({
    subject: "apiKey",
    noun: "key",
    headerName: name,
    scheme: name === "authorization" ? "Bearer" : undefined,
    input: key,
    origins: options.origins,
  });
}
