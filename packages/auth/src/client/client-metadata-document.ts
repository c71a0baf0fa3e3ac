import { assertHttpsOrLoopback } from "./common-options.ts";
import { assertDocumentUrl } from "./oauth.ts";

/** What the document says about a client. */
export interface ClientMetadataDocumentOptions {
  /** Where the document is served: https, with a path. It is the client's id. */
  readonly url: string;
  /** What users read. */
  readonly clientName: string;
  /** Every URL that users may be sent back to: https, or loopback. */
  readonly redirectUrls: readonly string[];
  readonly clientUri?: string;
  readonly logoUri?: string;
}

/**
 * The Client ID Metadata Document to serve at `url` as `application/json`, for the option
 * `clientMetadataUrl` of `oauth` (spec: client registration).
 *
 * @throws {TypeError} when a URL is not one that authorization servers accept.
 */
export function clientMetadataDocument(
  options: ClientMetadataDocumentOptions,
): Readonly<Record<string, unknown>> {
  const { url, clientName, redirectUrls, clientUri, logoUri } = options;
  assertDocumentUrl(url);
  if (redirectUrls.length === 0 || clientName === "") {
    throw new TypeError("clientMetadataDocument: clientName and redirectUrls must not be empty");
  }
  for (const redirectUrl of redirectUrls) {
    assertHttpsOrLoopback("clientMetadataDocument", "redirectUrls", redirectUrl);
  }
  return {
    client_id: url,
    client_name: clientName,
    redirect_uris: [...redirectUrls],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    ...(clientUri !== undefined && { client_uri: clientUri }),
    ...(logoUri !== undefined && { logo_uri: logoUri }),
  };
}
