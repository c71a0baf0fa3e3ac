import { type IpRange, isInRange, parseIpAddress, parseIpRange } from "@backplane/protocol";

/** Reads a header by its lower-case name. */
type HeaderReader = (name: string) => string | undefined;

/** More hops than any deployment has: what is beyond was written by the client. */
const MAX_HOPS = 32;

/** Peers whose verdict is remembered: proxies are few, and each sends every request. */
const MAX_KNOWN = 1_000;

/**
 * The proxies whose word counts. What `X-Forwarded-*` says is anybody's claim unless the peer of the
 * connection is one of them; `Forwarded` (RFC 7239) is not read, because a proxy that writes one kind
 * passes the other on as a client wrote it.
 */
export class TrustedProxies {
  readonly #ranges: readonly IpRange[];
  readonly #known = new Map<string, boolean>();

  /** @param ranges addresses and CIDR blocks that {@link parseProxy} reads. */
  constructor(ranges: readonly IpRange[]) {
    this.#ranges = ranges;
  }

  /** Whether `peer` is the address of a proxy. */
  trusts(peer: string | undefined): boolean {
    if (peer === undefined) return false;
    const known = this.#known.get(peer);
    if (known !== undefined) return known;
    const address = parseIpAddress(peer);
    const trusted =
      address !== undefined && this.#ranges.some((range) => isInRange(address, range));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(peer, trusted);
    return trusted;
  }

  /**
   * The address of the client: the last one of `X-Forwarded-For` that is no proxy's, since each proxy
   * appends whom it serves, and what stands before was there when the request came to the first of them.
   * An entry that is no address ends the search at the proxy that wrote it.
   */
  clientOf(peer: string | undefined, header: HeaderReader): string | undefined {
    if (!this.trusts(peer)) return peer;
    let client = peer;
    const hops = header("x-forwarded-for")?.split(",") ?? [];
    for (const hop of hops.reverse().slice(0, MAX_HOPS)) {
      const address = withoutPort(hop.trim());
      if (parseIpAddress(address) === undefined) return client;
      client = address;
      if (!this.trusts(address)) return client;
    }
    return client;
  }

  /** The host that the client asked for, if a proxy says it. */
  hostOf(peer: string | undefined, header: HeaderReader): string | undefined {
    return this.trusts(peer) ? first(header("x-forwarded-host")) : undefined;
  }

  /** Scheme and host by which the client came, if a proxy says the scheme; the port only if it is not the scheme's own. */
  originOf(peer: string | undefined, header: HeaderReader): string | undefined {
    if (!this.trusts(peer)) return undefined;
    const scheme = first(header("x-forwarded-proto"))?.toLowerCase();
    if (scheme !== "http" && scheme !== "https") return undefined;
    const host = first(header("x-forwarded-host")) ?? header("host");
    const url = `${scheme}://${host}`;
    return URL.canParse(url) ? new URL(url).origin : undefined;
  }
}

/** Blocks by name, for what stands beside the server on its machine. */
const NAMED: Readonly<Record<string, readonly string[]>> = { loopback: ["127.0.0.0/8", "::1"] };

/** An address, a CIDR block, or `loopback`. @returns undefined for anything else, and for all addresses. */
export function parseProxy(text: string): readonly IpRange[] | undefined {
  const ranges: IpRange[] = [];
  for (const each of NAMED[text] ?? [text]) {
    const range = /\/0+$/.test(each) ? undefined : parseIpRange(each);
    if (range === undefined) return undefined;
    ranges.push(range);
  }
  return ranges;
}

/** The first of several is what the outermost proxy said. */
function first(list: string | undefined): string | undefined {
  return list?.split(",", 1)[0]?.trim();
}

/** Some proxies append the client's port, and put IPv6 in brackets for it. */
function withoutPort(hop: string): string {
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/.exec(hop) ?? [];
  return bracketed ?? dotted ?? hop;
}
