/**
 * An IP address as eight 16-bit groups. IPv4 stands as IPv4-mapped IPv6 (::ffff:a.b.c.d), so that one
 * comparison serves both families and an address has no second spelling that escapes a rule.
 */
export type IpAddress = readonly number[];

/** A block of addresses: those whose first `prefixBits` bits are those of `base`. */
export interface IpRange {
  readonly base: IpAddress;
  readonly prefixBits: number;
}

const GROUPS = 8;
const MAPPED_PREFIX: IpAddress = [0, 0, 0, 0, 0, 0xffff];
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-f]{1,4}$/i;

/**
 * Reads an address in its plain notation: dotted decimal without leading zeros, or IPv6 (RFC 4291, 2.2),
 * also in brackets. Octal, hexadecimal and short IPv4 forms are not addresses here: the URL parser has
 * turned them into plain ones before.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.length > 47) return undefined;
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  return bare.includes(":") ? parseIPv6(bare) : parseIPv4(bare);
}

function parseIPv4(text: string): IpAddress | undefined {
  const groups = parseOctets(text);
  return groups && [...MAPPED_PREFIX, ...groups];
}

function parseOctets(text: string): readonly [number, number] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => OCTET.test(part) && Number(part) < 256)) {
    return undefined;
  }
  const [a, b, c, d] = parts.map(Number) as [number, number, number, number];
  return [a * 256 + b, c * 256 + d];
}

function parseIPv6(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] as string, halves.length === 1);
  if (halves.length === 1) return head?.length === GROUPS ? head : undefined;
  const tail = parseGroups(halves[1] as string, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = GROUPS - head.length - tail.length;
  return missing < 1 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** @param last whether these groups end the address, where an IPv4 tail may stand. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (HEX_GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const octets = last && index === parts.length - 1 ? parseOctets(part) : undefined;
    if (octets === undefined) return undefined;
    groups.push(...octets);
  }
  return groups;
}

/** Reads `address/prefix`, or an address, which is a block of one. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  const base = parseIpAddress(address);
  if (base === undefined) return undefined;
  const offset = address.includes(":") ? 0 : 96;
  if (slash === -1) return { base, prefixBits: 128 };
  const bits = text.slice(slash + 1);
  if (!OCTET.test(bits) || Number(bits) > 128 - offset) return undefined;
  return { base, prefixBits: Number(bits) + offset };
}

/** Whether `address` lies in `range`. */
export function isInRange(address: IpAddress, range: IpRange): boolean {
  const whole = range.prefixBits >> 4;
  for (let group = 0; group < whole; group++) {
    if (address[group] !== range.base[group]) return false;
  }
  const rest = range.prefixBits & 15;
  if (rest === 0) return true;
  const mask = 0xffff & ~(0xffff >> rest);
  return ((address[whole] as number) & mask) === ((range.base[whole] as number) & mask);
}

const range = (text: string): IpRange => parseIpRange(text) as IpRange;

const IPV4: IpRange = range("0.0.0.0/0");
/** NAT64 (RFC 6052): the IPv4 address stands in the last 32 bits. */
const NAT64: IpRange = range("64:ff9b::/96");
/** Unicast addresses that IANA gives out; everything else in IPv6 is special or unassigned. */
const GLOBAL_UNICAST: IpRange = range("2000::/3");

/** From IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), and what clouds add. */
const NOT_PUBLIC: readonly IpRange[] = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // carrier-grade NAT; a cloud's metadata at 100.100.100.200
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // a cloud's host agent
  "169.254.0.0/16", // link-local; metadata of most clouds at 169.254.169.254
  "172.16.0.0/12", // private
  "192.0.0.0/24", // IETF; a cloud's metadata at 192.0.0.192
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // former 6to4 relays
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
  "2001::/23", // IETF: Teredo and others, which carry IPv4 addresses
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4, which carries IPv4 addresses
  "3fff::/20", // documentation
].map(range);

/** Whether an address is reachable in the public internet, and so is not a machine of one's own. */
export function isPublicAddress(address: IpAddress): boolean {
  if (isInRange(address, NAT64)) {
    return isPublicAddress([...MAPPED_PREFIX, ...address.slice(MAPPED_PREFIX.length)]);
  }
  if (!isInRange(address, IPV4) && !isInRange(address, GLOBAL_UNICAST)) return false;
  return !NOT_PUBLIC.some((block) => isInRange(address, block));
}
