import { isLoopbackHost } from "@backplane/protocol";

/** What a guard found wrong; undefined when the request may pass. */
export type GuardVerdict = string | undefined;

/**
 * The defence against DNS rebinding: a page on `evil.example` that resolves to 127.0.0.1 still sends its own
 * name in `Host`, and its own origin in `Origin` (spec: transports/streamable-http, security).
 */
export class Guards {
  /** Undefined for the loopback hosts. */
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #origins: ReadonlySet<string>;
  /** The last `Host` that passed: nearly every request carries the same. */
  #passedHost: string | undefined;

  constructor(allowedHosts: readonly string[] | undefined, allowedOrigins: readonly string[]) {
    this.#hosts = allowedHosts && new Set(allowedHosts);
    this.#origins = new Set(allowedOrigins);
  }

  checkHost(host: string | undefined): GuardVerdict {
    if (host !== undefined && host === this.#passedHost) return undefined;
    if (host === undefined || !this.#allows(hostName(host))) {
      return `Host "${printable(host)}" is not allowed; the option allowedHosts lists what is`;
    }
    this.#passedHost = host;
    return undefined;
  }

  /**
   * What a trusted proxy says was asked for. Beside `Host` and not instead of it: a proxy that does not
   * write the header passes on a page's own.
   */
  checkForwardedHost(host: string | undefined): GuardVerdict {
    if (host === undefined || this.#allows(hostName(host))) return undefined;
    return `X-Forwarded-Host "${printable(host)}" is not allowed; the option allowedHosts lists what is`;
  }

  /** A request without `Origin` is no browser's; loopback pages and listed origins may call. */
  checkOrigin(origin: string | undefined): GuardVerdict {
    if (origin === undefined || this.#origins.has(origin)) return undefined;
    const name = originHost(origin);
    if (name !== undefined && isLoopbackHost(name)) return undefined;
    return `Origin "${printable(origin)}" is not allowed; the option allowedOrigins lists what is`;
  }

  /** CORS headers for an origin that was listed explicitly; others get none. */
  corsHeaders(origin: string | undefined): Readonly<Record<string, string>> | undefined {
    if (origin === undefined || !this.#origins.has(origin)) return undefined;
    return {
      "Access-Control-Allow-Origin": origin,
      "Access-Control-Expose-Headers": "Mcp-Session-Id, WWW-Authenticate, DPoP-Nonce, Retry-After",
      Vary: "Origin",
    };
  }

  #allows(name: string): boolean {
    return this.#hosts === undefined ? isLoopbackHost(name) : this.#hosts.has(name);
  }
}

/** Answers a CORS preflight for a listed origin. */
export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Methods": "POST, GET, DELETE",
  // `*` does not cover Authorization (Fetch standard), and Mcp-Param-* names are the tools' own.
  "Access-Control-Allow-Headers": "*, Authorization",
  "Access-Control-Max-Age": "86400",
};

/** Whatever else stands in a `Host` makes it no name at all: `localhost:x@evil.example`, `[::1]evil.example`. */
const HOST = /^(\[[^\]]*\]|[^:[\]]*)(?::\d*)?$/;

/** The name of a `Host` header, lower-case and without port; IPv6 keeps its brackets. */
function hostName(host: string): string {
  return HOST.exec(host)?.[1]?.toLowerCase() ?? "";
}

function originHost(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined;
  const url = new URL(origin);
  return url.protocol === "http:" || url.protocol === "https:" ? url.hostname : undefined;
}

function printable(value: string | undefined): string {
  return (value ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}
