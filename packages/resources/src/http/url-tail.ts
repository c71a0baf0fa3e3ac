const UNRESERVED = /[A-Za-z0-9._~-]/;
const MAX_LENGTH = 4_096;
/** Parts that climb or divide, once whatever a server may decode has been decoded. */
const CLIMBING = /^\.{1,2}$|[/\\\0]/;

/**
 * The one spelling of what follows the base URL (RFC 3986, 6.2.2): escapes of unreserved characters undone, the
 * others in upper case. Undefined for what is no such text, or leads out of the base in any number of decodings.
 */
export function normalTail(tail: string): string | undefined {
  if (
    tail.length > MAX_LENGTH ||
    !/^(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/.test(tail)
  ) {
    return undefined;
  }
  const normal = tail.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return UNRESERVED.test(character) ? character : triplet.toUpperCase();
  });
  const [path = ""] = normal.split("?");
  // A leading slash would name a path beside the base, two of them another host.
  if (path.startsWith("/")) return undefined;
  return path.split("/").some(climbs) ? undefined : normal;
}

function climbs(part: string): boolean {
  let decoded = part;
  for (let round = 0; round < 4; round++) {
    if (CLIMBING.test(decoded)) return true;
    try {
      const next = decodeURIComponent(decoded);
      if (next === decoded) return false;
      decoded = next;
    } catch {
      // Bytes that are no UTF-8: a server may read them in ways that are not known here.
      return true;
    }
  }
  // Encoded more often than anybody has a reason to.
  return true;
}
