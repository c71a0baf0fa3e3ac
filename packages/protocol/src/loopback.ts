import { type IpRange, isInRange, parseIpAddress, parseIpRange } from "./ip-address.ts";

const LOOPBACK = ["127.0.0.0/8", "::1"].map((text) => parseIpRange(text) as IpRange);

/**
 * Whether a host leads to this machine and nowhere else: `localhost`, 127.0.0.0/8 and `::1`, which may stand
 * in brackets (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3). No other name does, whatever it resolves to today.
 */
export function isLoopbackHost(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const address = parseIpAddress(host);
  return address !== undefined && LOOPBACK.some((range) => isInRange(address, range));
}
