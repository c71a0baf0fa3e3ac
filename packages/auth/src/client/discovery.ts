import type {
  AuthorizationServerMetadata,
  OAuthProtectedResourceMetadata,
} from "@modelcontextprotocol/client";
import { OAuthClientError, shownUrl } from "./errors.ts";
import type { AuthorizationServer } from "./flow.ts";
import type { FlowFetch } from "./guarded-fetch.ts";
import { failureOf, type Probe, probe } from "./probe.ts";
import type { Sdk } from "./sdk.ts";

/** Who issues tokens for an MCP server, and for what. */
export interface Discovery {
  readonly server: AuthorizationServer;
  /** As published, byte for byte: authorization servers compare it so. */
  readonly resource: string;
  /** Tokens go to this origin and to paths below this one only. */
  readonly covers: URL;
  readonly scopesSupported: readonly string[] | undefined;
}

export interface DiscoveryRequest {
  readonly sdk: Sdk;
  /** The URL that was refused. */
  readonly serverUrl: URL;
  /** The `resource_metadata` of the challenge. */
  readonly metadataUrl: string | undefined;
  readonly fetch: FlowFetch;
  /** Where this client is known already; preferred when the metadata lists several. */
  readonly known: string | undefined;
  /** Whether the client's credentials are of no use anywhere else. */
  readonly onlyKnown: boolean;
}

/**
 * Asks the MCP server who issues its tokens, and that authorization server what it offers. The metadata of
 * the resource is looked for where the challenge says, then at the well-known URI with the path, then at
 * the root (spec: authorization server discovery). A server without any is of revision 2025-03-26: its own
 * origin is the authorization server, and must publish metadata.
 *
 * @throws {OAuthClientError}
 */
export async function discover(request: DiscoveryRequest): Promise<Discovery> {
  const resource = await resourceMetadata(request);
  if (resource === undefined) return discoverAtOrigin(request);
  const { serverUrl, sdk } = request;
  const allowed = sdk.checkResourceAllowed({
    requestedResource: serverUrl,
    configuredResource: resource.resource,
  });
  if (!allowed) {
    throw new OAuthClientError(
      "resource_mismatch",
      "discovery",
      `OAuth discovery: the metadata of ${shownUrl(serverUrl)} is about ${shownUrl(resource.resource)}`,
    );
  }
  const issuer = chooseIssuer(resource.authorization_servers ?? [], request);
  const metadata = await serverMetadata(request, issuer);
  if (metadata === undefined) throw noMetadata(issuer);
  if (metadata.issuer !== issuer) throw otherIssuer(issuer);
  return {
    server: { issuer, metadata },
    resource: resource.resource,
    covers: new URL(resource.resource),
    scopesSupported: resource.scopes_supported,
  };
}

async function discoverAtOrigin(request: DiscoveryRequest): Promise<Discovery> {
  const { serverUrl, known, onlyKnown } = request;
  const root = new URL("/", serverUrl);
  const metadata = await serverMetadata(request, root.href);
  if (metadata === undefined) throw noMetadata(root.origin);
  if (onlyKnown && known !== undefined && metadata.issuer !== known) throw otherIssuer(known);
  const resource = new URL(serverUrl.pathname, serverUrl);
  return {
    server: { issuer: metadata.issuer, metadata },
    resource: resource.pathname === "/" ? resource.origin : resource.href,
    covers: root,
    scopesSupported: undefined,
  };
}

async function resourceMetadata({
  sdk,
  serverUrl,
  metadataUrl,
  fetch,
}: DiscoveryRequest): Promise<OAuthProtectedResourceMetadata | undefined> {
  const named = metadataUrl !== undefined && URL.canParse(metadataUrl) ? [metadataUrl] : [];
  for (const resourceMetadataUrl of [...named, undefined]) {
    const probed = probe(fetch);
    try {
      return await sdk.discoverOAuthProtectedResourceMetadata(
        serverUrl,
        resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl },
        probed.fetch,
      );
    } catch (error) {
      if (OAuthClientError.isInstance(error) || !isNotThere(probed)) {
        throw failureOf(error, probed, "discovery", "discovery_failed");
      }
    }
  }
  return undefined;
}

function isNotThere({ status }: Probe): boolean {
  return status !== undefined && status >= 300 && status < 500 && status !== 429;
}

function chooseIssuer(
  listed: readonly string[],
  { known, onlyKnown, serverUrl }: DiscoveryRequest,
): string {
  if (known !== undefined && listed.includes(known)) return known;
  if (known !== undefined && onlyKnown) throw otherIssuer(known);
  const [first] = listed;
  if (first !== undefined) return first;
  throw new OAuthClientError(
    "discovery_failed",
    "discovery",
    `OAuth discovery: the metadata of ${shownUrl(serverUrl)} names no authorization server`,
  );
}

async function serverMetadata(
  { sdk, fetch }: DiscoveryRequest,
  issuer: string,
): Promise<AuthorizationServerMetadata | undefined> {
  const probed = probe(fetch);
  try {
    return await sdk.discoverAuthorizationServerMetadata(issuer, { fetchFn: probed.fetch });
  } catch (error) {
    if (sdk.IssuerMismatchError.isInstance(error)) throw otherIssuer(issuer);
    throw failureOf(error, probed, "discovery", "discovery_failed");
  }
}

function noMetadata(issuer: string): OAuthClientError {
  return new OAuthClientError(
    "discovery_failed",
    "discovery",
    `OAuth discovery: ${shownUrl(issuer)} publishes no authorization server metadata`,
  );
}

function otherIssuer(issuer: string): OAuthClientError {
  return new OAuthClientError(
    "issuer_mismatch",
    "discovery",
    `OAuth discovery: the authorization server is not ${shownUrl(issuer)}, which was expected; its metadata and these credentials do not belong together`,
  );
}
