import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { compileUrlPolicy, type SafeUrlPolicy } from "../safe-url.ts";

/** The form of `dns.lookup` that answers with every address. */
export type LookupAll = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A `lookup` for `net.connect`, `tls.connect`, `http.Agent` or undici's `connect` option that refuses
 * hosts of which any address is not allowed. What it has checked is what is connected to, so that a name
 * that resolves to something else a moment later (DNS rebinding) gains nothing.
 *
 * Sockets do not look up a host that is an IP address already: check the URL with `assertSafeUrl` too.
 *
 * @param policy as for `assertSafeUrl`; its schemes play no part here.
 * @param resolve what resolves names. Default `dns.lookup`.
 * @throws {TypeError} when the policy cannot be read.
 */
export function createSafeLookup(
  policy?: SafeUrlPolicy,
  resolve: LookupAll = systemLookup,
): LookupFunction {
  const compiled = compileUrlPolicy(policy);
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const failure = error ?? check(addresses);
      if (failure !== undefined) {
        callback(failure, []);
        return;
      }
      const first = addresses[0] as LookupAddress;
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });

    function check(addresses: readonly LookupAddress[]): NodeJS.ErrnoException | undefined {
      if (addresses.length === 0) {
        return Object.assign(new Error(`Host "${hostname}" has no address`), { code: "ENOTFOUND" });
      }
      try {
        for (const { address } of addresses) compiled.assertAddress(address, hostname);
        return undefined;
      } catch (refusal) {
        return refusal as Error;
      }
    }
  };
}
