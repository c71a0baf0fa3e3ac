import {
  type CompiledUrlPolicy,
  compileUrlPolicy,
  isLoopbackHost,
  type SafeUrlPolicy,
  UnsafeUrlError,
} from "@backplane/protocol";
import { OAuthClientError, type OAuthStage, shownUrl } from "./errors.ts";

/** Which URLs a flow may go to, for URL checks and for the addresses that names resolve to. */
export interface UrlGuard {
  /** @throws {OAuthClientError} with code `unsafe_url`. */
  assertUrl(url: string | URL, stage: OAuthStage): URL;
  /** Where a connection to this host may lead once its name is resolved. */
  addressPolicy(hostname: string): SafeUrlPolicy;
}

const LOOPBACK_ADDRESSES = ["127.0.0.0/8", "::1"];

/**
 * The guard of one flow.
 *
 * @param named URLs that the application itself named: the MCP server, an identity provider. Their origins
 *   are allowed. When one of them is on this machine, so is everything else on this machine: development
 *   runs the authorization server there too.
 * @param policy what else is allowed: where metadata from the network may lead.
 */
export function createUrlGuard(named: readonly (string | URL)[], policy: SafeUrlPolicy): UrlGuard {
  const urls = named.map((url) => new URL(url));
  const origins = new Set(urls.map(({ origin }) => origin));
  const allowsLoopback = urls.some(({ hostname }) => isLoopbackHost(hostname));
  const compiled = compileUrlPolicy(policy);

  return {
    assertUrl(input, stage) {
      try {
        return assertAllowed(input, { origins, allowsLoopback, compiled });
      } catch (cause) {
        if (!(cause instanceof UnsafeUrlError)) throw cause;
        throw new OAuthClientError(
          "unsafe_url",
          stage,
          `OAuth ${stage}: refused to go to ${shownUrl(input)}: ${cause.message}; the option urlPolicy can allow it`,
          { cause },
        );
      }
    },
    addressPolicy(hostname) {
      // Only a local name may lead here: any other that does is an attack (DNS rebinding).
      if (allowsLoopback && isLoopbackHost(hostname)) return { allowAddresses: LOOPBACK_ADDRESSES };
      const hosts = urls.map((url) => url.hostname);
      return { ...policy, allowHosts: [...(policy.allowHosts ?? []), ...hosts] };
    },
  };
}

function assertAllowed(
  input: string | URL,
  allowed: {
    readonly origins: ReadonlySet<string>;
    readonly allowsLoopback: boolean;
    readonly compiled: CompiledUrlPolicy;
  },
): URL {
  const url = URL.canParse(String(input)) ? new URL(input) : undefined;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  // Whatever the host: credentials in a URL end up in logs.
  const isPlain = url?.username === "" && url.password === "";
  if (url !== undefined && isHttp && isPlain) {
    if (allowed.origins.has(url.origin)) return url;
    if (allowed.allowsLoopback && isLoopbackHost(url.hostname)) return url;
  }
  return allowed.compiled.assertUrl(input);
}
