import { isJsonObject } from "@backplane/protocol";
import type { FlowFetch } from "../client/guarded-fetch.ts";

/**
 * Where an authorization server says that its keys are (RFC 8414, 3; OpenID Connect Discovery, 4).
 * @throws {Error} when no metadata of exactly this issuer names a place.
 */
export async function discoverJwks(issuer: string, fetch: FlowFetch): Promise<string> {
  for (const url of metadataUrls(issuer)) {
    const response = await fetch(url, { headers: { accept: "application/json" } });
    if (response.status !== 200) continue;
    const metadata: unknown = await response.json();
    if (!isJsonObject(metadata) || metadata["issuer"] !== issuer) {
      throw new Error("the metadata is of another issuer");
    }
    if (typeof metadata["jwks_uri"] === "string") return metadata["jwks_uri"];
  }
  throw new Error("the authorization server publishes no metadata with jwks_uri");
}

function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(urls)];
}
