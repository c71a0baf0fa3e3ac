import {
  type IpAddress,
  type IpRange,
  isInRange,
  isPublicAddress,
  parseIpAddress,
  parseIpRange,
} from "./ip-address.ts";

/** Which URLs a server-side request may go to. The default is https to the public internet. */
export interface SafeUrlPolicy {
  /** Allowed schemes without the colon. Default `["https"]`. */
  readonly schemes?: readonly string[];
  /**
   * Hosts that are trusted whatever their address: exact names or IP addresses, without port. Also what
   * makes a name without a dot, or of a local domain, usable. Default none.
   */
  readonly allowHosts?: readonly string[];
  /** Addresses that are allowed though they are not public: IP addresses or CIDR blocks. Default none. */
  readonly allowAddresses?: readonly string[];
}

/** Why a URL was refused. */
export type UnsafeUrlReason = "malformed" | "scheme" | "credentials" | "host" | "address";

/** A URL, or an address that its host resolved to, which the policy does not allow. */
export class UnsafeUrlError extends Error {
  override readonly name: string = "UnsafeUrlError";
  readonly code: string = "UNSAFE_URL";
  readonly reason: UnsafeUrlReason;

  constructor(reason: UnsafeUrlReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** A policy that was read once. */
export interface CompiledUrlPolicy {
  /** @throws {UnsafeUrlError} */
  assertUrl(url: string | URL): URL;
  /**
   * @param host the name that resolved to `address`.
   * @throws {UnsafeUrlError}
   */
  assertAddress(address: string, host: string): void;
}

/** Names that never lead to the public internet (RFC 6761, 6762, 8375, 9476; ICANN's `.internal`). */
const LOCAL_DOMAINS = [
  "localhost",
  "local",
  "internal",
  "home.arpa",
  "alt",
  "onion",
  "test",
  "invalid",
];

/**
 * Checks a policy and makes it ready for use.
 *
 * @throws {TypeError} when an entry of the policy cannot be read; the message names it.
 */
export function compileUrlPolicy(policy: SafeUrlPolicy = {}): CompiledUrlPolicy {
  const schemes = new Set((policy.schemes ?? ["https"]).map(readScheme));
  const hosts = new Set((policy.allowHosts ?? []).map(readHost));
  const ranges = (policy.allowAddresses ?? []).map(readRange);

  const isAllowed = (address: IpAddress): boolean =>
    isPublicAddress(address) || ranges.some((range) => isInRange(address, range));

  return {
    assertUrl(input) {
      const url = parse(input);
      if (!schemes.has(url.protocol)) {
        throw new UnsafeUrlError("scheme", `URL scheme "${url.protocol}" is not allowed`);
      }
      // They would end up in logs and in the Referer of redirects (RFC 9110, 4.2.4).
      if (url.username !== "" || url.password !== "") {
        throw new UnsafeUrlError("credentials", "A URL must not carry credentials");
      }
      const host = hostOf(url);
      if (hosts.has(host)) return url;
      const address = parseIpAddress(host);
      if (address === undefined) assertName(host);
      else if (!isAllowed(address)) throw notPublic(host);
      return url;
    },
    assertAddress(text, host) {
      if (hosts.has(bareHost(host))) return;
      const address = parseIpAddress(text);
      if (address === undefined || !isAllowed(address)) throw notPublic(host);
    },
  };
}

/**
 * Refuses URLs by which a peer could make this machine talk to itself or to its neighbours (SSRF): other
 * schemes, credentials in the URL, loopback, private, link-local, metadata, carrier-grade NAT and
 * reserved addresses in any notation, local names. A name can still resolve to such an address, today
 * or after the check: connect with `createSafeLookup` of `@backplane/protocol/node`, which checks what
 * is connected to. Check the target of each redirect in the same way.
 *
 * @returns the parsed URL; use this one, not the text.
 * @throws {UnsafeUrlError} whose message names neither credentials nor path.
 * @throws {TypeError} when the policy cannot be read.
 */
export function assertSafeUrl(url: string | URL, policy?: SafeUrlPolicy): URL {
  return compileUrlPolicy(policy).assertUrl(url);
}

function parse(input: string | URL): URL {
  try {
    return new URL(input);
  } catch {
    throw new UnsafeUrlError("malformed", "The URL cannot be parsed");
  }
}

const NORMALISING_SCHEMES: ReadonlySet<string> = new Set([
  "http:",
  "https:",
  "ws:",
  "wss:",
  "ftp:",
]);

/** The URL parser turns 127.1, 0x7f000001 and the like into addresses for these schemes only. */
function hostOf(url: URL): string {
  if (NORMALISING_SCHEMES.has(url.protocol)) return bareHost(url.hostname);
  return bareHost(url.hostname === "" ? "" : parse(`http://${url.hostname}/`).hostname);
}

function assertName(host: string): void {
  if (host === "") throw new UnsafeUrlError("host", "The URL names no host");
  const local = LOCAL_DOMAINS.some((domain) => host === domain || host.endsWith(`.${domain}`));
  // Without a dot a resolver tries its search domains: a name of the local network.
  if (local || !host.includes(".")) {
    throw new UnsafeUrlError("host", `Host "${host}" is a local name; allowHosts can name it`);
  }
}

function notPublic(host: string): UnsafeUrlError {
  return new UnsafeUrlError(
    "address",
    `Host "${host}" leads to an address that is not public; allowAddresses or allowHosts can name it`,
  );
}

/** One spelling per host: without brackets, the root's dot, or upper case. */
function bareHost(hostname: string): string {
  const lower = hostname.toLowerCase();
  if (lower.startsWith("[")) return lower.slice(1, -1);
  let end = lower.length;
  while (lower[end - 1] === ".") end--;
  return lower.slice(0, end);
}

function readScheme(scheme: string): string {
  if (/^[a-z][a-z0-9+.-]*$/i.test(scheme)) return `${scheme.toLowerCase()}:`;
  throw new TypeError(`SafeUrlPolicy: schemes holds "${scheme}"; write it as "https"`);
}

// Through the URL parser, so that an entry is compared in the spelling that a URL's host will have.
function readHost(host: string): string {
  const literal = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const url = URL.canParse(`http://${literal}/`) ? new URL(`http://${literal}/`) : undefined;
  if (url === undefined || url.href !== `http://${url.hostname}/` || /\]./.test(literal)) {
    throw new TypeError(
      `SafeUrlPolicy: allowHosts holds "${host}"; write a host without port or path`,
    );
  }
  return bareHost(url.hostname);
}

function readRange(text: string): IpRange {
  const range = parseIpRange(text);
  if (range !== undefined) return range;
  throw new TypeError(
    `SafeUrlPolicy: allowAddresses holds "${text}"; write an IP address or a block as 10.0.0.0/8`,
  );
}
